"""The memory of an NVIDIA GPU as its driver counts it, and processes that hold some of it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable

HOLDER = Path(__file__).with_name("gpu_holder.py")
MIB = 2**20
CHILD_SECONDS = 180.0
SMI_SECONDS = 60
ERROR_LENGTH = 1000
# Each of them changes how a framework reserves memory; the claims are about the defaults.
SETTINGS = (
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "TF_CUDA_HOST_MEM_LIMIT_IN_MB",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_NO_CUDA_MEMORY_CACHING",
)
FATAL = ("CUDA_ERROR_OUT_OF_MEMORY", "out of memory", "RESOURCE_EXHAUSTED")


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU: the driver's identifier, its model, and its memory in bytes."""

    uuid: str
    model: str
    total: int


def first_gpu() -> Gpu | None:
    """Return the first GPU that nvidia-smi lists; None where there is none."""
    rows = _asked("uuid,name,memory.total")
    if not rows:
        return None
    uuid, model, total = rows[0]
    if not total.isdigit():
        message = f"needs a GPU whose memory the driver tells; of {model} it says {total!r} (MIG is not read)"
        raise Unavailable(message, "no-hardware")
    return Gpu(uuid, model, int(total) * MIB)


def free(gpu: Gpu) -> int:
    """Return the bytes that no process holds."""
    rows = _asked("memory.free", gpu.uuid)
    if len(rows) != 1 or not rows[0][0].isdigit():
        message = f"nvidia-smi tells no free memory of {gpu.uuid}: {rows}"
        raise RuntimeError(message)
    return int(rows[0][0]) * MIB


def _asked(fields: str, uuid: str | None = None) -> list[list[str]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    told = subprocess.run(
        [*command, *([f"--id={uuid}"] if uuid else [])],
        capture_output=True,
        text=True,
        timeout=SMI_SECONDS,
        check=False,
    )
    if told.returncode:
        return []
    return [[cell.strip() for cell in line.split(",")] for line in told.stdout.splitlines() if line.strip()]


@contextmanager
def holder(gpu: Gpu, framework: str, mode: str, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Start a process that holds tensors on the GPU; give what it says, and end it afterwards.

    Yields
    ------
    dict
        `sees_gpu`, `devices`, and `refused`: for each size the error for want of memory, or None. A process
        that ended itself for want of memory has refused all.

    Raises
    ------
    RuntimeError
        Where it ended for another reason, or did not say anything in time.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", str(HOLDER), framework, mode, *map(str, sizes)],
            env={name: value for name, value in os.environ.items() if name not in SETTINGS}
            | {"CUDA_VISIBLE_DEVICES": gpu.uuid, "TF_CPP_MIN_LOG_LEVEL": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        patience = threading.Timer(CHILD_SECONDS, process.kill)
        patience.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
            patience.cancel()
            yield json.loads(line) if line else _ended(process, f"{framework}/{mode}", log, len(sizes))
        finally:
            patience.cancel()
            process.kill()
            process.communicate()


def _ended(process: subprocess.Popen[str], name: str, log: Any, sizes: int) -> dict[str, Any]:
    status = process.wait(CHILD_SECONDS)
    log.seek(0)
    said = log.read().strip()[-ERROR_LENGTH:]
    if status in (1, -6) and any(sign in said for sign in FATAL):  # an exception, or a failed check in CUDA
        return {"sees_gpu": True, "devices": 0, "refused": [said] * sizes}
    message = f"{name} ended with status {status} before it held anything: {said}"
    raise RuntimeError(message)
