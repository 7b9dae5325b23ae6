# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training a network on a TPU, in TensorFlow by TPUStrategy and in PyTorch by torch_xla."""

from kb.verifier import Cell, Step, Unavailable, measures
from models import training
from models.architecture import named

# A TPU multiplies float32 in three passes of bfloat16, and rounds otherwise than a CPU.
RTOL = 1e-2


@measures(arms=("tensorflow/tpu", "pytorch/xla"), min_steps=1, warm_steps=2, rtol=RTOL, atol=1e-3)
def tpu_training(cell: Cell) -> Step:
    """Return one pass of `cell.model` over eight batches of `cell.batch` images in memory.

    Raises
    ------
    Unavailable
        On any device but a TPU.
    """
    if cell.device != "tpu":
        message = f"needs a TPU, and torch_xla and TensorFlow built for it; this run is on {cell.device}"
        raise Unavailable(message, "no-hardware")
    return training.step(named(cell.model), cell, images=8 * cell.batch, gate_steps=3)
