"""The arms of training in TensorFlow, with Keras's model and optimiser in all of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from kb.verifier import Array, Arrays, Cell
from models import conversion, mirrored, observation, pipelines, settings
from models.architecture import Architecture, is_trained
from models.descent import MOMENTUM, RATE, Training, described, is_moving_mean, looped


def _keras(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array
) -> tuple[Any, Any, Any, Callable[..., dict[str, Any]], dict[str, Any]]:
    """Return TensorFlow, the model, its optimiser, and what every Keras arm observes and says alike."""
    tf = settings.tensorflow(cell)
    import keras

    with _scope(tf, cell):
        model = architecture.tensorflow()
        conversion.load_keras(model, weights)
        optimizer = keras.optimizers.SGD(RATE, momentum=MOMENTUM)
        optimizer.build(model.trainable_variables)

    def gradients() -> Arrays:
        velocity = dict(zip(map(id, model.trainable_variables), optimizer.momentums, strict=True))
        variables = conversion.keras_variables(model).items()
        found = {name: velocity[id(own)].numpy() / -RATE for name, own in variables if is_trained(name)}
        return {name: conversion.from_keras(name, value, architecture) for name, value in found.items()}

    def moved() -> Arrays:
        variables = conversion.keras_variables(model).items()
        return {name: own.numpy() for name, own in variables if is_moving_mean(name)}

    def observed(*images: Any) -> dict[str, Any]:
        said = described(
            type(optimizer).__name__, float(optimizer.get_config()["learning_rate"]), optimizer.momentum
        )
        return {**observation.tensorflow(model, *images), "optimizer": said}

    first = pipelines.as_fed(cell, pixels[: cell.batch])
    alike = {
        "logits": lambda: model(tf.constant(first), training=False).numpy(),
        "gradients": gradients,
        "moved": moved,
    }
    return tf, model, optimizer, observed, alike


def _scope(tf: Any, cell: Cell) -> AbstractContextManager[Any]:
    """Return the scope in which an arm's variables are made: a strategy's, or none in particular."""
    if cell.mode == "multiworker":
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
    if cell.mode == "mirrored":
        return mirrored.strategy(tf, cell).scope()
    if cell.mode == "tpu":
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver).scope()
    return nullcontext()


def _fit(
    architecture: Architecture,
    cell: Cell,
    weights: Arrays,
    pixels: Array,
    labels: Array,
    **compiling: Any,
) -> Training:
    tf, model, optimizer, observed, alike = _keras(architecture, cell, weights, pixels)
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **compiling)
    finish = settings.finish(cell, tf)
    piped = pipelines.mapped(tf, pixels, labels, cell.batch) if pipelines.is_piped(cell) else None

    def passes(start: int, stop: int) -> float:
        if piped is not None:
            history = model.fit(piped(start, stop), epochs=1, verbose=0)
        else:
            given = {"batch_size": cell.batch, "epochs": 1, "shuffle": False, "verbose": 0}
            history = model.fit(pixels[start:stop], labels[start:stop], **given)
        finish()
        return float(history.history["loss"][0])

    return Training(passes, observed=lambda: {**observed(), **_compiled(model)}, **alike)


def _compiled(model: Any) -> dict[str, Any]:
    """Return how a model says it was compiled; Keras 2 has the steps in a variable, which 2.12 hides."""
    steps = getattr(model, "steps_per_execution", None) or model._steps_per_execution
    return {
        "jit_compile": bool(model.jit_compile),
        "run_eagerly": model.run_eagerly,
        "steps_per_execution": int(steps),
    }


def _looped(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array, mode: str
) -> Training:
    tf, model, optimizer, observed, alike = _keras(architecture, cell, weights, pixels)
    x, y = tf.constant(pipelines.as_fed(cell, pixels)), tf.constant(labels)
    piped = pipelines.is_piped(cell)
    batches = (
        pipelines.mapped(tf, pixels, labels, cell.batch) if piped else pipelines.sliced(x, y, cell.batch)
    )

    train = _descending(tf, model, optimizer)
    if mode in ("multiworker", "tpu"):
        train = tf.function(_distributed(model.distribute_strategy, train))
    elif mode != "eager":
        train = tf.function(train, jit_compile=(mode == "xla") or None)

    def in_force() -> dict[str, Any]:
        first = x[: cell.batch], y[: cell.batch]
        compiled = mode != "eager" and observation.is_xla(train, *first)
        return {**observed(x), "eager": mode == "eager", "jit_compile": compiled}

    return Training(
        looped(train, batches, settings.finish(cell, tf)),
        observed=in_force,
        anatomy=lambda: _anatomy(train, mode, x[: cell.batch], y[: cell.batch]),
        **alike,
    )


def _anatomy(train: Any, mode: str, *batch: Any) -> dict[str, int]:
    """Count a graph's operations, and in what XLA compiles it to, instructions and fusions."""
    if mode not in ("function", "xla"):
        return {}
    graph = {"graph operations": len(train.get_concrete_function(*batch).graph.get_operations())}
    if mode == "function":
        return graph
    compiled = train.experimental_get_compiler_ir(*batch)(stage="optimized_hlo")
    entry = compiled[compiled.index("ENTRY") :]  # what stands before are the bodies of the fusions
    instructions = [line for line in entry.splitlines() if " = " in line]
    fused = sum(" fusion(" in line for line in instructions)
    return {**graph, "instructions": len(instructions), "fusions": fused}


def _descending(tf: Any, model: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    """Return one step of descent on a batch, which gives the loss before it."""
    import keras

    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def train(images: Any, classes: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = cross_entropy(classes, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return train


def _mirrored(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array
) -> Training:
    """Train on several devices of this process, on batches of `cell.batch` from the share of each."""
    pipelines.refuse(cell, "tensorflow/mirrored")
    tf, model, optimizer, observed, alike = _keras(architecture, cell, weights, pixels)
    strategy = model.distribute_strategy
    descend = _descending(tf, model, optimizer)
    batches = mirrored.shared(tf, strategy, pixels, labels, cell.batch)

    @tf.function
    def train(images: Any, classes: Any) -> Any:
        # Keras divides a loss by the number of replicas: the sum is the mean of what each has for its batch.
        return strategy.reduce("SUM", strategy.run(descend, (images, classes)), axis=None)

    def in_force() -> dict[str, Any]:
        images, classes = next(iter(batches(0, cell.batch)))
        compiled = observation.is_xla(train, images, classes)
        said = observed(*strategy.experimental_local_results(images))
        places = list(strategy.extended.worker_devices)
        return {**said, "eager": False, "jit_compile": compiled, "devices": places}

    return Training(looped(train, batches, settings.finish(cell, tf)), observed=in_force, **alike)


def _distributed(strategy: Any, train: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the step as the strategy runs it, with the loss of this replica's own batch.

    Keras divides a loss by the number of replicas, since its optimiser sums their gradients.
    """
    return lambda *batch: strategy.run(train, batch) * strategy.num_replicas_in_sync


ARMS: Mapping[str, Callable[..., Training]] = {
    "tensorflow/keras-fit": _fit,
    "tensorflow/keras-fit-nojit": partial(_fit, jit_compile=False),
    "tensorflow/eager": partial(_looped, mode="eager"),
    "tensorflow/function": partial(_looped, mode="function"),
    "tensorflow/xla": partial(_looped, mode="xla"),
}
GROUPED: Mapping[str, Callable[..., Training]] = {
    "tensorflow/multiworker": partial(_looped, mode="multiworker"),
    "tensorflow/mirrored": _mirrored,
    "tensorflow/tpu": partial(_looped, mode="tpu"),
}
