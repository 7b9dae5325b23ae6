# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow", "onnx", "onnxscript", "onnxruntime"]
# ///
"""Latency of one forward pass of a model in the form in which it is deployed."""

from kb.verifier import Cell, Step, measures
from models import inference
from models.architecture import named


@measures(arms=inference.ARMS)
def deployed_inference(cell: Cell) -> Step:
    """Return the call that classifies one batch of `cell.batch` images by `cell.model`, float32."""
    return inference.latency(named(cell.model), cell)
