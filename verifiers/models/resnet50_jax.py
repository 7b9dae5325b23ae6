"""ResNet-50 v1.5 in JAX."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from jax.nn import relu

from models.jax_layers import convolved, dense, normalised, pooled
from models.resnet50 import BLOCKS, EPSILON, MOMENTUM, Block


def resnet50(weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return logits (batch, 1000) of images (batch, 224, 224, 3), and the moving statistics after them."""
    moved: dict[str, Any] = {}
    convolve = partial(_normalised, weights, moved, training)
    x = pooled(relu(convolve(images, "", 1, stride=2)), 3, padding=1)
    for block in BLOCKS:
        x = _bottleneck(convolve, x, block)
    return dense(weights, "dense", x.mean((1, 2))), moved


def _bottleneck(convolve: Any, x: Any, block: Block) -> Any:
    layer, stride = f"{block.name}.", block.stride
    past = convolve(x, layer, 0, stride) if block.projects else x
    x = relu(convolve(x, layer, 1))
    x = relu(convolve(x, layer, 2, stride))
    return relu(convolve(x, layer, 3) + past)


def _normalised(
    weights: Mapping[str, Any],
    moved: dict[str, Any],
    training: bool,
    x: Any,
    prefix: str,
    number: int,
    stride: int = 1,
) -> Any:
    """Convolve and normalise; note in `moved` where the moving statistics went."""
    x = convolved(weights, f"{prefix}conv{number}", x, stride)
    x, now = normalised(weights, f"{prefix}norm{number}", x, training, EPSILON, MOMENTUM)
    moved.update(now)
    return x
