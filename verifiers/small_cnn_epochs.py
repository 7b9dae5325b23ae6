# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of successive epochs of one training of a small CNN image classifier."""

from typing import Any

from kb.verifier import Cell, Step, measures
from models import small_cnn, training

IMAGES = 1024

_begun: dict[tuple[Any, ...], Step] = {}


@measures(arms=training.ARMS, order="alternated", min_steps=1, warm_steps=1)
def small_cnn_epochs(cell: Cell) -> Step:
    """Return one epoch over 1,024 synthetic images (32, 32, 3), float32, by batches of `cell.batch`.

    Cells that differ in `cell.epoch` alone continue one training, so that in a process the first runs on new
    weights and each later one on those that the cell before left.
    """
    training_of = (cell.arm, cell.batch, cell.threads, cell.device, cell.seed)
    if training_of not in _begun:
        _begun[training_of] = training.step(small_cnn, cell, IMAGES)
    return _begun[training_of]
