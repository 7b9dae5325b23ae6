# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "keras>=3", "tensorflow", "jax", "torch"]
# ///
"""Whether one Keras model computes and learns the same on TensorFlow, JAX and PyTorch."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Unavailable, probes

SCRIPT = Path(__file__).parent / "models" / "keras_small_cnn.py"
BACKENDS = ("tensorflow", "jax", "torch")
PINS = {"keras": "3.15.1", "tensorflow": "2.21.0", "jax": "0.10.2", "torch": "2.13.0"}
CHILD_SECONDS = 180.0
ERROR_LENGTH = 500
# A full disk or memory says nothing about a backend.
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno")


@probes(
    fields=(
        "keras_version",
        "backends",
        "failures",
        "largest_output_difference",
        "output_scale",
        "losses_before",
        "losses_after",
        "loss_fell_on",
        "largest_loss_difference",
    )
)
def keras_backends() -> dict[str, Any]:
    """Run one CNN with the same weights and data in one fresh process per backend, on the CPU.

    Returns
    -------
    dict
        `backends` are those that ran, `failures` the error of each that did not. Differences are the largest
        magnitude over all pairs of backends, None with fewer than two: of logits before training, and of
        losses before and after one step of gradient descent. `output_scale` is the largest magnitude of a
        logit, None where no backend ran.

    Raises
    ------
    Unavailable
        Where Keras or a backend's package is not installed.
    RuntimeError
        Where a backend's process does not end, is ended from outside, or meets a full disk or memory.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    ran: dict[str, dict[str, Any]] = {}
    failures: dict[str, str] = {}
    for backend in BACKENDS:
        outcome = _run(backend)
        if isinstance(outcome, str):
            failures[backend] = outcome
        else:
            ran[backend] = outcome
    before = {backend: float(arrays["before"]) for backend, arrays in ran.items()}
    after = {backend: float(arrays["after"]) for backend, arrays in ran.items()}
    logits = {backend: arrays["logits"] for backend, arrays in ran.items()}
    losses = {backend: np.array([before[backend], after[backend]]) for backend in ran}
    return {
        "keras_version": version("keras"),
        "backends": list(ran),
        "failures": failures,
        "largest_output_difference": _largest_difference(logits),
        "output_scale": max((float(np.abs(array).max()) for array in logits.values()), default=None),
        "losses_before": before,
        "losses_after": after,
        "loss_fell_on": [backend for backend in ran if after[backend] < before[backend]],
        "largest_loss_difference": _largest_difference(losses),
    }


def _run(backend: str) -> dict[str, Any] | str:
    """Return the arrays that the backend's process wrote, or the error with which Python ended there."""
    # One device for all: on GPUs the backends differ in default matrix precision, which is not the claim.
    cpu = {
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outputs.npz"
        try:
            child = subprocess.run(
                [sys.executable, "-P", str(SCRIPT), str(path)],
                env={**os.environ, **cpu},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"Keras on {backend} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        said = child.stderr.strip()[-ERROR_LENGTH:]
        if child.returncode == 1 and not said.rpartition("\n")[2].startswith(MACHINE_FAULTS):
            return said
        if child.returncode != 0:
            message = f"Keras on {backend} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        with np.load(path) as arrays:
            outcome = dict(arrays)
    if str(outcome["backend"]) != backend:
        return f"asked for {backend}, Keras ran on {outcome['backend']}"
    return outcome


def _largest_difference(arrays: dict[str, Any]) -> float | None:
    pairs = combinations(arrays.values(), 2)
    return max((float(np.abs(one - other).max()) for one, other in pairs), default=None)
