"""One of the processes that train together: python -m models.replica '{"cell": ..., "rank": 0, ...}'."""

import ctypes
import importlib
import json
import os
import signal
import sys
import tempfile
from typing import Any

import numpy as np

from kb.verifier import Arrays, Cell, Unavailable
from models import settings
from models.architecture import drawn, named

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)


class Replica:
    """What one process can be told to do; those of one group must all be told the same."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        cell, rank, world = Cell(**told["cell"]), int(told["rank"]), len(told["addresses"])
        _join(cell, rank, told["addresses"])
        from models import training

        architecture = named(cell.model)
        self.images = int(told["images"])
        own = told["devices"] * self.images
        weights, pixels, labels = drawn(architecture, cell, world * own)
        share = slice(rank * own, (rank + 1) * own)
        self.training = training.begun(architecture, cell, weights, pixels[share], labels[share])
        self.cell = cell

    def run(self) -> dict[str, Any]:
        """Train once on all images of this process."""
        return {"loss": self.training.passes(0, self.images)}

    def settings(self) -> dict[str, Any]:
        """Say what is in force."""
        return {**settings.observed(self.cell), **self.training.observed(), "cores": _cores()}

    def outputs(self) -> dict[str, Any]:
        """Write logits, and loss and gradients of the first step; to be told before anything else."""
        logits = self.training.logits()
        loss = self.training.passes(0, self.cell.batch)
        gradients = {f"grad/{name}": value for name, value in self.training.gradients().items()}
        return _written({"logits": logits, "loss": np.array(loss), **gradients})


def _join(cell: Cell, rank: int, addresses: list[str]) -> None:
    """Make this process one of the group, before its framework does anything."""
    if cell.mode == "ddp":
        settings.pytorch(cell)
        distributed = importlib.import_module("torch.distributed")
        backend = {"cpu": "gloo", "cuda": "nccl", "rocm": "nccl", "xpu": "xccl"}[cell.device]
        where = f"tcp://{addresses[0]}"
        distributed.init_process_group(backend, init_method=where, rank=rank, world_size=len(addresses))
    elif cell.mode == "multiworker":
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        os.environ["TF_CONFIG"] = json.dumps(cluster)
    elif cell.mode == "mirrored":
        os.environ["TF_OVERRIDE_GLOBAL_THREADPOOL"] = "1"  # each CPU device gets its own threads


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _written(arrays: Arrays) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".npz", delete=False) as file:
        np.savez(file, **arrays)
    return {"path": file.name}


def main(told: dict[str, Any]) -> None:
    """Join the group, then obey until the pipe closes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if told["cores"]:
        os.sched_setaffinity(0, told["cores"])
    with os.fdopen(told["reply"], "w", encoding="utf-8") as replies:
        replica: Replica | None = None
        for line in sys.stdin:
            try:
                replica = replica or Replica(told)
                answer = getattr(replica, json.loads(line)["do"])()
            except Unavailable as lacking:
                answer = {"unavailable": str(lacking), "reason": lacking.reason}
            replies.write(json.dumps(answer) + "\n")
            replies.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # frameworks that hang at exit must not hold up the run
