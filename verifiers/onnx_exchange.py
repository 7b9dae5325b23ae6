# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow", "keras", "tf2onnx", "onnx", "onnxscript", "onnxruntime"]
# ///
"""Whether one network leaves PyTorch and TensorFlow as ONNX files that compute the same."""

from typing import Any

import numpy as np

from kb.verifier import probes
from models.onnx_exports import EXPORTERS, ROUTES, exports, require
from models.onnx_file import difference

NETWORK = "small-cnn"
COMMAND_LINE = "command_line"


@probes(
    fields=(
        "versions",
        "pytorch_routes",
        "tensorflow_routes",
        "pytorch_routes_working",
        "tensorflow_routes_working",
        "difference_between_frameworks",
    ),
    seconds=600,
)
def onnx_exchange() -> dict[str, Any]:
    """Export a small CNN by every current route and run each file in ONNX Runtime, on two batches.

    Returns
    -------
    dict
        For each route whether it `converted`, whether the file's output `agrees` with the framework's (within
        1e-4 of its largest magnitude), the `largest_difference` so measured, and the `error`.
        `..._routes_working` count those that agree. `difference_between_frameworks` holds the two frameworks'
        own outputs against each other, likewise relative.

    Raises
    ------
    Unavailable
        Where a package is not installed.
    RuntimeError
        Where a framework's process fails outside its exporters.
    """
    versions = require(*EXPORTERS)
    # The command line runs in a process of its own, so that Keras' changes to tf2onnx do not reach it.
    routes = {**ROUTES, "tensorflow": (COMMAND_LINE, *ROUTES["tensorflow"])}
    found = {framework: exports(framework, [NETWORK], names) for framework, names in routes.items()}
    tables = {
        framework: {route: outcomes[NETWORK] for route, outcomes in each["routes"].items()}
        for framework, each in found.items()
    }
    own = [[np.asarray(batch) for batch in each["own"][NETWORK]] for each in found.values()]
    return {
        "versions": versions,
        "pytorch_routes": tables["pytorch"],
        "tensorflow_routes": tables["tensorflow"],
        "pytorch_routes_working": _working(tables["pytorch"]),
        "tensorflow_routes_working": _working(tables["tensorflow"]),
        "difference_between_frameworks": difference(*own),
    }


def _working(routes: dict[str, Any]) -> int:
    return sum(outcome["agrees"] for outcome in routes.values())
