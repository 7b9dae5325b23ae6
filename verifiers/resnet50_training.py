# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training ResNet-50 v1.5 on two batches of ImageNet-shaped images."""

from kb.verifier import Cell, Step, measures
from models import resnet50, training

# Of a pooling window whose two largest values agree to rounding, either may get the gradient: at batch 2 one
# such window moved an element of the first kernel's gradient by 5e-5, while all others agreed within 2e-7.
ATOL = 1e-4


@measures(
    arms=(
        "pytorch/eager",
        "pytorch/channels-last",
        "pytorch/compile",
        "tensorflow/keras-fit",
        "tensorflow/function",
        "tensorflow/xla",
        "jax/jit",
    ),
    min_steps=1,
    warm_steps=1,
    atol=ATOL,
)
def resnet50_training(cell: Cell) -> Step:
    """Return one pass over two batches of `cell.batch` synthetic images (224, 224, 3), float32, in memory.

    Two, not one, so that what Keras's `fit` does once per call does not weigh on every optimiser step.
    """
    return training.step(resnet50, cell, images=2 * cell.batch, gate_steps=3)
