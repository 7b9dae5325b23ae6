# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow", "keras>=3"]
# ///
"""How far errors of planted faults lead to their lines, in PyTorch and TensorFlow, eager and compiled."""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes

SCRIPT = Path(__file__).parent / "models" / "fault_reports.py"
PINS = {"torch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.1"}
CLAIMED = "tensorflow-function"
COMPARED = "pytorch-eager"
MODES = (COMPARED, "pytorch-compile", "tensorflow-eager", CLAIMED, "tensorflow-fit")
GRADES = {"traceback": 2, "message": 1, "nothing": 0}
CHILD_SECONDS = 180.0
ERROR_LENGTH = 500

Reports = dict[str, dict[str, Any]]


@probes(
    fields=(
        "faults",
        "faults_less_transparent",
        "balance_if_message_counts",
        "less_transparent",
        "missing",
        "less_transparent_than",
        "more_transparent_than",
        "line_named_by_traceback",
        "line_named_by_message_only",
        "clash_named",
        "silent",
        "median_frames_above",
        "reports",
        "versions",
    ),
    seconds=300.0,
)
def error_transparency() -> dict[str, Any]:
    """Run each faulty function in one fresh process per framework and mode, and compare what Python shows.

    Returns
    -------
    dict
        `reports` has by mode and fault the error's type, the beginning of its message, what names the faulty
        line (`line_named_by`: the innermost user frame of its traceback, or else a place in its message), the
        frames between that user frame and the raise, and whether the message names both things that clash.
        A fault is less transparent in one mode than in another where its line is named worse (traceback,
        message, nothing), or equally well and its clash is not named. `faults_less_transparent` counts those
        in which tf.function is less transparent than PyTorch eager; `less_transparent_than` and
        `more_transparent_than` list them against every other mode. `balance_if_message_counts` is the same
        count, less those where it is more transparent, with a line named in a message as good as in a
        traceback. The other fields count faults by mode.

        `less_transparent` is whether that is so for most faults by the first count; None where the second
        does not bear it out, and `missing` says how.

    Raises
    ------
    Unavailable
        Where PyTorch, TensorFlow or Keras is not installed.
    RuntimeError
        Where a mode's process does not end well.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    with ThreadPoolExecutor(max_workers=2) as pool:
        reports = dict(zip(MODES, pool.map(reports_of, MODES), strict=True))
    return compared(reports) | {"versions": {package: version(package) for package in PINS}}


def reports_of(mode: str) -> Reports:
    """Return by fault what Python shows in one mode, from a fresh process."""
    plain = {
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "NO_COLOR": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.json"
        try:
            child = subprocess.run(
                [sys.executable, "-P", str(SCRIPT), *mode.split("-"), str(path)],
                env={**os.environ, **plain},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the faults of {mode} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        if child.returncode != 0:
            said = child.stderr.strip()[-ERROR_LENGTH:]
            message = f"the faults of {mode} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        reports: Reports = json.loads(path.read_text(encoding="utf-8"))
    return reports


def compared(reports: dict[str, Reports]) -> dict[str, Any]:
    """Return the finding that reports by mode and fault come to, without versions."""
    faults = list(reports[CLAIMED])
    others = [mode for mode in reports if mode != CLAIMED]
    less = {mode: _worse(reports[CLAIMED], reports[mode], GRADES) for mode in others}
    more = {mode: _worse(reports[mode], reports[CLAIMED], GRADES) for mode in others}
    printed = GRADES | {"message": GRADES["traceback"]}
    one, other = reports[CLAIMED], reports[COMPARED]
    balance = len(_worse(one, other, printed)) - len(_worse(other, one, printed))
    by_traceback = 2 * len(less[COMPARED]) > len(faults)
    disagree = by_traceback and balance <= 0
    told = (
        f"the traceback leads to the line worse under tf.function for {len(less[COMPARED])} of {len(faults)} "
        f"faults; with a line named in the message as good as in the traceback the balance is {balance}"
    )
    return {
        "faults": faults,
        "faults_less_transparent": len(less[COMPARED]),
        "balance_if_message_counts": balance,
        "less_transparent": None if disagree else by_traceback,
        "missing": told if disagree else None,
        "less_transparent_than": less,
        "more_transparent_than": more,
        "line_named_by_traceback": _count(reports, "line_named_by", "traceback"),
        "line_named_by_message_only": _count(reports, "line_named_by", "message"),
        "clash_named": _count(reports, "clash_named", True),
        "silent": _count(reports, "error", None),
        "median_frames_above": {mode: _median_frames(shown) for mode, shown in reports.items()},
        "reports": reports,
    }


def _worse(one: Reports, other: Reports, grades: dict[str, int]) -> list[str]:
    """Return the faults that are less transparent in the one: first where it is, then what clashes."""

    def grade(shown: dict[str, Any]) -> tuple[int, bool]:
        return grades[shown["line_named_by"]], shown["clash_named"]

    return [fault for fault in one if grade(one[fault]) < grade(other[fault])]


def _count(reports: dict[str, Reports], field: str, value: Any) -> dict[str, int]:
    return {mode: sum(each[field] == value for each in shown.values()) for mode, shown in reports.items()}


def _median_frames(shown: Reports) -> float | None:
    frames = [each["frames_above"] for each in shown.values() if each["frames_above"] is not None]
    return statistics.median(frames) if frames else None
