"""Starts arm_outputs.py for a list of jobs, a process for each framework, and reads what came of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 900


def run(jobs: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Run all jobs, those of one framework in one process, and keep in `folder` what came of them."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    by_framework: dict[str, list[Mapping[str, Any]]] = {}
    for job in jobs:
        by_framework.setdefault(job["arm"].partition("/")[0], []).append(job)
    processes = {}
    for framework, theirs in by_framework.items():
        listed = folder / f"{framework}.jobs"
        listed.write_text(json.dumps(theirs))
        command = [sys.executable, str(HERE / "arm_outputs.py"), str(listed), str(folder)]
        processes[framework] = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    try:
        for framework, process in processes.items():
            printed, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, f"{framework}: {printed[-3000:]}"
    finally:
        for process in processes.values():
            process.kill()


def outputs(folder: Path, job: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Load a job's arrays."""
    return dict(np.load(folder / f"{job['name']}.npz"))


def said(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Load what a job says of itself."""
    found: dict[str, Any] = json.loads((folder / f"{job['name']}.json").read_text())
    return found
