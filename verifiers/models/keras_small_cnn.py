"""A small CNN in Keras, run once on the backend in KERAS_BACKEND: python keras_small_cnn.py OUT.npz."""

import sys

import keras
import numpy as np


def build() -> keras.Model:
    """Return the model: images of shape (16, 16, 3), channels last, to 10 logits."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(8, 3, activation="relu", data_format="channels_last"),
            layers.MaxPooling2D(2, data_format="channels_last"),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", data_format="channels_last"),
            layers.Flatten(data_format="channels_last"),
            layers.Dense(10),
        ]
    )


def main(path: str) -> None:
    """Give the model the seed's weights, take one training step, and write outputs and losses to `path`."""
    random = np.random.default_rng(0)
    model = build()
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([random.normal(0.0, np.prod(shape[:-1]) ** -0.5, shape) for shape in shapes])
    images = random.normal(size=(16, 16, 16, 3)).astype(np.float32)
    labels = random.integers(0, 10, 16)
    logits = keras.ops.convert_to_numpy(model(images, training=False))
    model.compile(
        optimizer=keras.optimizers.SGD(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    before = float(model.train_on_batch(images, labels))
    model.reset_metrics()  # train_on_batch and test_on_batch report the mean since the last reset
    after = float(model.test_on_batch(images, labels))
    if not np.isfinite([before, after, *logits.ravel()]).all():
        message = f"outputs or losses on {keras.config.backend()} are not finite: losses {before}, {after}"
        raise FloatingPointError(message)
    np.savez(path, backend=keras.config.backend(), logits=logits, before=before, after=after)


if __name__ == "__main__":
    main(sys.argv[1])
