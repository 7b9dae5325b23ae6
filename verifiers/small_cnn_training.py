# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of one training epoch of a small CNN image classifier."""

from kb.verifier import Cell, Step, measures
from models import small_cnn, training

IMAGES = 1024


@measures(arms=training.ARMS, min_steps=1, warm_steps=1)
def small_cnn_training(cell: Cell) -> Step:
    """Return one epoch over 1,024 images (32, 32, 3), float32, by batches of `cell.batch`."""
    return training.step(small_cnn, cell, IMAGES)
