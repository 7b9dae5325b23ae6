"""The picture classifier in Keras."""

from keras import Input, Model, Sequential, layers

from models.pictures import CLASSES, SIDE


def network() -> Model:
    return Sequential(
        [
            Input((SIDE, SIDE, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(CLASSES),
        ]
    )
