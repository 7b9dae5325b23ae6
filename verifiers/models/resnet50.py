"""ResNet-50 v1.5 for 224x224 images and 1,000 classes: 25,557,032 parameters.

He et al. 2016 (table 1), with the stride of a stage's first block in its 3x3 convolution (v1.5, the version
that NVIDIA and MLPerf benchmark) instead of the first 1x1. All padding is symmetric, as in PyTorch; Keras's
`same` would pad strided layers on one side only, and compute something else.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

IMAGE = (224, 224, 3)
CLASSES = 1000
EPSILON = 1e-5
MOMENTUM = 0.9  # what a moving statistic keeps of itself; PyTorch states the complement
PARAMETERS = 25_557_032


class Block(NamedTuple):
    """One bottleneck: 1x1 to `width`, 3x3 by `stride`, 1x1 to `outputs`, and the way past them."""

    name: str
    inputs: int
    width: int
    outputs: int
    stride: int

    @property
    def projects(self) -> bool:
        """Whether the way past the block needs a convolution to fit the block's outputs."""
        return self.stride != 1 or self.inputs != self.outputs


def _blocks() -> Iterator[Block]:
    inputs = 64
    for stage, (depth, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for position in range(depth):
            stride = 2 if stage > 1 and position == 0 else 1
            yield Block(f"stage{stage}_block{position + 1}", inputs, width, 4 * width, stride)
            inputs = 4 * width


BLOCKS = tuple(_blocks())


def _convolutions() -> Iterator[tuple[str, str, tuple[int, int, int, int]]]:
    yield "conv1", "norm1", (7, 7, 3, 64)
    for name, inputs, width, outputs, _ in BLOCKS:
        yield f"{name}.conv1", f"{name}.norm1", (1, 1, inputs, width)
        yield f"{name}.conv2", f"{name}.norm2", (3, 3, width, width)
        yield f"{name}.conv3", f"{name}.norm3", (1, 1, width, outputs)
    for block in BLOCKS:
        if block.projects:
            yield f"{block.name}.conv0", f"{block.name}.norm0", (1, 1, block.inputs, block.outputs)


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    for convolution, norm, kernel in _convolutions():
        yield f"{convolution}/kernel", kernel
        for kind in ("gamma", "beta", "mean", "variance"):
            yield f"{norm}/{kind}", kernel[-1:]
    yield "dense/kernel", (2048, CLASSES)
    yield "dense/bias", (CLASSES,)


SHAPES = dict(_shapes())


def pytorch() -> Any:
    """Return the module over (batch, 3, 224, 224)."""
    from models.resnet50_torch import ResNet50

    return ResNet50()


def tensorflow() -> Any:
    """Return the Keras model over (batch, 224, 224, 3)."""
    from models.resnet50_keras import resnet50

    return resnet50()
