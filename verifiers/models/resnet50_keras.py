"""ResNet-50 v1.5 in Keras, padded symmetrically as in PyTorch."""

from typing import Any

from keras import Input, Model, layers

from models.resnet50 import BLOCKS, CLASSES, EPSILON, IMAGE, MOMENTUM, Block


def resnet50() -> Model:
    """Return the model over (batch, 224, 224, 3)."""
    images = Input(IMAGE)
    x = layers.ReLU()(_normalised(images, "", 1, 64, 7, stride=2))
    # What enters the pool is not negative, so zeros around it are as good as PyTorch's minus infinity.
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    for block in BLOCKS:
        x = _bottleneck(x, block)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(images, layers.Dense(CLASSES, name="dense")(x))


def _bottleneck(x: Any, block: Block) -> Any:
    layer, width, outputs, stride = f"{block.name}.", block.width, block.outputs, block.stride
    past = _normalised(x, layer, 0, outputs, 1, stride) if block.projects else x
    x = layers.ReLU()(_normalised(x, layer, 1, width, 1))
    x = layers.ReLU()(_normalised(x, layer, 2, width, 3, stride))
    x = _normalised(x, layer, 3, outputs, 1)
    return layers.ReLU()(layers.Add()([x, past]))


def _normalised(x: Any, prefix: str, number: int, channels: int, size: int, stride: int = 1) -> Any:
    """Convolve and normalise; at stride 1 `same` is symmetric already, and needs no layer of its own."""
    padding = "same" if stride == 1 else "valid"
    if stride > 1 and size > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    x = layers.Conv2D(channels, size, stride, padding, use_bias=False, name=f"{prefix}conv{number}")(x)
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=f"{prefix}norm{number}")(x)
