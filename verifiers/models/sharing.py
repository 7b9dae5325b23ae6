"""What two processes that trained together came to, beside what one process comes to that trains alone."""

from pathlib import Path
from typing import Any

from models import group, tiny_regression

PROCESSES = 2
SCRIPTS = {
    "pytorch": Path(__file__).with_name("distributed_pytorch.py"),
    "tensorflow": Path(__file__).with_name("distributed_tensorflow.py"),
}
ENOUGH = 0.01
"""By how much the trainings without communication must differ, for agreement to mean anything."""


def trained(framework: str, routes: list[str], path: str = "") -> list[dict[str, Any]] | str:
    """Train the tiny regression in two processes by each route; return their answers, or what was raised.

    Parameters
    ----------
    framework : {"pytorch", "tensorflow"}
        PyTorch takes several routes in one group of processes, TensorFlow one.
    path : str
        A folder from which alone the processes import packages; the interpreter's own ones if empty.

    Raises
    ------
    RuntimeError
        Where a machine's fault got in between, or the training alone could not tell processes that
        communicate from others.
    """
    told = {**tiny_regression.told(), "routes": routes, "ranks": list(range(PROCESSES)), "bare": bool(path)}
    script = SCRIPTS[framework]
    found = group.answers(script, told, PROCESSES, ("-S",) if path else (), path)
    if isinstance(found, str):
        return found
    apart = tiny_regression.difference(found[0]["apart"]["weights"], found[0]["alone"]["weights"])
    if apart is None or apart < ENOUGH:
        message = (
            f"{framework} alone learns the same from half of the data ({apart}); nothing can be told apart"
        )
        raise RuntimeError(message)
    return found


def from_one_process(found: list[dict[str, Any]], route: str) -> float | None:
    """Return the largest difference of weights and outputs from those of one process on whole batches."""
    worst = 0.0
    for answer in found:
        if route not in answer.get("routes", {}):
            continue  # a server alone, which has no model
        for what in ("weights", "outputs"):
            each = tiny_regression.difference(answer["routes"][route][what], answer["alone"][what])
            if each is None:
                return None
            worst = max(worst, each)
    return worst
