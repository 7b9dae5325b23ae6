"""One process against several that train one network together, with one device (or CPU core) for each."""

from dataclasses import replace
from functools import partial

import numpy as np

from kb.verifier import Arrays, Cell, Step
from models.architecture import flops, named
from models.replicas import Replicas

BATCHES = 4
LARGE = 1e9
"""FLOP of one image from which on a pass is one batch, and all that a run has time for."""
ALONE = {"pytorch": "pytorch/eager", "tensorflow": "tensorflow/function"}
"""How each framework trains in a process of its own; together, it trains in just that way."""
ARMS = (
    "pytorch/single",
    "pytorch/ddp",
    "tensorflow/single",
    "tensorflow/multiworker",
    "tensorflow/mirrored",
)


def step(cell: Cell) -> Step:
    """Return the step of one arm: a pass by one process, or by all together."""
    together = cell.mode != "single"
    share = cell.batch // cell.processes if together and cell.scaling == "strong" else cell.batch
    large = flops(named(cell.model), 1, training=True) > LARGE
    images = (1 if large else BATCHES) * cell.batch
    own = replace(cell, settings={**cell.settings, "batch": share})
    mode = cell.arm if together else ALONE[cell.framework]
    count = cell.processes if together else 1
    devices = count if cell.mode == "mirrored" else 1
    replicas = Replicas(own, mode, count // devices, images, devices)
    return Step(
        run=partial(replicas.all, "run"),
        outputs=lambda: _together(replicas) if together else _mean(cell, images),
        settings=lambda: {**replicas.all("settings")[0], "arm": cell.arm, "replicas": count},
        items=images * count,
        flops=flops(named(cell.model), images * count, training=True),
    )


def _together(replicas: Replicas) -> Arrays:
    """Return what the first replica computes: its gradients must be the mean over all; loss averaged."""
    found = replicas.arrays("outputs")
    return {**found[0], "loss": np.mean([each["loss"] for each in found])}


def _mean(cell: Cell, images: int) -> Arrays:
    """Return what replicas that know nothing of each other compute, their gradients averaged by us.

    That is what training together must compute: each replica normalises by the statistics of its own batch.
    """
    size = cell.batch // cell.processes if cell.scaling == "strong" else cell.batch
    own = replace(cell, settings={**cell.settings, "batch": size})
    with Replicas(own, ALONE[cell.framework], cell.processes, images) as apart:
        found = apart.arrays("outputs")
    averaged = {
        name: np.mean([each[name] for each in found], axis=0) for name in found[0] if name != "logits"
    }
    return {"logits": found[0]["logits"], **averaged}
