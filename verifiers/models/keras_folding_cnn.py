"""A small Keras CNN with something to fold, fuse and drop, and images that it can learn to tell apart."""

from typing import Any

import numpy as np

from kb.verifier import Array

SHAPE = (16, 16, 3)
CLASSES = 10
PATCH = 4
NOISE = 4.0
"""Standard deviation of the noise on a class's pattern, whose own is 1."""


def build(seed: int = 0) -> Any:
    """Return the Keras model, images of shape (16, 16, 3) to 10 logits, with its initial weights."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(64, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


def images(count: int, seed: int) -> tuple[Array, Array]:
    """Return images (count, 16, 16, 3), float32, each a class's pattern under noise, and labels."""
    coarse = np.random.default_rng(0).normal(size=(CLASSES, SHAPE[0] // PATCH, SHAPE[1] // PATCH, SHAPE[2]))
    patterns = coarse.repeat(PATCH, axis=1).repeat(PATCH, axis=2)
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count)
    return (patterns[labels] + random.normal(0.0, NOISE, (count, *SHAPE))).astype(np.float32), labels
