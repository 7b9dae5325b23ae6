"""The small Transformer encoder in JAX, its attention by `jax.nn.dot_product_attention`."""

from collections.abc import Mapping
from typing import Any

from jax import lax
from jax.nn import dot_product_attention, gelu

from models.jax_layers import dense
from models.transformer import BLOCKS, EPSILON, HEADS, PATCH, TOKENS, WIDTH


def transformer(weights: Mapping[str, Any], images: Any) -> Any:
    """Return logits (batch, 10) of images (batch, 32, 32, 3)."""
    layout = ("NHWC", "HWIO", "NHWC")
    patches = lax.conv_general_dilated(
        images, weights["patch/kernel"], (PATCH, PATCH), "VALID", dimension_numbers=layout
    )
    x = (patches + weights["patch/bias"]).reshape(-1, TOKENS, WIDTH) + weights["position/embedding"]
    for block in BLOCKS:
        x = x + _attended(weights, f"{block}.attention", _normalised(weights, f"{block}.norm1", x))
        hidden = dense(weights, f"{block}.dense1", _normalised(weights, f"{block}.norm2", x))
        x = x + dense(weights, f"{block}.dense2", gelu(hidden, approximate=False))
    return dense(weights, "dense", _normalised(weights, "norm", x.mean(1)))


def _normalised(weights: Mapping[str, Any], layer: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scale = lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return centred * scale * weights[f"{layer}/gamma"] + weights[f"{layer}/beta"]


def _attended(weights: Mapping[str, Any], layer: str, x: Any) -> Any:
    parted = (*x.shape[:2], HEADS, WIDTH // HEADS)
    names = ("query", "key", "value")
    query, key, value = (dense(weights, f"{layer}.{name}", x).reshape(parted) for name in names)
    taken = dot_product_attention(query, key, value).reshape(x.shape)
    return dense(weights, f"{layer}.attention_output", taken)
