"""A small CNN image classifier: three 3x3 convolutions, one of them batch-normalised, and two dense layers.

    conv1 32, relu, pool, conv2 64, norm2, relu, pool, conv3 64, relu, flatten, dense1 64, relu, dense2 10

All convolutions pad so as to keep the size, all pools halve it. 32x32x3 in, 10 logits out.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

IMAGE = (32, 32, 3)
CLASSES = 10
EPSILON = 1e-3
MOMENTUM = 0.9  # what a moving statistic keeps of itself; PyTorch states the complement
FLATTENED = (8, 8, 64)
SHAPES = {
    "conv1/kernel": (3, 3, 3, 32),
    "conv1/bias": (32,),
    "conv2/kernel": (3, 3, 32, 64),
    "norm2/gamma": (64,),
    "norm2/beta": (64,),
    "norm2/mean": (64,),
    "norm2/variance": (64,),
    "conv3/kernel": (3, 3, 64, 64),
    "conv3/bias": (64,),
    "dense1/kernel": (4096, 64),
    "dense1/bias": (64,),
    "dense2/kernel": (64, CLASSES),
    "dense2/bias": (CLASSES,),
}
POSITIONS = {"conv1": 32 * 32, "conv2": 16 * 16, "conv3": 8 * 8, "dense1": 1, "dense2": 1}


def pytorch() -> Any:
    """Return the module over (batch, 3, 32, 32)."""
    from torch import nn

    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 32, 3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(32, 64, 3, padding=1, bias=False),
            norm2=nn.BatchNorm2d(64, eps=EPSILON, momentum=1 - MOMENTUM),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            conv3=nn.Conv2d(64, 64, 3, padding=1),
            relu3=nn.ReLU(),
            flatten=nn.Flatten(),
            dense1=nn.Linear(4096, 64),
            relu4=nn.ReLU(),
            dense2=nn.Linear(64, CLASSES),
        )
    )
    model.flattened = {"dense1": FLATTENED}
    return model


def tensorflow() -> Any:
    """Return the Keras model over (batch, 32, 32, 3)."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(IMAGE),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", use_bias=False, name="conv2"),
            layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name="norm2"),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv3"),
            layers.Flatten(),
            layers.Dense(64, activation="relu", name="dense1"),
            layers.Dense(CLASSES, name="dense2"),
        ]
    )


def jax(weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return logits (batch, 10) of images (batch, 32, 32, 3), and the moving statistics after them."""
    from jax.nn import relu

    from models.jax_layers import convolved, dense, normalised, pooled

    x = pooled(relu(convolved(weights, "conv1", images) + weights["conv1/bias"]), 2)
    x, moved = normalised(weights, "norm2", convolved(weights, "conv2", x), training, EPSILON, MOMENTUM)
    x = relu(convolved(weights, "conv3", pooled(relu(x), 2)) + weights["conv3/bias"])
    x = relu(dense(weights, "dense1", x.reshape(len(x), -1)))
    return dense(weights, "dense2", x), moved
