"""A small Transformer encoder that classifies 32x32x3 images: 4x4 patches as 64 tokens of width 128.

Four blocks, each normalised before attention (4 heads) and before its two dense layers (256, GELU); learnt
positions; the mean over the tokens, normalised, gives 10 logits. Vaswani et al. 2017, arXiv:1706.03762, on
patches as in Dosovitskiy et al. 2021, arXiv:2010.11929, normalised first as in Xiong et al. 2020,
arXiv:2002.04745. Without dropout, so that all frameworks compute the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

IMAGE = (32, 32, 3)
CLASSES = 10
PATCH = 4
TOKENS = (32 // PATCH) ** 2
WIDTH = 128
HEADS = 4
HIDDEN = 256
EPSILON = 1e-5
BLOCKS = tuple(f"block{number}" for number in range(1, 5))
PROJECTIONS = ("query", "key", "value", "attention_output")


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "patch/kernel", (PATCH, PATCH, 3, WIDTH)
    yield "patch/bias", (WIDTH,)
    yield "position/embedding", (TOKENS, WIDTH)
    for block in BLOCKS:
        for name in PROJECTIONS:
            yield from _dense(f"{block}.attention.{name}", WIDTH, WIDTH)
        yield from _dense(f"{block}.dense1", WIDTH, HIDDEN)
        yield from _dense(f"{block}.dense2", HIDDEN, WIDTH)
        for norm in (f"{block}.norm1", f"{block}.norm2"):
            yield from _norm(norm)
    yield from _norm("norm")
    yield from _dense("dense", WIDTH, CLASSES)


def _dense(layer: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{layer}/kernel", (inputs, outputs)
    yield f"{layer}/bias", (outputs,)


def _norm(layer: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{layer}/gamma", (WIDTH,)
    yield f"{layer}/beta", (WIDTH,)


SHAPES = dict(_shapes())
POSITIONS = {
    name.removesuffix("/kernel"): 1 if name == "dense/kernel" else TOKENS
    for name in SHAPES
    if name.endswith("/kernel")
}


def pytorch() -> Any:
    """Return the module over (batch, 3, 32, 32)."""
    from models.transformer_torch import transformer

    return transformer()


def tensorflow() -> Any:
    """Return the Keras model over (batch, 32, 32, 3)."""
    from models.transformer_keras import transformer

    return transformer()


def jax(weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return logits (batch, 10) of images (batch, 32, 32, 3); there are no moving statistics."""
    from models.transformer_jax import transformer

    return transformer(weights, images), {}
