"""The ways in which frameworks train: entries in `ARMS` of the frameworks' modules; adding one adds a mode.

All descend the mean softmax cross-entropy of the logits by stochastic gradient descent with momentum 0.9, in
the images' order, without augmentation, regularisation or metrics beyond the loss, which is read once at the
end of a pass. Images lie in memory: the framework's for loops, numpy for Keras's `fit`, which takes such.
"""

import numpy as np

from kb.verifier import Arrays, Cell, Step
from models import settings, training_jax, training_pytorch, training_tensorflow
from models.architecture import Architecture, drawn, flops
from models.descent import Training

_ARMS = {**training_pytorch.ARMS, **training_tensorflow.ARMS, **training_jax.ARMS}
ARMS = tuple(_ARMS)


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
        settings=lambda: {**settings.observed(cell), **training.observed()},
        items=images,
        flops=flops(architecture, images, training=True),
    )


def _outputs(training: Training, batch: int, images: int, steps: int) -> Arrays:
    logits = training.logits()
    starts = [number * batch % images for number in range(steps)]
    losses = [training.passes(0, batch)]
    gradients = {f"grad/{name}": value for name, value in training.gradients().items()}
    losses += [training.passes(start, start + batch) for start in starts[1:]]
    moved = {f"moved/{name}": value for name, value in training.moved().items()}
    return {"logits": logits, "loss": np.array(losses[0]), "losses": np.array(losses), **gradients, **moved}
