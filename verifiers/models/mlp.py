"""A multilayer perceptron over 32x32x3 images: flatten, two dense layers of 512 with ReLU, and 10 logits."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

IMAGE = (32, 32, 3)
CLASSES = 10
INPUTS = 32 * 32 * 3
WIDTH = 512
SHAPES = {
    "dense1/kernel": (INPUTS, WIDTH),
    "dense1/bias": (WIDTH,),
    "dense2/kernel": (WIDTH, WIDTH),
    "dense2/bias": (WIDTH,),
    "dense3/kernel": (WIDTH, CLASSES),
    "dense3/bias": (CLASSES,),
}
POSITIONS = {"dense1": 1, "dense2": 1, "dense3": 1}


def pytorch() -> Any:
    """Return the module over (batch, 3, 32, 32)."""
    from torch import nn

    model = nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            dense1=nn.Linear(INPUTS, WIDTH),
            relu1=nn.ReLU(),
            dense2=nn.Linear(WIDTH, WIDTH),
            relu2=nn.ReLU(),
            dense3=nn.Linear(WIDTH, CLASSES),
        )
    )
    model.flattened = {"dense1": IMAGE}
    return model


def tensorflow() -> Any:
    """Return the Keras model over (batch, 32, 32, 3)."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(IMAGE),
            layers.Flatten(),
            layers.Dense(WIDTH, activation="relu", name="dense1"),
            layers.Dense(WIDTH, activation="relu", name="dense2"),
            layers.Dense(CLASSES, name="dense3"),
        ]
    )


def jax(weights: Mapping[str, Any], images: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return logits (batch, 10) of images (batch, 32, 32, 3); there are no moving statistics."""
    from jax.nn import relu

    from models.jax_layers import dense

    x = relu(dense(weights, "dense1", images.reshape(len(images), -1)))
    x = relu(dense(weights, "dense2", x))
    return dense(weights, "dense3", x), {}
