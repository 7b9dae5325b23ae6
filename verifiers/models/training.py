"""The ways in which frameworks train: one entry of `ARMS` each; adding one adds a mode.

All descend the mean softmax cross-entropy of the logits by stochastic gradient descent with momentum 0.9, in
the images' order, without augmentation, regularisation or metrics beyond the loss, which is read once at the
end of a pass. Images lie in memory: the framework's for loops, numpy for Keras's `fit`, which takes such.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from kb.verifier import Array, Arrays, Cell, Step
from models import conversion, settings
from models.architecture import Architecture, drawn, is_trained

RATE = 2.0**-7  # a power of two, so that dividing a Keras velocity by it gives the gradient exactly
MOMENTUM = 0.9


@dataclass(frozen=True)
class Training:
    """One arm's training; the parity gate uses the machinery that is timed.

    Attributes
    ----------
    passes : callable
        Train once on the images from `start` to `stop`, by batches, and read the last (`fit`: the mean) loss.
    logits : callable
        Of the first batch, in evaluation mode, uncompiled.
    gradients : callable
        Those of the first optimiser step ever, called right after it; common names and layout.
    moved : callable
        The moving statistics of batch normalisation, common names.
    observed : callable
        Settings of this mode, as observed.
    """

    passes: Callable[[int, int], float]
    logits: Callable[[], Array]
    gradients: Callable[[], Arrays]
    moved: Callable[[], Arrays]
    observed: Callable[[], Mapping[str, Any]] = field(default=dict)


def step(architecture: Architecture, cell: Cell, images: int, gate_steps: int = 10) -> Step:
    """Return the step that trains once on `images` synthetic images by batches of `cell.batch`.

    Parameters
    ----------
    architecture : Architecture
        The network, new for every call.
    cell : Cell
        Names the arm.
    images : int
        Images in one pass.
    gate_steps : int
        Optimiser steps whose losses the parity gate compares. They count: the model stays as they leave it.
    """
    training = _ARMS[cell.arm](architecture, cell, *drawn(architecture, cell, images))
    return Step(
        run=lambda: training.passes(0, images),
        outputs=lambda: _outputs(training, cell.batch, images, gate_steps),
        settings=lambda: {
            **settings.observed(cell),
            "optimizer": f"SGD, rate {RATE}, momentum {MOMENTUM}",
            **training.observed(),
        },
        items=images,
    )


def _outputs(training: Training, batch: int, images: int, steps: int) -> Arrays:
    logits = training.logits()
    starts = [number * batch % images for number in range(steps)]
    losses = [training.passes(0, batch)]
    gradients = {f"grad/{name}": value for name, value in training.gradients().items()}
    losses += [training.passes(start, start + batch) for start in starts[1:]]
    moved = {f"moved/{name}": value for name, value in training.moved().items()}
    return {"logits": logits, "loss": np.array(losses[0]), "losses": np.array(losses), **gradients, **moved}


def _looped(
    advance: Callable[[int, int], Any], batch: int, finish: Callable[[], object]
) -> Callable[[int, int], float]:
    def passes(start: int, stop: int) -> float:
        for first in range(start, stop, batch):
            loss = advance(first, min(first + batch, stop))
        finish()
        return float(loss)

    return passes


def _pytorch(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array, compiled: bool
) -> Training:
    torch = settings.pytorch(cell)
    plain = architecture.pytorch()
    conversion.load_torch(plain, weights)
    plain = plain.to(cell.device).train()
    model = settings.compiled(torch, cell, plain) if compiled else plain
    optimizer = torch.optim.SGD(plain.parameters(), lr=RATE, momentum=MOMENTUM)
    cross_entropy = torch.nn.functional.cross_entropy
    x = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).to(cell.device)
    y = torch.from_numpy(labels).to(cell.device, torch.int64)

    def advance(first: int, stop: int) -> Any:
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(x[first:stop]), y[first:stop])
        loss.backward()
        optimizer.step()
        return loss.detach()

    def logits() -> Array:
        plain.eval()
        with torch.no_grad():
            found = plain(x[: cell.batch]).cpu().numpy()
        plain.train()
        return found

    def of_weights(choose: Callable[[str], bool], value: Callable[[Any], Any]) -> Arrays:
        tensors = conversion.torch_tensors(plain).items()
        return conversion.from_torch(plain, {name: value(own) for name, own in tensors if choose(name)})

    return Training(
        passes=_looped(advance, cell.batch, settings.finish(cell, torch)),
        logits=logits,
        gradients=lambda: of_weights(is_trained, lambda tensor: tensor.grad),
        moved=lambda: of_weights(lambda name: not is_trained(name), lambda tensor: tensor),
        observed=lambda: {"zero_grad": "set to none", "training": plain.training, "compiled": compiled},
    )


def _keras(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array
) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Return TensorFlow, the model, its optimiser, and what every Keras arm's `Training` says alike."""
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
        return {name: own.numpy() for name, own in variables if not is_trained(name)}

    first = pixels[: cell.batch]
    alike = {
        "logits": lambda: model(tf.constant(first), training=False).numpy(),
        "gradients": gradients,
        "moved": moved,
    }
    return tf, model, optimizer, alike


def _fit(
    architecture: Architecture,
    cell: Cell,
    weights: Arrays,
    pixels: Array,
    labels: Array,
    jit_compile: bool | str,
) -> Training:
    tf, model, optimizer, alike = _keras(architecture, cell, weights, pixels)
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

    observed = ("jit_compile", "run_eagerly", "steps_per_execution")
    return Training(passes, observed=lambda: {name: getattr(model, name) for name in observed}, **alike)


def _function(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array, xla: bool
) -> Training:
    tf, model, optimizer, alike = _keras(architecture, cell, weights, pixels)
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

    passes = _looped(advance, cell.batch, settings.finish(cell, tf))
    return Training(passes, observed=lambda: {"jit_compile": xla}, **alike)


def _jax(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array) -> Training:
    jax = settings.jax(cell)
    parameters, statistics = _parted({name: jax.numpy.array(value) for name, value in weights.items()})
    velocity = jax.tree.map(jax.numpy.zeros_like, parameters)
    x, y = jax.numpy.asarray(pixels), jax.numpy.asarray(labels)

    def loss_of(parameters: Any, statistics: Any, images: Any, classes: Any) -> Any:
        logits, moved = architecture.jax(parameters | statistics, images, training=True)
        chosen = jax.numpy.take_along_axis(jax.nn.log_softmax(logits), classes[:, None], axis=1)
        return -chosen.mean(), moved

    @partial(jax.jit, donate_argnums=0)
    def train(state: Any, images: Any, classes: Any) -> Any:
        parameters, statistics, velocity = state
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, moved), gradients = gradient(parameters, statistics, images, classes)
        velocity = jax.tree.map(lambda old, new: MOMENTUM * old + new, velocity, gradients)
        parameters = jax.tree.map(lambda old, way: old - RATE * way, parameters, velocity)
        return (parameters, statistics | moved, velocity), loss

    state = (parameters, statistics, velocity)
    evaluate = jax.jit(lambda weights, images: architecture.jax(weights, images, training=False)[0])

    def advance(first: int, stop: int) -> Any:
        nonlocal state
        state, loss = train(state, x[first:stop], y[first:stop])
        return loss

    return Training(
        passes=_looped(advance, cell.batch, lambda: jax.block_until_ready(state)),
        logits=lambda: np.asarray(evaluate(state[0] | state[1], x[: cell.batch])),
        gradients=lambda: {name: np.array(value) for name, value in state[2].items()},
        moved=lambda: {name: np.array(value) for name, value in state[1].items()},
    )


def _parted(weights: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters = {name: value for name, value in weights.items() if is_trained(name)}
    return parameters, {name: value for name, value in weights.items() if name not in parameters}


_ARMS: Mapping[str, Callable[..., Training]] = {
    "pytorch/eager": partial(_pytorch, compiled=False),
    "pytorch/compile": partial(_pytorch, compiled=True),
    "tensorflow/keras-fit": partial(_fit, jit_compile="auto"),
    "tensorflow/keras-fit-nojit": partial(_fit, jit_compile=False),
    "tensorflow/function": partial(_function, xla=False),
    "tensorflow/xla": partial(_function, xla=True),
    "jax/jit": _jax,
}
ARMS = tuple(_ARMS)
