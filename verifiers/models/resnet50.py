"""ResNet-50 v1.5 for 224x224 images and 1,000 classes: 25,557,032 parameters.

He et al. 2016 (table 1), with the stride of a stage's first block in its 3x3 convolution (v1.5, the version
that NVIDIA and MLPerf benchmark) instead of the first 1x1. All padding is symmetric, as in PyTorch; Keras's
`same` would pad strided layers on one side only, and compute something else.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

IMAGE = (224, 224, 3)
CLASSES = 1000
EPSILON = 1e-5
MOMENTUM = 0.9  # what a moving statistic keeps of itself; PyTorch states the complement
PARAMETERS = 25_557_032


class Block(NamedTuple):
    """One bottleneck: 1x1 to `width`, 3x3 by `stride`, 1x1 to `outputs`, and the way past them.

    `size` is the height, and the width, of the images that leave it; `stride` times that of those that enter.
    """

    name: str
    inputs: int
    width: int
    outputs: int
    stride: int
    size: int

    @property
    def projects(self) -> bool:
        """Whether the way past the block needs a convolution to fit the block's outputs."""
        return self.stride != 1 or self.inputs != self.outputs


def _blocks() -> Iterator[Block]:
    inputs, size = 64, 56
    for stage, (depth, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for position in range(depth):
            stride = 2 if stage > 1 and position == 0 else 1
            size //= stride
            yield Block(f"stage{stage}_block{position + 1}", inputs, width, 4 * width, stride, size)
            inputs = 4 * width


BLOCKS = tuple(_blocks())


class Convolution(NamedTuple):
    """One convolution and the batch norm after it, by their layers' names; `size` is that of its outputs."""

    layer: str
    norm: str
    kernel: tuple[int, int, int, int]
    size: int


def _convolutions() -> Iterator[Convolution]:
    yield Convolution("conv1", "norm1", (7, 7, 3, 64), 112)
    for name, inputs, width, outputs, stride, size in BLOCKS:
        yield Convolution(f"{name}.conv1", f"{name}.norm1", (1, 1, inputs, width), size * stride)
        yield Convolution(f"{name}.conv2", f"{name}.norm2", (3, 3, width, width), size)
        yield Convolution(f"{name}.conv3", f"{name}.norm3", (1, 1, width, outputs), size)
    for block in BLOCKS:
        if block.projects:
            kernel = (1, 1, block.inputs, block.outputs)
            yield Convolution(f"{block.name}.conv0", f"{block.name}.norm0", kernel, block.size)


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    for convolution in _convolutions():
        yield f"{convolution.layer}/kernel", convolution.kernel
        for kind in ("gamma", "beta", "mean", "variance"):
            yield f"{convolution.norm}/{kind}", convolution.kernel[-1:]
    yield "dense/kernel", (2048, CLASSES)
    yield "dense/bias", (CLASSES,)


SHAPES = dict(_shapes())
POSITIONS = {convolution.layer: convolution.size**2 for convolution in _convolutions()} | {"dense": 1}


def pytorch() -> Any:
    """Return the module over (batch, 3, 224, 224)."""
    from models.resnet50_torch import resnet50

    return resnet50()


def tensorflow() -> Any:
    """Return the Keras model over (batch, 224, 224, 3)."""
    from models.resnet50_keras import resnet50

    return resnet50()


def jax(weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return logits (batch, 1000) of images (batch, 224, 224, 3), and the moving statistics after them."""
    from models.resnet50_jax import resnet50

    return resnet50(weights, images, training)
