"""The arms of training in TensorFlow, with Keras's model and optimiser in all of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kb.verifier import Array, Arrays, Cell
from models import conversion, observation, settings
from models.architecture import Architecture, is_trained
from models.descent import MOMENTUM, RATE, Training, described, is_moving_mean, looped


def _keras(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array
) -> tuple[Any, Any, Any, Callable[..., dict[str, Any]], dict[str, Any]]:
    """Return TensorFlow, the model, its optimiser, and what every Keras arm observes and says alike."""
    tf = settings.tensorflow(cell)
    import keras

    model = architecture.tensorflow()
    conversion.load_keras(model, weights)
    optimizer = keras.optimizers.SGD(RATE, momentum=MOMENTUM)
    optimizer.build(model.trainable_variables)

    def gradients() -> Arrays:
        velocity = dict(zip(map(id, model.trainable_variables), optimizer.momentums, strict=True))
        variables = conversion.keras_variables(model).items()
        return {name: velocity[id(own)].numpy() / -RATE for name, own in variables if is_trained(name)}

    def moved() -> Arrays:
        variables = conversion.keras_variables(model).items()
        return {name: own.numpy() for name, own in variables if is_moving_mean(name)}

    def observed(*images: Any) -> dict[str, Any]:
        said = described(type(optimizer).__name__, float(optimizer.learning_rate), optimizer.momentum)
        return {**observation.tensorflow(model, *images), "optimizer": said}

    first = pixels[: cell.batch]
    alike = {
        "logits": lambda: model(tf.constant(first), training=False).numpy(),
        "gradients": gradients,
        "moved": moved,
    }
    return tf, model, optimizer, observed, alike


def _fit(
    architecture: Architecture,
    cell: Cell,
    weights: Arrays,
    pixels: Array,
    labels: Array,
    jit_compile: bool | str,
) -> Training:
    tf, model, optimizer, observed, alike = _keras(architecture, cell, weights, pixels)
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    finish = settings.finish(cell, tf)

    def passes(start: int, stop: int) -> float:
        history = model.fit(
            pixels[start:stop], labels[start:stop], batch_size=cell.batch, epochs=1, shuffle=False, verbose=0
        )
        finish()
        return float(history.history["loss"][0])

    compiled = ("jit_compile", "run_eagerly", "steps_per_execution")
    return Training(
        passes, observed=lambda: {**observed(), **{name: getattr(model, name) for name in compiled}}, **alike
    )


def _function(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array, xla: bool
) -> Training:
    tf, model, optimizer, observed, alike = _keras(architecture, cell, weights, pixels)
    import keras

    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = tf.constant(pixels), tf.constant(labels)

    @tf.function(jit_compile=xla or None)
    def train(images: Any, classes: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = cross_entropy(classes, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    def advance(first: int, stop: int) -> Any:
        return train(x[first:stop], y[first:stop])

    def in_force() -> dict[str, Any]:
        first = x[: cell.batch], y[: cell.batch]
        return {**observed(x), "jit_compile": observation.is_xla(train, *first)}

    return Training(looped(advance, cell.batch, settings.finish(cell, tf)), observed=in_force, **alike)


ARMS: Mapping[str, Callable[..., Training]] = {
    "tensorflow/keras-fit": partial(_fit, jit_compile="auto"),
    "tensorflow/keras-fit-nojit": partial(_fit, jit_compile=False),
    "tensorflow/function": partial(_function, xla=False),
    "tensorflow/xla": partial(_function, xla=True),
}
