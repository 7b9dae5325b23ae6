"""What an architecture is, and the weights and data that all frameworks start from."""

import importlib
import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np

from kb.verifier import Array, Cell, rng

MOVING = ("mean", "variance")


class Architecture(Protocol):
    """A module that describes one network; adding such a module adds an architecture.

    Attributes
    ----------
    IMAGE : tuple of int
        Height, width, channels of one input.
    CLASSES : int
        Length of the logits.
    SHAPES : mapping of str to tuple of int
        Common shape of every parameter and moving statistic by its name, `<layer>/<kind>`, where kind is
        `kernel`, `bias`, `gamma`, `beta`, `embedding`, `mean` or `variance`.
    POSITIONS : mapping of str to int
        How often each layer's kernel is applied to one image: height times width of a convolution's outputs,
        1 for a dense layer, the number of tokens for one that is applied to each.
    """

    IMAGE: tuple[int, int, int]
    CLASSES: int
    SHAPES: Mapping[str, tuple[int, ...]]
    POSITIONS: Mapping[str, int]

    def pytorch(self) -> Any:
        """Return a `torch.nn.Module` over (batch, channels, height, width)."""

    def tensorflow(self) -> Any:
        """Return a `keras.Model` over (batch, height, width, channels)."""

    def jax(self, weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """Return the logits, and the moving statistics after this batch."""


def named(name: str) -> Architecture:
    """Return the architecture that a cell calls by name: module `models.small_cnn` is `small-cnn`.

    Raises
    ------
    ModuleNotFoundError
        Where no module has that name.
    """
    architecture: Architecture = importlib.import_module(f"models.{name.replace('-', '_')}")
    return architecture


def is_trained(name: str) -> bool:
    """Tell parameters, which the optimiser moves, from moving statistics, which the forward pass moves."""
    return name.rpartition("/")[2] not in MOVING


def flops(architecture: Architecture, images: int, training: bool) -> float:
    """Return the floating-point operations of one pass over the images, multiply and add counted as two.

    Convolutions and dense layers alone, padding counted as if it were data; what normalisations, rectifiers,
    pools, biases and the optimiser add is not counted. So count He et al. 2016 (table 1, multiply-adds) and
    `torch.utils.flop_counter`. Training counts three forward passes, because the backward pass multiplies
    twice as much, once for the gradients of the inputs and once for those of the weights: Kaplan et al. 2020,
    arXiv:2001.08361, section 2.1; Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, appendix B.

    Parameters
    ----------
    architecture : Architecture
        The network.
    images : int
        Images that pass.
    training : bool
        Whether they train the network, or are answered only.
    """
    kernels = {layer: math.prod(architecture.SHAPES[f"{layer}/kernel"]) for layer in architecture.POSITIONS}
    forward = 2 * sum(kernels[layer] * times for layer, times in architecture.POSITIONS.items())
    return float(images * forward * (3 if training else 1))


def drawn(architecture: Architecture, cell: Cell, images: int) -> tuple[dict[str, Array], Array, Array]:
    """Draw the weights, images and labels that are the same for all arms of a run.

    Kernels are normal with variance 2 / fan-in (He et al. 2015, eq. 10). Biases and moving statistics are
    drawn too, not left at 0 and 1, so that a parameter that one framework drops shows in the outputs. Batch
    norms shift by several times their scale: a unit near a rectifier's kink is on or off by rounding alone,
    and through the 50 layers of a ResNet such units make float32 gradients differ by 2 % (median over the
    parameters) from float64's, and so would hide real faults; with the shift it is about 1e-5.

    Parameters
    ----------
    architecture : Architecture
        The network.
    cell : Cell
        Its seed decides the draw.
    images : int
        How many images to draw.

    Returns
    -------
    tuple
        Weights by name in the common layout, float32. Images (images, height, width, channels), float32: 4x4
        patches of normal colour under normal noise, so that they differ even after global pooling. Labels
        (images,), int32, uniform over the classes.
    """
    generator = rng(cell)
    weights = {name: _drawn(name, shape, generator) for name, shape in architecture.SHAPES.items()}
    height, width, channels = architecture.IMAGE
    coarse = generator.standard_normal((images, 4, 4, channels), dtype=np.float32)
    pixels = coarse.repeat(height // 4, axis=1).repeat(width // 4, axis=2)
    pixels += np.float32(0.5) * generator.standard_normal(pixels.shape, dtype=np.float32)
    labels = generator.integers(architecture.CLASSES, size=images, dtype=np.int32)
    return weights, pixels, labels


def _drawn(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    normal, uniform = partial(generator.standard_normal, shape), partial(generator.uniform, size=shape)
    match name.rpartition("/")[2]:
        case "kernel":
            value = np.sqrt(2 / np.prod(shape[:-1])) * normal(dtype=np.float32)
        case "gamma":
            value = uniform(0.05, 0.15)
        case "beta":
            value = uniform(0.5, 0.6)
        case "variance":
            value = uniform(0.01, 0.03)
        case _:
            value = 0.1 * normal(dtype=np.float32)
    return value.astype(np.float32)
