# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "packaging", "tensorflow", "torch", "tensorboard"]
# ///
"""Whether TensorBoard has, serves and shows the scalars, histograms and graphs of TensorFlow and PyTorch."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Array, Unavailable, probes
from models import tensorboard_shown
from models.tensorboard_shown import Shown

SCRIPTS = Path(__file__).parent / "models"
FRAMEWORKS = ("tensorflow", "pytorch")
PINS = {"tensorflow": "2.21.0", "torch": "2.13.0", "tensorboard": "2.21.0"}
CHILD_SECONDS = 180.0
ERROR_LENGTH = 500
# A full disk or memory says nothing about a framework.
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno", "No space left on device")
ALONE = """
import runpy, sys
sys.modules["tensorboard"] = None  # as where it is not installed
sys.argv[:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
KINDS = ("scalars", "histograms", "graphs")


APART = (
    "installing TensorFlow does not install TensorBoard; beside it TensorFlow's own interface writes without "
    "an adapter, and the source does not say which of the two out of the box asks for"
)


@probes(
    fields=(
        "requires_tensorboard",
        "out_of_the_box",
        "missing",
        "failure_without_tensorboard",
        "failures",
        *(f"{kind}_read" for kind in KINDS),
        *(f"{kind}_served" for kind in KINDS),
        "histogram_counts",
        "graph_operations",
        "page_shows",
        "page_not_seen",
        "foreign_requests",
        "browser",
        "versions",
    ),
    seconds=420,
)
def tensorboard_events() -> dict[str, Any]:
    """Log the same numbers from both frameworks, and look at them with TensorBoard's reader, server and page.

    Returns
    -------
    dict
        `requires_tensorboard` tells whether installing TensorFlow, without extras, installs TensorBoard, by
        the metadata of the packages here; `out_of_the_box` is true where it does, and else None, since the
        word may ask for no more than that nothing but TensorBoard is added, and `missing` says so;
        `failure_without_tensorboard` is how TensorFlow's logging ends where TensorBoard is absent, None where
        it works. `failures` has the error of each framework that
        could not log. `<kind>_read` and `<kind>_served` list the frameworks of which TensorBoard's reader,
        and its server's answers to the page, have what was written: scalars equal, each bucket of the
        histogram with numpy's count, the model's operations under its layers' names. `page_shows` are the
        names seen on each dashboard; where it could not be seen it is None, and
        `page_not_seen` says why.

    Raises
    ------
    Unavailable
        Where a framework or TensorBoard is not installed.
    RuntimeError
        Where a framework's process does not end, is ended from outside, or meets a full disk or memory, or
        TensorBoard's server does not come up.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    random = np.random.default_rng(0)
    written = {
        "scalars": random.normal(size=5).astype(np.float32),
        "values": random.uniform(0.1, 10.0, 1000).astype(np.float32),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", **written)
        failures, alone = _log(folder)
        brought = "tensorboard" in _installed_with("tensorflow")
        return {
            "requires_tensorboard": brought,
            "out_of_the_box": brought or None,
            "missing": None if brought else APART,
            "failure_without_tensorboard": alone,
            "failures": failures,
            **_looked_at(folder / "runs", [each for each in FRAMEWORKS if each not in failures], written),
            "versions": {package: version(package) for package in PINS},
        }


def _log(folder: Path) -> tuple[dict[str, str], str | None]:
    """Let the frameworks write; return the failures, and TensorFlow's without TensorBoard."""
    jobs = [(framework, f"runs/{framework}", False) for framework in FRAMEWORKS]
    with ThreadPoolExecutor() as pool:
        *ended, alone = pool.map(lambda job: _write(folder, *job), [*jobs, ("tensorflow", "alone", True)])
    return {name: error for name, error in zip(FRAMEWORKS, ended, strict=True) if error}, alone


def _write(folder: Path, framework: str, run: str, alone: bool) -> str | None:
    """Run a framework's script; return the error with which Python ended there, if so."""
    script = str(SCRIPTS / f"tensorboard_{framework}.py")
    program = ["-c", ALONE, script] if alone else [script]
    try:
        child = subprocess.run(
            [sys.executable, "-P", *program, str(folder / "data.npz"), str(folder / run)],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{framework}'s logging did not end within {CHILD_SECONDS:g} s"
        raise RuntimeError(message) from error
    said = child.stderr.strip()[-ERROR_LENGTH:]
    last = said.rpartition("\n")[2]
    if child.returncode == 1 and not any(fault in last for fault in MACHINE_FAULTS):
        return last
    if child.returncode != 0:
        message = f"{framework}'s logging ended with status {child.returncode}: {said}"
        raise RuntimeError(message)
    return None


def _installed_with(package: str) -> set[str]:
    """Return the packages that come with this one, without extras, by the metadata of what is installed."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    brought: set[str] = set()
    waiting = [package]
    while waiting:
        try:
            lines = requires(waiting.pop()) or []
        except PackageNotFoundError:  # then nobody here needs what it would bring
            continue
        wanted = [Requirement(line) for line in lines]
        names = {
            str(canonicalize_name(each.name))
            for each in wanted
            if each.marker is None or each.marker.evaluate({"extra": ""})
        }
        waiting += sorted(names - brought)
        brought |= names
    return brought


def _looked_at(logs: Path, runs: list[str], written: dict[str, Array]) -> dict[str, Any]:
    """Return the fields that come of what TensorBoard has of the runs."""
    read = {run: tensorboard_shown.read(logs / run) for run in runs}
    logs.mkdir(exist_ok=True)
    with tensorboard_shown.server(logs) as address:
        served = {run: tensorboard_shown.served(address, run) for run in runs}
        not_seen = tensorboard_shown.no_browser()
        page = {"not_seen": not_seen} if not_seen else tensorboard_shown.page(address, served)
    return {
        **{f"{kind}_read": found for kind, found in _agreeing(read, written).items()},
        **{f"{kind}_served": found for kind, found in _agreeing(served, written).items()},
        "histogram_counts": {run: [int(row[2]) for row in read[run].buckets] for run in runs},
        "graph_operations": {
            run: [f"{name} ({kind})" for name, kind in read[run].operations] for run in runs
        },
        "page_shows": page.get("shows"),
        "page_not_seen": page.get("not_seen"),
        "foreign_requests": page.get("foreign_requests"),
        "browser": page.get("browser"),
    }


def _agreeing(shown: dict[str, Shown], written: dict[str, Array]) -> dict[str, list[str]]:
    """Return, for each kind of data, the runs of which it is there as it was written."""
    return {
        "scalars": [run for run, each in shown.items() if each.has_scalars(written["scalars"])],
        "histograms": [run for run, each in shown.items() if each.has_histogram(written["values"])],
        "graphs": [run for run, each in shown.items() if each.has_graph()],
    }
