"""Replicas that train together, each on its own share of every batch, and how they are told to.

Every replica is a process of its own (`models.replica`), a single one too, so that all are started, pinned
and talked to alike; only MirroredStrategy has all replicas in one process, a device for each. On CPUs replica
k has the k-th core that this process may use, or shares the first so many with the others of its process.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

from kb.verifier import Arrays, Cell, Unavailable
from models.servers import free_ports

HERE = Path(__file__).parent


class Replicas:
    """The processes of one arm, told by JSON lines on their standard input, answering on a pipe each.

    Parameters
    ----------
    cell : Cell
        The arm, its threads for each process, `batch` for each process, `model`.
    mode : str
        What each replica runs: `pytorch/ddp`, `tensorflow/multiworker`, or an arm that trains alone.
    count : int
        Processes.
    images : int
        Images of one pass of each replica.
    devices : int
        Replicas in each process, each with a device (or core) of its own.

    Raises
    ------
    Unavailable
        With fewer cores than replicas, on CPUs.
    """

    def __init__(self, cell: Cell, mode: str, count: int, images: int, devices: int = 1) -> None:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._cores = cores if cell.device == "cpu" else []
        if self._cores and len(cores) < count * devices:
            message = (
                f"needs {count * devices} processor cores, one for each replica; "
                f"this process may use {len(cores)}"
            )
            raise Unavailable(message, "no-hardware")
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        self._ending = ExitStack()
        self._replicas = [
            self._start({**asdict(cell), "arm": mode}, rank, addresses, images, devices)
            for rank in range(count)
        ]

    def __enter__(self) -> Self:
        """Return itself; on leaving, the processes end."""
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.close()

    def all(self, do: str) -> list[dict[str, Any]]:
        """Tell all to do the same, and return what each answers.

        Raises
        ------
        Unavailable
            Where one lacks what it needs.
        RuntimeError
            Where one has ended.
        """
        for process, _ in self._replicas:
            process.stdin.write(json.dumps({"do": do}) + "\n")
            process.stdin.flush()
        return [self._answer(rank) for rank in range(len(self._replicas))]

    def arrays(self, do: str) -> list[Arrays]:
        """Tell all to do the same, and return the arrays that each has written."""
        return [_taken(Path(answer["path"])) for answer in self.all(do)]

    def _answer(self, rank: int) -> dict[str, Any]:
        process, replies = self._replicas[rank]
        line = replies.readline()
        if not line:
            message = f"replica {rank} ended with status {process.wait()}"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        if "unavailable" in answer:
            raise Unavailable(answer["unavailable"], answer["reason"])
        return answer

    def _start(
        self, cell: dict[str, Any], rank: int, addresses: list[str], images: int, devices: int
    ) -> tuple[Any, Any]:
        reading, writing = os.pipe()
        own = range(rank * devices, (rank + 1) * devices)
        told = {"cell": cell, "rank": rank, "addresses": addresses, "images": images, "devices": devices}
        told |= {"cores": self._cores[own.start : own.stop], "reply": writing}
        paths = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables = {"PYTHONPATH": os.pathsep.join(paths)}
        if cell["device"] == "cuda":
            variables["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, own))
        process = subprocess.Popen(
            [sys.executable, "-m", "models.replica", json.dumps(told)],
            env=os.environ | variables,
            stdin=subprocess.PIPE,
            pass_fds=(writing,),
            text=True,
        )
        os.close(writing)
        self._ending.callback(process.kill)
        return process, os.fdopen(reading, encoding="utf-8")


def _taken(path: Path) -> Arrays:
    arrays = dict(np.load(path))
    path.unlink()
    return arrays
