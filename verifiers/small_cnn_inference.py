# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Inference over a whole test split with a small CNN image classifier."""

from kb.verifier import Cell, Step, measures
from models import inference, small_cnn

IMAGES = 1024


@measures(arms=inference.ARMS, min_steps=1)
def small_cnn_inference(cell: Cell) -> Step:
    """Return the step that classifies 1,024 images (32, 32, 3), float32, by batches of `cell.batch`."""
    return inference.split(small_cnn, cell, IMAGES)
