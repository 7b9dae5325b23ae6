# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "psutil", "torch", "tensorflow"]
# ///
"""Whether PyTorch and TensorFlow train one model of which each of two processes keeps a part."""

import importlib.util
from importlib.metadata import version
from typing import Any

from kb.verifier import Unavailable, probes
from models import sharing, tiny_regression

PINS = {"torch": "2.13.0", "tensorflow": "2.21.0"}
# One group of PyTorch's processes takes several routes; TensorFlow's settles its devices once.
GROUPS = (
    ("pytorch", ("ddp", "fsdp", "tensor_parallel")),
    ("tensorflow", ("multiworker",)),
    ("tensorflow", ("dtensor",)),
    ("tensorflow", ("parameter_server",)),
)
ROUTES = tuple(route for _, routes in GROUPS for route in routes)
OBSERVED = ("processes", "held", "largest_share", "differs_from_one_process_by", "error")


@probes(
    fields=(
        "pytorch_version",
        "tensorflow_version",
        "parameters",
        "half_the_data_differs_by",
        *(f"{route}_{field}" for route in ROUTES for field in OBSERVED),
    ),
    seconds=600,
)
def model_parallelism() -> dict[str, Any]:
    """Train a small network in two processes by each route, and count the numbers that each process keeps.

    Of data parallelism the routes are DistributedDataParallel and MultiWorkerMirroredStrategy; of PyTorch's
    ways to split a model, fully_shard (FSDP, each process on its half of the data) and tensor parallelism; of
    TensorFlow's, DTensor and, within tf.distribute, ParameterServerStrategy with a partitioner.

    Returns
    -------
    dict
        `parameters` of the network. For each route: the `processes` that the framework counts; how many
        parameters each of them holds, `held`; the largest of these over `parameters`; the largest difference
        of weights and outputs after training from one process that had the whole model and all data; and the
        `error` that was raised, the others then being None. `half_the_data_differs_by` is the least of what
        a process that trained alone on half of the data differs by.

    Raises
    ------
    Unavailable
        Where a framework is not installed.
    RuntimeError
        Where the machine's faults keep the processes from an answer.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    seen: dict[str, Any] = {f"{route}_{field}": None for route in ROUTES for field in OBSERVED}
    apart = []
    for framework, routes in GROUPS:
        for route, found in _trained(framework, routes).items():
            if isinstance(found, str):
                seen[f"{route}_error"] = found
                continue
            apart.append(
                tiny_regression.difference(found[0]["apart"]["weights"], found[0]["alone"]["weights"])
            )
            seen |= {f"{route}_{field}": value for field, value in _observed(found, route).items()}
    return {
        "pytorch_version": version("torch"),
        "tensorflow_version": version("tensorflow"),
        "parameters": tiny_regression.PARAMETERS,
        "half_the_data_differs_by": min(filter(None, apart), default=None),
        **seen,
    }


def _trained(framework: str, routes: tuple[str, ...]) -> dict[str, list[dict[str, Any]] | str]:
    """Return what each route came to; where one of several fails, each is tried by itself."""
    found = sharing.trained(framework, list(routes))
    if isinstance(found, str) and len(routes) > 1:
        return {route: sharing.trained(framework, [route]) for route in routes}
    return dict.fromkeys(routes, found)


def _observed(found: list[dict[str, Any]], route: str) -> dict[str, Any]:
    first = found[0]["routes"][route]
    held = first.get("held_by_rank") or [answer["routes"][route]["held"] for answer in found]
    return {
        "processes": found[0]["processes"],
        "held": held,
        "largest_share": max(held) / tiny_regression.PARAMETERS,
        "differs_from_one_process_by": sharing.from_one_process(found, route),
    }
