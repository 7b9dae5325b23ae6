# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow"]
# ///
"""Peak memory of training on batches whose size changes, and of training on the largest of them alone."""

from dataclasses import replace

from kb.verifier import Cell, Step, weighs
from models import training
from models.architecture import named

TRAINS = {"pytorch": "pytorch/eager", "tensorflow": "tensorflow/keras-fit"}
EIGHTHS = {"constant": (8,) * 8, "changing": (2, 8, 4, 1, 8, 6, 2, 8)}
"""Sizes of successive batches, in eighths of the largest; live memory peaks at the same size in both."""

# Of a pooling window whose two largest values agree to rounding, either may get the gradient.
ATOL = 1e-4


@weighs(
    arms=("pytorch/changing", "pytorch/constant", "tensorflow/changing", "tensorflow/constant"),
    steps=2,
    atol=ATOL,
)
def dynamic_shape_memory(cell: Cell) -> Step:
    """Return one schedule of eight optimiser steps of `cell.model` on batches up to `cell.batch`, float32."""
    own = replace(cell, arm=TRAINS[cell.framework])
    sizes = [cell.batch * eighths // 8 for eighths in EIGHTHS[cell.mode]]
    step = training.step(named(cell.model), own, images=cell.batch, gate_steps=3, sizes=sizes)
    return replace(step, settings=lambda: {**step.settings(), "arm": cell.arm})
