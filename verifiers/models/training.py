"""The ways in which frameworks train: entries in `ARMS` of the frameworks' modules; adding one adds a mode.

All descend the mean softmax cross-entropy of the logits by stochastic gradient descent with momentum 0.9, in
the images' order, without augmentation, regularisation or metrics beyond the loss, which is read once at the
end of a pass. Images lie in memory: the framework's for loops, numpy for Keras's `fit`, which takes such.
"""

from collections.abc import Sequence

import numpy as np

from kb.verifier import Array, Arrays, Cell, Step
from models import settings, training_jax, training_pytorch, training_tensorflow
from models.architecture import Architecture, drawn, flops
from models.descent import Training

_ARMS = {**training_pytorch.ARMS, **training_tensorflow.ARMS, **training_jax.ARMS}
ARMS = tuple(_ARMS)


_GROUPED = {**training_pytorch.GROUPED, **training_tensorflow.GROUPED}
"""Arms that train as one of several processes, or on a device that needs an arm of its own."""


def begun(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array) -> Training:
    """Return the training of one arm, from the given weights on the given images."""
    return (_ARMS | _GROUPED)[cell.arm](architecture, cell, weights, pixels, labels)


def step(
    architecture: Architecture, cell: Cell, images: int, gate_steps: int = 10, sizes: Sequence[int] = ()
) -> Step:
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
    sizes : sequence of int
        If given, the step is one optimiser step on the first so many images for each of them, none larger
        than a batch.
    """
    training = begun(architecture, cell, *drawn(architecture, cell, images))
    stops = tuple(sizes) or (images,)
    return Step(
        run=lambda: [training.passes(0, stop) for stop in stops],
        outputs=lambda: _outputs(training, cell.batch, images, gate_steps),
        settings=lambda: {**settings.observed(cell), **training.observed()},
        items=sum(stops),
        flops=flops(architecture, sum(stops), training=True),
        anatomy=training.anatomy,
    )


def _outputs(training: Training, batch: int, images: int, steps: int) -> Arrays:
    logits = training.logits()
    starts = [number * batch % images for number in range(steps)]
    losses = [training.passes(0, batch)]
    gradients = {f"grad/{name}": value for name, value in training.gradients().items()}
    losses += [training.passes(start, start + batch) for start in starts[1:]]
    moved = {f"moved/{name}": value for name, value in training.moved().items()}
    return {"logits": logits, "loss": np.array(losses[0]), "losses": np.array(losses), **gradients, **moved}
