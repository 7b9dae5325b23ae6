# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "tensorflow", "keras", "tf2onnx", "onnx", "onnxscript", "onnxruntime"]
# ///
"""Of which of PyTorch and TensorFlow more layers and small models come through ONNX, by any route."""

from collections.abc import Sequence
from math import comb
from typing import Any

from kb.verifier import probes
from models import onnx_layers
from models.onnx_exports import EXPORTERS, ROUTES, exports, require

CHANCE = 0.05


@probes(
    fields=(
        "versions",
        "items",
        "pytorch_converts",
        "tensorflow_converts",
        "pytorch_alone",
        "tensorflow_alone",
        "neither",
        "chance_if_equal",
        "better",
        "missing",
        "routes",
        "faults",
    ),
    seconds=900,
)
def onnx_coverage() -> dict[str, Any]:
    """Convert every item of `models/onnx_layers.py` by every route of both frameworks and compare outputs.

    Returns
    -------
    dict
        `pytorch_converts` and `tensorflow_converts` count items that some route of the framework converts
        with agreeing outputs. `chance_if_equal` is how often a fair coin would put so many of the items that
        one framework alone converts on one side (exact, one-sided), `better` the framework on that side;
        None where they are too few or too evenly shared to tell, and `missing` says so. `routes` counts by
        framework and route, `faults` has the error or difference of each failure.

    Raises
    ------
    Unavailable
        Where a package is not installed.
    RuntimeError
        Where a framework's process fails outside its exporters.
    """
    versions = require(*EXPORTERS)
    names = onnx_layers.NAMES
    found = {framework: exports(framework, names, routes)["routes"] for framework, routes in ROUTES.items()}
    through = {framework: _through(routes, names) for framework, routes in found.items()}
    alone = {
        "pytorch": sorted(through["pytorch"] - through["tensorflow"]),
        "tensorflow": sorted(through["tensorflow"] - through["pytorch"]),
    }
    better, chance = compared(len(alone["pytorch"]), len(alone["tensorflow"]))
    return {
        "versions": versions,
        "items": len(names),
        "pytorch_converts": len(through["pytorch"]),
        "tensorflow_converts": len(through["tensorflow"]),
        "pytorch_alone": alone["pytorch"],
        "tensorflow_alone": alone["tensorflow"],
        "neither": sorted(set(names) - through["pytorch"] - through["tensorflow"]),
        "chance_if_equal": chance,
        "better": better,
        "missing": None if better else _undecided(through, alone, len(names), chance),
        "routes": _counts(found),
        "faults": _faults(found),
    }


def compared(pytorch: int, tensorflow: int) -> tuple[str | None, float]:
    """Return the better framework, None where chance may explain the lead, and how often chance would.

    Parameters
    ----------
    pytorch, tensorflow : int
        Items that the framework alone converts.

    Notes
    -----
    The exact sign test over discordant pairs (McNemar 1947), one-sided towards the leader, at 5%.
    """
    total, most = pytorch + tensorflow, max(pytorch, tensorflow)
    chance = sum(comb(total, count) for count in range(most, total + 1)) / 2**total
    if chance > CHANCE:
        return None, chance
    return ("pytorch" if pytorch > tensorflow else "tensorflow"), chance


def _through(routes: dict[str, Any], names: Sequence[str]) -> set[str]:
    """Return the items that some route converts."""
    return {name for outcomes in routes.values() for name in names if outcomes[name]["agrees"]}


def _undecided(through: dict[str, set[str]], alone: dict[str, list[str]], items: int, chance: float) -> str:
    counts = f"of {items} items {len(through['pytorch'])} convert from PyTorch"
    counts += f" and {len(through['tensorflow'])} from TensorFlow"
    only = "; ".join(
        f"{framework} alone: {', '.join(names) or 'none'}"
        for framework, names in (("PyTorch", alone["pytorch"]), ("TensorFlow", alone["tensorflow"]))
    )
    return (
        f"{counts} ({only}); so few that differ settle nothing: were both equal, a lead like this would come "
        f"by chance in {chance:.0%} of lists"
    )


def _counts(found: dict[str, Any]) -> dict[str, dict[str, dict[str, int]]]:
    return {
        framework: {
            route: {key: sum(each[key] for each in outcomes.values()) for key in ("converted", "agrees")}
            for route, outcomes in routes.items()
        }
        for framework, routes in found.items()
    }


def _faults(found: dict[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    return {
        framework: {
            route: {
                name: each["error"] or f"differs by {each['largest_difference']:.2g} of its scale"
                for name, each in outcomes.items()
                if not each["agrees"]
            }
            for route, outcomes in routes.items()
        }
        for framework, routes in found.items()
    }
