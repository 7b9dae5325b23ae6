"""Layers in JAX: functions of weights by their common names and images (batch, height, width, channel)."""

from collections.abc import Mapping
from typing import Any

from jax import lax
from jax.numpy import inf

Weights = Mapping[str, Any]


def convolved(weights: Weights, layer: str, x: Any, stride: int = 1) -> Any:
    """Convolve without bias, padded symmetrically by half the kernel, so that stride 1 keeps the size."""
    kernel = weights[f"{layer}/kernel"]
    padding = [(size // 2, size // 2) for size in kernel.shape[:2]]
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=layout)


def normalised(
    weights: Weights, layer: str, x: Any, training: bool, epsilon: float, momentum: float
) -> tuple[Any, dict[str, Any]]:
    """Normalise over batch, height and width; return also the layer's moving statistics after this batch.

    Parameters
    ----------
    weights : mapping
        Holds the layer's `gamma`, `beta`, `mean` and `variance`.
    layer : str
        The layer's name.
    x : jax.Array
        Shape (batch, height, width, channels).
    training : bool
        Whether by the batch's own statistics, or by the moving ones.
    epsilon : float
        Added to the variance.
    momentum : float
        What a moving statistic keeps of itself.
    """
    kept = {"mean": weights[f"{layer}/mean"], "variance": weights[f"{layer}/variance"]}
    used = {"mean": x.mean((0, 1, 2)), "variance": x.var((0, 1, 2))} if training else kept
    scale = lax.rsqrt(used["variance"] + epsilon) * weights[f"{layer}/gamma"]
    moved = {f"{layer}/{kind}": momentum * kept[kind] + (1 - momentum) * used[kind] for kind in kept}
    return (x - used["mean"]) * scale + weights[f"{layer}/beta"], moved


def pooled(x: Any, size: int, padding: int = 0) -> Any:
    """Take the largest of each `size` x `size` window, two apart, outside which nothing is larger."""
    around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    return lax.reduce_window(x, -inf, lax.max, (1, size, size, 1), (1, 2, 2, 1), around)


def dense(weights: Weights, layer: str, x: Any) -> Any:
    """Multiply by the layer's kernel and add its bias."""
    return x @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]
