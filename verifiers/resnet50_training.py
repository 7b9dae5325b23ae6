# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training ResNet-50 v1.5 on two batches of ImageNet-shaped images."""

from kb.verifier import Cell, Step, measures
from models import resnet50, training


@measures(
    arms=(
        "pytorch/eager",
        "pytorch/compile",
        "tensorflow/keras-fit",
        "tensorflow/function",
        "tensorflow/xla",
    ),
    min_steps=1,
    warm_steps=1,
)
def resnet50_training(cell: Cell) -> Step:
    """Return one pass over two batches of `cell.batch` synthetic images (224, 224, 3), float32, in memory.

    Two, not one, so that what Keras's `fit` does once per call does not weigh on every optimiser step.
    """
    return training.step(resnet50, cell, images=2 * cell.batch, gate_steps=3)
