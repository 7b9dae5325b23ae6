# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow", "keras>=3"]
# ///
"""How much three custom training loops say in PyTorch and in TensorFlow, where they compute the same."""

import ast
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
SCRIPTS = {
    "pytorch": MODELS / "loops_pytorch.py",
    "tensorflow-eager": MODELS / "loops_tensorflow.py",
    "tensorflow-function": MODELS / "loops_tensorflow_function.py",
}
OWN = MODELS / "loops_tensorflow_own.py"
"""Keras' own gradient accumulation, which is reported and does not decide."""
LOOPS = ("accumulation", "gan", "gradient_penalty")
MEASURES = ("lines", "tokens", "concepts")
PACKAGES = ("torch", "tensorflow", "keras")
PINS = {"torch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.1"}
TOLERANCE = 1e-4
"""Of the largest loss or weight of a loop in PyTorch."""
CHILD_SECONDS = 120.0
ERROR_LENGTH = 500


@probes(
    fields=(
        "tensorflow_harder",
        "missing",
        "standing",
        "counts",
        "ratios",
        "counts_by_loop",
        "concepts",
        "accumulation_by_keras",
        "largest_difference",
        "losses",
        "versions",
    ),
    seconds=300.0,
)
def custom_training_loops() -> dict[str, Any]:
    """Run the same three loops in each framework and mode, in fresh processes, and measure their text.

    Returns
    -------
    dict
        `counts` are logical lines, tokens and distinct framework concepts of each mode's file, `ratios`
        TensorFlow's over PyTorch's. `standing` says how each of TensorFlow's modes stands to PyTorch by all
        three: longer or shorter by a factor of 1.1, or equal; `tensorflow_harder` is whether both are longer,
        None where measures or modes disagree, and `missing` says how.
        `counts_by_loop` leaves the imports out. `largest_difference` is that of a loss or weight from
        PyTorch's, relative to the loop's largest. `losses` are PyTorch's. `accumulation_by_keras` has the
        counts of the first loop, eager, if the optimiser accumulates.

    Raises
    ------
    Unavailable
        Where a framework is not installed.
    RuntimeError
        Where a process does not end well, or the loops do not compute the same.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    with ThreadPoolExecutor(2) as pool:
        plain, *others = pool.map(_run, [*SCRIPTS.values(), OWN])
    difference = max(_difference(plain[loop], each[loop]) for each in others for loop in each)
    return {
        **_complexity({mode: script.read_text(encoding="utf-8") for mode, script in SCRIPTS.items()}),
        "accumulation_by_keras": _by_loop(OWN.read_text(encoding="utf-8"))["accumulation"],
        "largest_difference": difference,
        "losses": {loop: plain[loop]["losses"] for loop in LOOPS},
        "versions": {package: version(package) for package in PINS},
    }


def _complexity(sources: dict[str, str]) -> dict[str, Any]:
    """Return what the texts of the three modes come to."""
    counts = {mode: _counts(source) for mode, source in sources.items()}
    plain = counts["pytorch"]
    ratios = {
        mode: {measure: counts[mode][measure] / plain[measure] for measure in MEASURES}
        for mode in sources
        if mode != "pytorch"
    }
    standing = {mode: code_length.standing(ratio.values()) for mode, ratio in ratios.items()}
    harder = {said == "longer" for said in standing.values()}
    agree = "mixed" not in standing.values() and len(harder) == 1
    told = f"the counts disagree on which framework's loops are more complex: {_told(counts)}"
    return {
        "tensorflow_harder": harder.pop() if agree else None,
        "missing": None if agree else told,
        "standing": standing,
        "counts": counts,
        "ratios": ratios,
        "counts_by_loop": {mode: _by_loop(source) for mode, source in sources.items()},
        "concepts": {mode: code_length.concepts(source, PACKAGES) for mode, source in sources.items()},
    }


def _told(counts: dict[str, dict[str, int]]) -> str:
    """Return the counts of all modes as one sentence."""
    return "; ".join(
        f"{mode} " + ", ".join(f"{number} {measure}" for measure, number in each.items())
        for mode, each in counts.items()
    )


def _counts(source: str) -> dict[str, int]:
    return {
        "lines": code_length.lines(source),
        "tokens": code_length.tokens(source),
        "concepts": len(code_length.concepts(source, PACKAGES)),
    }


def _by_loop(source: str) -> dict[str, dict[str, int]]:
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {node.name: _counts(ast.unparse(node)) for node in functions}


def _run(script: Path) -> dict[str, dict[str, list[float]]]:
    """Return by loop the losses and last weights of a script's loops."""
    plain = {
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(MODELS.parent)])),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        try:
            child = subprocess.run(
                [sys.executable, "-P", str(MODELS / "loops.py"), script.stem, str(path)],
                env={**os.environ, **plain},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{script.name} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        if child.returncode != 0:
            said = child.stderr.strip()[-ERROR_LENGTH:]
            message = f"{script.name} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        results: dict[str, dict[str, list[float]]] = json.loads(path.read_text(encoding="utf-8"))
    return results


def _difference(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    """Return the largest difference of two runs of a loop, relative; raise where it is too large."""
    differences = [
        float(np.abs(np.subtract(one[values], other[values])).max() / np.abs(one[values]).max())
        for values in ("losses", "weights")
    ]
    largest = max(differences)
    if not largest <= TOLERANCE:
        message = (
            f"the loops differ by {largest:g} of their largest loss or weight, so their texts do not compare"
        )
        raise RuntimeError(message)
    return largest
