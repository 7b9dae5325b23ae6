"""Runs a script in an environment of its own, and tells what it found from a fault of the machine."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent
CHILD_SECONDS = 240.0
ERROR_LENGTH = 500
# A full disk or memory, or a port that is not to be had, says nothing about a library.
MACHINE_FAULTS = ("MemoryError", "Errno", "cannot allocate", "failed to map segment", "StatusCode.")


def written(python: Path, script: str, *arguments: str) -> dict[str, Any] | str:
    """Return what the script wrote, or the last line of what it said where it raised an exception.

    Raises
    ------
    RuntimeError
        Where the process does not end, is ended from outside, or meets a full disk or memory.
    """
    called = " ".join((script, *arguments))
    settings = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcome.json"
        try:
            child = subprocess.run(
                [str(python), "-P", str(SCRIPTS / script), *arguments, str(path)],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{called} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        said = child.stderr.strip()
        if child.returncode == 1 and not any(fault in said for fault in MACHINE_FAULTS):
            return said.rpartition("\n")[2][-ERROR_LENGTH:]
        if child.returncode != 0:
            message = f"{called} ended with status {child.returncode}: {said[-ERROR_LENGTH:]}"
            raise RuntimeError(message)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
