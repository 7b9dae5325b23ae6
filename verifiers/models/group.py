"""Processes that work as one group: each is told its rank and the others' addresses, and answers once.

A member writes one JSON line to the pipe that it was told and then waits for the end of its standard input,
so that none leaves while another still needs it. An answer with `error` is what a framework raised; whatever
else keeps a member from answering is a fault of the machine and never an answer.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from models.servers import free_ports

SECONDS = 150.0
ERROR_LENGTH = 600
# A full disk or memory, a port taken meanwhile or a starved peer says nothing about a framework.
MACHINE_FAULTS = (
    "MemoryError",
    "bad_alloc",
    "Cannot allocate memory",
    "[Errno ",
    "No space left",
    "Address already in use",
    "Could not start gRPC server",
    "imed out",
    "imeout",
    "DEADLINE_EXCEEDED",
    "DeadlineExceeded",
)


def answers(
    script: Path, told: Mapping[str, Any], count: int, flags: Sequence[str] = (), path: str = ""
) -> list[dict[str, Any]] | str:
    """Start `count` processes of a script; return what each answered, or the error that one raised.

    Parameters
    ----------
    script : Path
        Takes one JSON argument: `told`, with `rank`, `addresses`, `folder` (empty, shared) and `reply`.
    flags : sequence of str
        Flags of the interpreter.
    path : str
        The members' PYTHONPATH, where it must differ from this process's.

    Raises
    ------
    RuntimeError
        Where a member ends without an answer, does not answer in time, or meets a fault of the machine.
    """
    with ExitStack() as ending:
        folder = ending.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        addresses = [f"127.0.0.1:{port}" for port in free_ports(2 * count)]
        told = {**told, "addresses": addresses, "folder": folder}
        members = [_start(script, {**told, "rank": rank}, flags, path, ending) for rank in range(count)]
        said: dict[int, dict[str, Any]] = {}
        deadline = time.monotonic() + SECONDS
        while len(said) < count:
            pending = {reply: rank for rank, (_, reply) in enumerate(members) if rank not in said}
            ready, _, _ = select.select(list(pending), [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                message = f"{script.stem} did not answer within {SECONDS:g} s"
                raise RuntimeError(message)
            for reply in ready:
                said[pending[reply]] = json.loads(reply.readline() or "{}")
            _all_alive(script.stem, Path(folder), [process for process, _ in members])
            errors = [answer["error"] for answer in said.values() if "error" in answer]
            if errors:
                return _raised(script.stem, errors[0])
    return [said[rank] for rank in range(count)]


def _start(
    script: Path, told: Mapping[str, Any], flags: Sequence[str], path: str, ending: ExitStack
) -> tuple[Any, Any]:
    reading, writing = os.pipe()
    reply = ending.enter_context(os.fdopen(reading, encoding="utf-8"))
    quiet = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}
    with (Path(told["folder"]) / f"log{told['rank']}").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", *flags, str(script), json.dumps({**told, "reply": writing})],
            env=os.environ | quiet | ({"PYTHONPATH": path} if path else {}),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
        )
    os.close(writing)
    ending.callback(_end, process)
    return process, reply


def _end(process: Any) -> None:
    process.kill()
    process.wait()
    process.stdin.close()


def _all_alive(name: str, folder: Path, processes: list[Any]) -> None:
    """Refuse what a group says of which a member is gone: the others' errors may only be its echo."""
    for rank, process in enumerate(processes):
        if process.poll() is not None:
            log = (folder / f"log{rank}").read_text(encoding="utf-8", errors="replace")
            message = f"{name}, rank {rank}, ended with status {process.returncode}: {log[-ERROR_LENGTH:]}"
            raise RuntimeError(message)


def _raised(name: str, error: str) -> str:
    if any(fault in error for fault in MACHINE_FAULTS):
        message = f"{name} met a fault of the machine: {error}"
        raise RuntimeError(message)
    return error[-ERROR_LENGTH:]
