# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow", "keras>=3"]
# ///
"""How much one training of an image classifier says with Keras' fit and with PyTorch's explicit loop."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Unavailable, probes
from models import code_length

MODELS = Path(__file__).parent / "models"
SIDES = ("keras", "pytorch")
PACKAGES = ("torch", "tensorflow", "keras")
PINS = {"torch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.1"}
TOLERANCE, LEARNT = 1e-3, 0.9
CHILD_SECONDS = 120.0
ERROR_LENGTH = 500


@probes(
    fields=(
        "shorter",
        "missing",
        "lines",
        "tokens",
        "lines_with_definitions",
        "tokens_with_definitions",
        "concepts",
        "test_accuracy",
        "losses",
        "largest_difference",
        "versions",
    ),
    seconds=240.0,
)
def training_code_length() -> dict[str, Any]:
    """Run two programs for one training, in fresh processes on the CPU, and measure their text.

    Returns
    -------
    dict
        `lines` (logical) and `tokens` are those of the two files that train and evaluate, and with the files
        that define the network and batches. `shorter` names the side that is so by both counts without
        definitions and a factor of 1.1, or is `neither`; None where the two disagree, and `missing` says how.
        `concepts` lists the names of each framework. `largest_difference` is that of a loss or accuracy,
        `losses` those of each epoch in training.

    Raises
    ------
    Unavailable
        Where a framework is not installed.
    RuntimeError
        Where a process does not end well, or the trainings are not equal or learn too little.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    with ThreadPoolExecutor(2) as pool:
        ran = dict(zip(SIDES, pool.map(_run, SIDES), strict=True))
    difference = _difference(ran)
    return {
        **_lengths({side: _sources(side) for side in SIDES}),
        "test_accuracy": {side: each["test"][1] for side, each in ran.items()},
        "losses": {side: [epoch[0] for epoch in each["epochs"]] for side, each in ran.items()},
        "largest_difference": difference,
        "versions": {package: version(package) for package in PINS},
    }


def _sources(side: str) -> tuple[str, str]:
    """Return the texts of a side's training and of its definitions."""
    training, definitions = (MODELS / f"pictures_{side}{part}.py" for part in ("", "_model"))
    return training.read_text(encoding="utf-8"), definitions.read_text(encoding="utf-8")


def _lengths(sources: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Return what the texts of the two sides come to."""
    lines = {side: [code_length.lines(part) for part in parts] for side, parts in sources.items()}
    tokens = {side: [code_length.tokens(part) for part in parts] for side, parts in sources.items()}
    shares = [count["keras"][0] / count["pytorch"][0] for count in (lines, tokens)]
    standing = code_length.standing(shares)
    mixed = f"Keras takes {shares[0]:.2f} of PyTorch's lines and {shares[1]:.2f} of its tokens"
    return {
        "shorter": {"shorter": "keras", "longer": "pytorch", "equal": "neither", "mixed": None}[standing],
        "missing": mixed if standing == "mixed" else None,
        "lines": {side: count[0] for side, count in lines.items()},
        "tokens": {side: count[0] for side, count in tokens.items()},
        "lines_with_definitions": {side: sum(count) for side, count in lines.items()},
        "tokens_with_definitions": {side: sum(count) for side, count in tokens.items()},
        "concepts": {side: code_length.concepts(parts[0], PACKAGES) for side, parts in sources.items()},
    }


def _run(side: str) -> dict[str, Any]:
    """Return the losses and accuracies of one side's epochs and of its test."""
    plain = {
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(MODELS.parent)])),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        try:
            child = subprocess.run(
                [sys.executable, "-P", str(MODELS / "pictures_run.py"), side, str(path)],
                env={**os.environ, **plain},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the training in {side} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        if child.returncode != 0:
            said = child.stderr.strip()[-ERROR_LENGTH:]
            message = f"the training in {side} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def _difference(ran: dict[str, dict[str, Any]]) -> float:
    """Return the largest difference of a loss or accuracy; raise where the trainings are not the same."""
    one, other = (np.array([*each["epochs"], [*each["test"], 0, 0]]) for each in ran.values())
    if one.shape != other.shape:
        message = (
            f"the trainings have {len(one) - 1} and {len(other) - 1} epochs, so their texts do not compare"
        )
        raise RuntimeError(message)
    largest = float(np.abs(one - other).max())
    if not largest <= TOLERANCE:
        message = f"losses or accuracies differ by {largest:g}, so the two texts do not compare"
        raise RuntimeError(message)
    if min(each["test"][1] for each in ran.values()) < LEARNT:
        message = f"accuracy on the test images is below {LEARNT:g}, so that little was trained"
        raise RuntimeError(message)
    return largest
