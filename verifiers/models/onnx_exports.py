"""Both frameworks' routes to ONNX, each framework in a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable

HERE = Path(__file__).parent
PINS = {
    "torch": "2.13.0",
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "tf2onnx": "1.17.0",
    "onnx": "1.23.2",
    "onnxscript": "0.7.2",
    "onnxruntime": "1.31.1",
    "openvino": "2026.4.1",
}
EXPORTERS = ("torch", "tensorflow", "keras", "tf2onnx", "onnx", "onnxscript", "onnxruntime")
ROUTES = {
    "pytorch": ("dynamo", "torchscript"),
    "tensorflow": ("from_function", "from_keras", "keras_export"),
}
"""Routes of each framework's release; Keras' export comes last, since it changes tf2onnx in its process."""
SCRIPTS = {"pytorch": "onnx_from_torch.py", "tensorflow": "onnx_from_keras.py"}
CHILD_SECONDS = 400.0
ERROR_LENGTH = 500


def require(*packages: str) -> dict[str, str]:
    """Return the installed version of each package.

    Raises
    ------
    Unavailable
        Where one is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={PINS[package]}"
            raise Unavailable(message)
    return {package: version(package) for package in packages}


def exports(framework: str, names: Sequence[str], routes: Sequence[str]) -> dict[str, Any]:
    """Convert each model by each route, and run it in ONNX Runtime; see `onnx_file.attempt`.

    Parameters
    ----------
    framework : {"pytorch", "tensorflow"}
        Whose exporters.
    names : sequence of str
        Of `onnx_layers`, or of an architecture.
    routes : sequence of str
        In the order in which they are to be taken.

    Returns
    -------
    dict
        `routes`: route to name to outcome; `own`: what the framework computes, of architectures alone.

    Raises
    ------
    RuntimeError
        Where the process does not end, is ended from outside, or fails outside an exporter.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        _run(framework, [str(HERE / SCRIPTS[framework]), str(path), ",".join(routes), *names])
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _run(framework: str, arguments: Sequence[str]) -> None:
    paths = [str(HERE.parents[1]), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {
        "PYTHONPATH": os.pathsep.join(paths),
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    try:
        child = subprocess.run(
            [sys.executable, "-P", *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{framework}'s exporters did not end within {CHILD_SECONDS:g} s"
        raise RuntimeError(message) from error
    if child.returncode != 0:
        said = child.stderr.strip()[-ERROR_LENGTH:]
        message = f"{framework}'s exporters ended with status {child.returncode}: {said}"
        raise RuntimeError(message)
