"""The layers and small models that are passed through ONNX exporters: their names, inputs and tolerance.

The list was written down before any of them was converted. `onnx_layers_torch` and `onnx_layers_keras` build
each in one framework, with equal meaning and the framework's own layout. Beside the list they build an
architecture, with the same weights in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kb.verifier import Array

NAMES = (
    "dense",
    "conv1d_strided",
    "conv2d",
    "conv2d_dilated",
    "conv2d_depthwise",
    "conv2d_transpose",
    "max_pool",
    "average_pool",
    "global_average_pool",
    "batch_norm_inference",
    "batch_norm_training",
    "layer_norm",
    "group_norm",
    "rms_norm",
    "embedding",
    "lstm",
    "gru",
    "bidirectional_lstm",
    "multi_head_attention",
    "softmax",
    "gelu",
    "dropout_inference",
    "einsum",
    "gather",
    "top_k",
    "resize_bilinear",
    "cumsum",
    "argsort",
    "boolean_mask",
    "real_fft",
    "branch_on_data",
    "residual_cnn",
    "lstm_classifier",
    "transformer_block",
)
BATCHES = (3, 5)
"""Sizes with which each file is run; it is made for any size."""
CENTRES = (0.5, -0.5)
"""Mean of the numbers in each batch, so that `branch_on_data` takes one branch in each."""


@dataclass(frozen=True)
class Input:
    """One input without its batch axis.

    Attributes
    ----------
    shape : tuple of int
        As the framework takes it.
    below : int
        Whole numbers (int64) below this, or normal float32 where it is 0.
    from_last : bool
        Drawn with channels last and handed over with channels first, so that frameworks see one image.
    """

    shape: tuple[int, ...]
    below: int = 0
    from_last: bool = False


def is_layer(name: str) -> bool:
    """Tell the list's entries from architectures, which `models.architecture` names."""
    return name in NAMES


def floats(*shape: int) -> Input:
    """Return an input of float32."""
    return Input(shape)


def whole(below: int, *shape: int) -> Input:
    """Return an input of int64 from 0 to `below`."""
    return Input(shape, below)


def drawn(inputs: Sequence[Input], batch: int, centre: float = 0.0, seed: int = 0) -> list[Array]:
    """Draw a batch of each input."""
    random = np.random.default_rng(seed)
    return [_drawn(each, batch, centre, random) for each in inputs]


def _drawn(one: Input, batch: int, centre: float, random: np.random.Generator) -> Array:
    if one.below:
        return random.integers(one.below, size=(batch, *one.shape), dtype=np.int64)
    if not one.from_last:
        return random.normal(centre, 1.0, (batch, *one.shape)).astype(np.float32)
    channels, *places = one.shape
    images = random.normal(centre, 1.0, (batch, *places, channels)).astype(np.float32)
    return np.ascontiguousarray(np.moveaxis(images, -1, 1))


def weight(name: str, shape: Sequence[int], random: np.random.Generator) -> Array:
    """Draw a parameter or moving statistic: none at its initial 0 or 1, so that a lost one shows."""
    spread = random.uniform(0.5, 1.5, shape) if "var" in name else random.normal(0.0, 0.3, shape)
    return spread.astype(np.float32)
