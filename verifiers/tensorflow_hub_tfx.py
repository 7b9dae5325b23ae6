# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# [tool.kb.environments]
# hub = ["tensorflow-hub==0.16.1", "tensorflow==2.21.0", "tf-keras==2.21.0"]
# tfx = ["tfx==1.21.0", "tensorflow==2.21.0"]
# ///
"""Whether TensorFlow Hub and TFX work beside current TensorFlow, each in an environment of its own."""

import platform
import sys
from typing import Any

import numpy as np

from kb.verifier import Refused, Unavailable, probes, python_of
from models.script_outcome import written

PYTHONS = ((3, 10), (3, 13))  # what TFX 1.21.0 supports, by its metadata


@probes(
    fields=(
        "python_version",
        "hub_version",
        "tensorflow_version",
        "keras_version",
        "hub_loads",
        "output_scale",
        "largest_output_difference",
        "keras_layer",
        "tfx_imports",
        "tfx_versions",
        "tfx_asks_for",
        "failures",
    ),
    seconds=1800.0,
)
def tensorflow_hub_tfx() -> dict[str, Any]:
    """Load a local SavedModel through Hub, and import TFX, in separate processes on the CPU; fetch nothing.

    Returns
    -------
    dict
        `hub_loads` is whether `hub.load` gave a model that answers, `largest_output_difference` the largest
        magnitude between its outputs and those of the model that was saved, None where it gave none of that
        shape. `keras_layer` is what came of `hub.KerasLayer` in a model of Keras 3 and of Keras 2.
        `tfx_asks_for` is what TFX's metadata says of TensorFlow's packages, Hub among them. `failures` has
        why one of the two does not install, import or load.

    Raises
    ------
    Unavailable
        Where Python is not one that TFX supports, or an environment was not made.
    RuntimeError
        Where a process does not end, is ended from outside, or meets a full disk or memory.
    """
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        oldest, newest = (".".join(map(str, each)) for each in PYTHONS)
        message = (
            f"needs Python {oldest} to {newest}, as TFX 1.21.0 does; this is {platform.python_version()}"
        )
        raise Unavailable(message)
    hub, hub_failure = _hub()
    tfx, tfx_failure = _tfx()
    failures = {name: said for name, said in (("Hub", hub_failure), ("TFX", tfx_failure)) if said}
    expected = hub.get("expected")
    return {
        "python_version": platform.python_version(),
        "hub_version": hub.get("hub_version"),
        "tensorflow_version": hub.get("tensorflow_version"),
        "keras_version": hub.get("keras_version"),
        "hub_loads": "Hub" not in failures,
        "output_scale": float(np.abs(expected).max()) if expected else None,
        "largest_output_difference": _difference(hub.get("loaded"), expected),
        "keras_layer": {
            name: outputs if isinstance(outputs, str) else f"outputs within {_difference(outputs, expected)}"
            for name, outputs in hub.get("keras_layer", {}).items()
        },
        "tfx_imports": "TFX" not in failures,
        "tfx_versions": tfx.get("versions"),
        "tfx_asks_for": tfx.get("asks_for"),
        "failures": failures,
    }


def _hub() -> tuple[dict[str, Any], str | None]:
    """Return what Hub's script wrote, and why Hub does not install, import or load, if so."""
    try:
        python = python_of("hub")
    except Refused as refusal:
        return {}, str(refusal)
    found = written(python, "hub_load.py")
    if isinstance(found, str):
        message = f"hub_load.py failed outside Hub: {found}"
        raise RuntimeError(message)
    return found, found["loaded"] if isinstance(found["loaded"], str) else None


def _tfx() -> tuple[dict[str, Any], str | None]:
    """Return what TFX's script wrote, and why TFX does not install or import, if so."""
    try:
        python = python_of("tfx")
    except Refused as refusal:
        return {}, str(refusal)
    found = written(python, "tfx_part.py", "components")
    return ({}, found) if isinstance(found, str) else (found, None)


def _difference(outputs: Any, expected: Any) -> float | None:
    if outputs is None or isinstance(outputs, str) or np.shape(outputs) != np.shape(expected):
        return None
    return float(np.abs(np.subtract(outputs, expected)).max())
