# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# [tool.kb.environments]
# tensorflow_domains = [
#     "tensorflow==2.21.0", "keras==3.15.1", "tf-keras==2.21.0", "tensorflow-text==2.21.1",
#     "tensorflow-probability==0.25.0", "keras-cv==0.9.0", "keras-hub==0.32.0",
# ]
# ///
"""Whether TensorFlow's libraries for vision, language and probability run beside current TensorFlow."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import probes, python_of

SCRIPT = Path(__file__).parent / "models" / "domain_library_call.py"
LIBRARIES = ("tf.image", "TensorFlow Text", "TensorFlow Probability", "KerasCV", "KerasHub")
CHILD_SECONDS = 120.0
ERROR_LENGTH = 500
RTOL = 1e-5
ATOL = 1e-4
# A full disk or memory says nothing about a library.
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno", "cannot allocate", "failed to map segment")


@probes(
    fields=(
        "tensorflow_version",
        "keras_version",
        "versions",
        "asks_for",
        "right",
        "wrong",
        "failures",
        "brings_tf_keras",
        "without_tf_keras",
    ),
    seconds=900.0,
)
def tensorflow_domain_libraries() -> dict[str, Any]:
    """Make one call with a known result in each library, each in a process of its own, on the CPU.

    Returns
    -------
    dict
        `right` are the libraries whose result was the known one, `wrong` what came of the others, `failures`
        the error of those that raised. `asks_for` is what a library's metadata says of TensorFlow and Keras.
        `brings_tf_keras` are those that import Keras 2, and `without_tf_keras` what comes of each of them
        where that is missing: "right", or the error.

    Raises
    ------
    Unavailable
        Where the environment was not made, or its packages do not install together.
    RuntimeError
        Where plain TensorFlow fails, or a process does not end, is ended from outside, or meets a full disk
        or memory.
    """
    python = python_of("tensorflow_domains")
    outcomes = {library: _called(python, library) for library in LIBRARIES}
    ran = {library: outcome for library, outcome in outcomes.items() if isinstance(outcome, dict)}
    if not ran:
        message = f"no library came to its call, not even TensorFlow's own: {outcomes['tf.image']}"
        raise RuntimeError(message)
    first = next(iter(ran.values()))
    legacy = [library for library, outcome in ran.items() if outcome["brought_tf_keras"]]
    return {
        "tensorflow_version": first["tensorflow_version"],
        "keras_version": first["keras_version"],
        "versions": {library: outcome["version"] for library, outcome in ran.items()},
        "asks_for": {library: outcome["asks_for"] for library, outcome in ran.items()},
        "right": [library for library, outcome in ran.items() if _is_right(outcome)],
        "wrong": {library: outcome["found"] for library, outcome in ran.items() if not _is_right(outcome)},
        "failures": {library: said for library, said in outcomes.items() if isinstance(said, str)},
        "brings_tf_keras": legacy,
        "without_tf_keras": {library: _alone(python, library) for library in legacy},
    }


def _alone(python: Path, library: str) -> str:
    outcome = _called(python, library, "--without-tf-keras")
    if isinstance(outcome, str):
        return outcome
    return "right" if _is_right(outcome) else f"wrong: {outcome['found']}"


def _is_right(outcome: dict[str, Any]) -> bool:
    found, expected = outcome["found"], outcome["expected"]
    if len(found) != len(expected) or isinstance(expected[0], str):
        return bool(found == expected)
    return bool(np.allclose(found, expected, rtol=RTOL, atol=ATOL))


def _called(python: Path, library: str, *options: str) -> dict[str, Any] | str:
    """Return what the library's process wrote, or the error with which Python ended there."""
    settings = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcome.json"
        try:
            child = subprocess.run(
                [str(python), "-P", str(SCRIPT), library, str(path), *options],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the call of {library} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        said = child.stderr.strip()[-ERROR_LENGTH:]
        if child.returncode == 1 and not any(fault in said for fault in MACHINE_FAULTS):
            return said.rpartition("\n")[2]
        if child.returncode != 0:
            message = f"the call of {library} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        outcome: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return outcome
