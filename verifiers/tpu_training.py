# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training a network on a TPU, in TensorFlow by TPUStrategy and in PyTorch by torch_xla."""

from kb.verifier import Cell, Step, Unavailable, measures
from models import settings, training
from models.architecture import named

# A TPU multiplies float32 in three passes of bfloat16, and rounds otherwise than a CPU.
RTOL = 1e-2


@measures(arms=("tensorflow/tpu", "pytorch/xla"), min_steps=1, warm_steps=2, rtol=RTOL, atol=1e-3)
def tpu_training(cell: Cell) -> Step:
    """Return one pass of `cell.model` over eight batches of `cell.batch` images in memory.

    Raises
    ------
    Unavailable
        On any device but a TPU, and without what reaches it: torch_xla, or a TensorFlow with TPU kernels.
    """
    if cell.device != "tpu":
        message = f"needs a TPU, and torch_xla and TensorFlow built for it; this run is on {cell.device}"
        raise Unavailable(message, "no-hardware")
    if cell.framework == "pytorch":
        return _step(cell)
    tf = settings.tensorflow(cell)
    try:
        return _step(cell)
    except tf.errors.NotFoundError as error:  # so says a build without TPU kernels, such as PyPI's for CPUs
        message = (
            f"needs a TensorFlow built for TPUs, such as tensorflow-tpu; {tf.__version__} here finds none"
        )
        raise Unavailable(message) from error


def _step(cell: Cell) -> Step:
    return training.step(named(cell.model), cell, images=8 * cell.batch, gate_steps=3)
