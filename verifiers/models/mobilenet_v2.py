"""MobileNetV2 for 224x224 images and 1,000 classes: 3,504,872 parameters.

Sandler et al. 2018, arXiv:1801.04381 (table 2, width 1): inverted residuals, each 1x1 to a wider layer, 3x3
on every channel by itself, 1x1 back, without a rectifier after it. Padding is symmetric, as in PyTorch.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

IMAGE = (224, 224, 3)
CLASSES = 1000
EPSILON = 1e-5
MOMENTUM = 0.9  # what a moving statistic keeps of itself; PyTorch states the complement
PARAMETERS = 3_504_872
LAST = 1280


class Block(NamedTuple):
    """One inverted residual; `size` is the height, and the width, of the images that leave it."""

    name: str
    inputs: int
    hidden: int
    outputs: int
    stride: int
    size: int


class Convolution(NamedTuple):
    """One convolution with the batch norm after it; `single` where it takes every channel by itself."""

    layer: str
    inputs: int
    outputs: int
    width: int
    stride: int
    size: int
    single: bool = False
    rectified: bool = True


def _blocks() -> Iterator[Block]:
    inputs, size, number = 32, 112, 0
    for wider, outputs, count, first in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for position in range(count):
            stride = first if position == 0 else 1
            size //= stride
            number += 1
            yield Block(f"block{number}", inputs, wider * inputs, outputs, stride, size)
            inputs = outputs


BLOCKS = tuple(_blocks())
FIRST = Convolution("conv1", 3, 32, 3, 2, 112)
TOP = Convolution("conv2", BLOCKS[-1].outputs, LAST, 1, 1, 7)


def _of_block(block: Block) -> Iterator[Convolution]:
    name, inputs, hidden, outputs, stride, size = block
    if hidden != inputs:
        yield Convolution(f"{name}.widen", inputs, hidden, 1, 1, size * stride)
    yield Convolution(f"{name}.single", hidden, hidden, 3, stride, size, single=True)
    yield Convolution(f"{name}.narrow", hidden, outputs, 1, 1, size, rectified=False)


CONVOLUTIONS = (FIRST, *(each for block in BLOCKS for each in _of_block(block)), TOP)


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    for each in CONVOLUTIONS:
        inputs = 1 if each.single else each.inputs
        yield f"{each.layer}.conv/kernel", (each.width, each.width, inputs, each.outputs)
        for kind in ("gamma", "beta", "mean", "variance"):
            yield f"{each.layer}.norm/{kind}", (each.outputs,)
    yield "dense/kernel", (LAST, CLASSES)
    yield "dense/bias", (CLASSES,)


SHAPES = dict(_shapes())
POSITIONS = {f"{each.layer}.conv": each.size**2 for each in CONVOLUTIONS} | {"dense": 1}


def pytorch() -> Any:
    """Return the module over (batch, 3, 224, 224)."""
    from torch import Tensor, nn

    def convolved(each: Convolution) -> nn.Sequential:
        groups = each.inputs if each.single else 1
        shape = (each.inputs, each.outputs, each.width, each.stride)
        layers = OrderedDict(
            conv=nn.Conv2d(*shape, padding=each.width // 2, groups=groups, bias=False),
            norm=nn.BatchNorm2d(each.outputs, eps=EPSILON, momentum=1 - MOMENTUM),
        )
        return nn.Sequential(layers | (OrderedDict(relu=nn.ReLU6(inplace=True)) if each.rectified else {}))

    class Residual(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            past = x
            for layer in self:
                x = layer(x)
            return x + past

    class Mean(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    def inverted(block: Block) -> nn.Sequential:
        parts = OrderedDict((each.layer.rpartition(".")[2], convolved(each)) for each in _of_block(block))
        past = block.stride == 1 and block.inputs == block.outputs
        return Residual(parts) if past else nn.Sequential(parts)

    return nn.Sequential(
        OrderedDict(
            conv1=convolved(FIRST),
            **{block.name: inverted(block) for block in BLOCKS},
            conv2=convolved(TOP),
            mean=Mean(),
            dense=nn.Linear(LAST, CLASSES),
        )
    )


def tensorflow() -> Any:
    """Return the Keras model over (batch, 224, 224, 3)."""
    from keras import Input, Model, layers

    def convolved(x: Any, each: Convolution) -> Any:
        padded = each.stride > 1
        x = layers.ZeroPadding2D(each.width // 2)(x) if padded else x
        options = {"padding": "valid" if padded else "same", "use_bias": False, "name": f"{each.layer}.conv"}
        if each.single:
            x = layers.DepthwiseConv2D(each.width, each.stride, **options)(x)
        else:
            x = layers.Conv2D(each.outputs, each.width, each.stride, **options)(x)
        x = layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=f"{each.layer}.norm")(x)
        return layers.ReLU(max_value=6)(x) if each.rectified else x

    images = Input(IMAGE)
    x = convolved(images, FIRST)
    for block in BLOCKS:
        past = x
        for each in _of_block(block):
            x = convolved(x, each)
        if block.stride == 1 and block.inputs == block.outputs:
            x = layers.Add()([x, past])
    x = layers.GlobalAveragePooling2D()(convolved(x, TOP))
    return Model(images, layers.Dense(CLASSES, name="dense")(x))


def jax(weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return logits (batch, 1000) of images (batch, 224, 224, 3), and the moving statistics after them."""
    from jax import lax
    from jax.nn import relu6

    from models.jax_layers import dense, normalised

    moved: dict[str, Any] = {}

    def convolved(x: Any, each: Convolution) -> Any:
        kernel, around = weights[f"{each.layer}.conv/kernel"], each.width // 2
        layout, groups = ("NHWC", "HWIO", "NHWC"), each.inputs if each.single else 1
        strides, padding = (each.stride, each.stride), [(around, around)] * 2
        x = lax.conv_general_dilated(
            x, kernel, strides, padding, dimension_numbers=layout, feature_group_count=groups
        )
        x, now = normalised(weights, f"{each.layer}.norm", x, training, EPSILON, MOMENTUM)
        moved.update(now)
        return relu6(x) if each.rectified else x

    x = convolved(images, FIRST)
    for block in BLOCKS:
        past = x
        for each in _of_block(block):
            x = convolved(x, each)
        x = x + past if block.stride == 1 and block.inputs == block.outputs else x
    return dense(weights, "dense", convolved(x, TOP).mean((1, 2))), moved
