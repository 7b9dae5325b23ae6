# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training networks of several kinds and sizes on batches of several sizes."""

from kb.verifier import Cell, Step, measures
from models import training
from models.architecture import flops, named

BATCHES = 32
LARGE = 1e9
"""FLOP of one image from which on two batches a pass are enough, and all that a run has time for."""

# Of a pooling window whose two largest values agree to rounding, either may get the gradient.
ATOL = 1e-4


@measures(arms=training.ARMS, min_steps=1, warm_steps=1, atol=ATOL)
def training_sweep(cell: Cell) -> Step:
    """Return one pass of `cell.model` over 32 batches of `cell.batch` images (two of a large model).

    Several, so that what Keras's `fit` does once per call weighs on an optimiser step as it does in an epoch.
    """
    architecture = named(cell.model)
    batches = 2 if flops(architecture, 1, training=True) > LARGE else BATCHES
    return training.step(architecture, cell, images=batches * cell.batch, gate_steps=3)
