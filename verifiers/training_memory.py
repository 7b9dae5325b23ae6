# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Peak memory of training an image classifier."""

from kb.verifier import Cell, Step, weighs
from models import training
from models.architecture import named

# Of a pooling window whose two largest values agree to rounding, either may get the gradient: at batch 2 one
# such window moved one element of ResNet-50's first kernel's gradient by 5e-5, all others by 2e-7.
ATOL = 1e-4


@weighs(
    arms=("pytorch/eager", "tensorflow/keras-fit", "tensorflow/function", "tensorflow/xla", "jax/jit"),
    steps=3,
    atol=ATOL,
)
def training_memory(cell: Cell) -> Step:
    """Return one pass of `cell.model` over two batches of `cell.batch` images, float32, in memory."""
    return training.step(named(cell.model), cell, images=2 * cell.batch, gate_steps=3)
