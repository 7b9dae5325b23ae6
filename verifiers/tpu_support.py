# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "tensorflow", "torch"]
# [tool.kb.environments]
# torch_xla = ["torch==2.13.0", "torch-xla==2.9.0"]
# torch_tpu = ["torch==2.13.0", "torch-tpu==0.2.0"]
# ///
"""What TensorFlow and PyTorch have for TPUs in their own packages, and what a bridge adds to PyTorch."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from kb.verifier import Refused, Unavailable, probes, python_of

SCRIPT = Path(__file__).parent / "models" / "tpu_parts.py"
PINS = {"tensorflow": "2.21.0", "torch": "2.13.0"}
BRIDGES = ("torch_xla", "torch_tpu")
CHILD_SECONDS = 180.0
ERROR_LENGTH = 500
MACHINE_FAULTS = ("MemoryError", "Errno", "cannot allocate", "not enough memory", "failed to map segment")


@probes(
    fields=(
        "tensorflow_version",
        "tensorflow_interface",
        "tensorflow_operations_with_tpu_kernels",
        "tensorflow_alone_knows_tpu",
        "tensorflow_alone_starts_tpu",
        "tensorflow_requires_libtpu",
        "torch_version",
        "torch_alone_knows_tpu",
        "torch_devices",
        "bridges",
        "bridges_that_work",
    ),
    seconds=600.0,
)
def tpu_support() -> dict[str, Any]:
    """Ask each framework alone, and PyTorch beside each bridge, in processes of their own; needs no TPU.

    Returns
    -------
    dict
        TensorFlow alone knows a TPU where it has the whole `tensorflow_interface` and at least one operation
        with a kernel for the device type; it alone starts one where that holds for the operation that
        configures TPUs. PyTorch alone knows one where an operation has a kernel for the device type XLA, the
        only one of its own that TPUs have been. `bridges` has, for each package beside PyTorch, its
        version and either how many kernels it adds, or why it does not install or import.

    Raises
    ------
    Unavailable
        Where a framework is not installed, or an environment was not made.
    RuntimeError
        Where a process does not come to its end.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    tensorflow = _parts(Path(sys.executable), "tensorflow")
    torch = _parts(Path(sys.executable), "torch")
    bridges = {name: _bridge(name) for name in BRIDGES}
    return {
        "tensorflow_version": tensorflow["version"],
        "tensorflow_interface": tensorflow["interface"],
        "tensorflow_operations_with_tpu_kernels": tensorflow["operations"],
        "tensorflow_alone_knows_tpu": len(tensorflow["interface"]) == 3 and tensorflow["operations"] > 0,
        "tensorflow_alone_starts_tpu": tensorflow["starts_a_tpu"],
        "tensorflow_requires_libtpu": any("tpu" in each for each in requires("tensorflow") or []),
        "torch_version": torch["version"],
        "torch_alone_knows_tpu": torch["operations"]["XLA"] > 0,
        "torch_devices": torch["devices"],
        "bridges": bridges,
        "bridges_that_work": [name for name, found in bridges.items() if found["adds_kernels"] > 0],
    }


def _bridge(name: str) -> dict[str, Any]:
    try:
        python = python_of(name)
    except Refused as refusal:
        return {"version": None, "error": str(refusal), "adds_kernels": 0}
    found = _parts(python, "torch", name)
    error = found["bridge_error"]
    if error and any(fault in error for fault in MACHINE_FAULTS):
        message = f"the import of {name} met a fault of the machine: {error}"
        raise RuntimeError(message)
    return {
        "version": found["bridge_version"],
        "error": error,
        "adds_kernels": found["added"],
    }


def _parts(python: Path, framework: str, *bridge: str) -> dict[str, Any]:
    """Return what the process wrote that looked at the framework."""
    # PyTorch loads what is installed beside it by itself, unless told not to.
    settings = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parts.json"
        try:
            child = subprocess.run(
                [str(python), "-P", str(SCRIPT), framework, str(path), *bridge],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the look at {framework} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        if child.returncode != 0:
            said = child.stderr.strip()[-ERROR_LENGTH:]
            looked = " beside ".join((framework, *bridge))
            message = f"the look at {looked} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
