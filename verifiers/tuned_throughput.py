# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Time of training a network, and of answering with it, in the modes among which a user would choose."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kb.verifier import Cell, Step, measures
from models import inference, training
from models.architecture import flops, named

BATCHES = 32
LARGE = 1e9
"""FLOP of one image from which on two batches a pass are enough."""

# Of a pooling window whose two largest values agree to rounding, either may get the gradient.
ATOL = 1e-4


@measures(
    arms=(
        "pytorch/eager",
        "pytorch/channels-last",
        "pytorch/compile",
        "tensorflow/function",
        "tensorflow/xla",
        "jax/jit",
    ),
    min_steps=1,
    warm_steps=1,
    atol=ATOL,
)
def tuned_throughput(cell: Cell) -> Step:
    """Return one pass over batches of `cell.batch` images, training or answering as `cell.phase` says."""
    architecture = named(cell.model)
    images = (2 if flops(architecture, 1, training=True) > LARGE else BATCHES) * cell.batch
    if cell.phase == "training":
        step = training.step(architecture, cell, images=images, gate_steps=3)
    else:
        step = inference.split(architecture, cell, images=images)
    return replace(step, settings=lambda: _by_phase(cell, step.settings()))


def _by_phase(cell: Cell, observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is in force with the mode of the layers under the phase's name: it alone may change."""
    renamed = {"training": f"training mode in {cell.phase}"}
    return {renamed.get(name, name): value for name, value in observed.items()}
