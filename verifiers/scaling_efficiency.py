# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training on one process, and on several that share their gradients."""

from kb.verifier import Cell, Step, measures
from models import scaling

# Of a pooling window whose two largest values agree to rounding, either may get the gradient.
ATOL = 1e-4


@measures(arms=scaling.ARMS, min_steps=1, warm_steps=1, atol=ATOL)
def scaling_efficiency(cell: Cell) -> Step:
    """Return one pass of `cell.processes` replicas of `cell.model`, or of one alone, float32, in memory.

    `cell.scaling` is `weak` (a batch of `cell.batch` for each process) or `strong` (one of `cell.batch`
    shared by all). Either way every process passes over as many images as the one alone, so that the time of
    the one over the time of all is the scaling efficiency.
    """
    return scaling.step(cell)
