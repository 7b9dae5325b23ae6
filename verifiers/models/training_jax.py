"""The arms of training in JAX."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from kb.verifier import Array, Arrays, Cell
from models import observation, pipelines, settings
from models.architecture import Architecture, is_trained
from models.descent import MOMENTUM, RATE, Training, described, is_moving_mean, looped


def _jax(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array) -> Training:
    jax = settings.jax(cell)
    pipelines.refuse(cell, "JAX")
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

    def advance(images: Any, classes: Any) -> Any:
        nonlocal state
        state, loss = train(state, images, classes)
        return loss

    return Training(
        passes=looped(advance, pipelines.sliced(x, y, cell.batch), lambda: jax.block_until_ready(state)),
        logits=lambda: np.asarray(evaluate(state[0] | state[1], x[: cell.batch])),
        gradients=lambda: {name: np.array(value) for name, value in state[2].items()},
        moved=lambda: {name: np.array(value) for name, value in state[1].items() if is_moving_mean(name)},
        observed=lambda: {
            **observation.jax([x, *state[0].values()]),
            "optimizer": described("SGD", RATE, MOMENTUM),
        },
    )


def _parted(weights: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters = {name: value for name, value in weights.items() if is_trained(name)}
    return parameters, {name: value for name, value in weights.items() if name not in parameters}


ARMS: Mapping[str, Callable[..., Training]] = {
    "jax/jit": _jax,
}
