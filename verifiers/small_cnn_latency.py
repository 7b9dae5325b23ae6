# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Latency of one forward pass of a small CNN image classifier."""

from kb.verifier import Cell, Step, measures
from models import inference, small_cnn


@measures(arms=inference.ARMS)
def small_cnn_latency(cell: Cell) -> Step:
    """Return the call that classifies one batch of `cell.batch` images (32, 32, 3), float32."""
    return inference.latency(small_cnn, cell)
