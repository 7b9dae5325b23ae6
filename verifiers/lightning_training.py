# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "lightning"]
# ///
"""How much shorter one training is with Lightning than with PyTorch alone, and whether it is the same."""

import ast
import csv
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import tokenize
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes

MODELS = Path(__file__).parent / "models"
SCRIPTS = {"pytorch": MODELS / "blobs_pytorch.py", "lightning": MODELS / "blobs_lightning.py"}
BEST = {"pytorch": "best.pt", "lightning": "best.ckpt"}
CURVES = ("train_loss", "val_loss", "val_accuracy")
PREFIX = "model."
"""Before the names of weights in Lightning's checkpoint: the network is an attribute of its module."""
ROUTINE = frozenset({"to", "train", "eval", "zero_grad", "backward", "step", "no_grad", "item", "save"})
"""Calls of PyTorch's that a training loop is made of, whatever is trained."""
LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
PINS = {"torch": "2.13.0", "lightning": "2.6.6"}
CHILD_SECONDS = 120.0
ERROR_LENGTH = 500
# A full disk or memory says nothing about Lightning; the latter two are PyTorch's words for it.
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno", "not enough memory", "PytorchStreamWriter failed")


@probes(
    fields=(
        "torch_version",
        "lightning_version",
        "failure",
        "steps",
        "epochs",
        "best_epoch",
        "train_losses",
        "val_losses",
        "largest_curve_difference",
        "largest_best_weight_difference",
        "statements",
        "tokens",
        "statements_share",
        "tokens_share",
        "routine_calls",
    ),
    seconds=300,
)
def lightning_training() -> dict[str, Any]:
    """Run two scripts for one training, each in a fresh process on the CPU, and measure their text.

    Both import data, network, loss and metric from a third file, so that all they say themselves is what the
    training takes beyond these. Layout, comments and docstrings do not count.

    Returns
    -------
    dict
        `best_epoch` is that with the least validation loss, the first being 1. `largest_curve_difference` is
        the largest difference of a training loss of a step, or of a validation loss or accuracy of an epoch;
        `largest_best_weight_difference` that of a weight of the checkpoints of the best epoch. Both are None,
        and `failure` has the error, where Lightning's script failed or logged another number of values.
        Shares are Lightning's count over PyTorch's. `routine_calls` counts the calls in each script that a
        training loop is made of.

    Raises
    ------
    Unavailable
        Where PyTorch or Lightning is not installed.
    RuntimeError
        Where the script without Lightning fails, or a process does not end, is ended from outside, or meets a
        full disk or memory.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    with tempfile.TemporaryDirectory() as folder:
        ran = {name: _run(name, Path(folder) / name) for name in SCRIPTS}
    plain, other = ran["pytorch"], ran["lightning"]
    if isinstance(plain, str):
        message = f"the script without Lightning failed: {plain}"
        raise RuntimeError(message)
    failure = other if isinstance(other, str) else _unlike(plain, other)
    same = not isinstance(other, str) and failure is None
    curves = {name: each for name, each in ran.items() if not isinstance(each, str)}
    return {
        "torch_version": version("torch"),
        "lightning_version": version("lightning"),
        "failure": failure,
        "steps": len(plain["train_loss"]),
        "epochs": len(plain["val_loss"]),
        "best_epoch": plain["val_loss"].index(min(plain["val_loss"])) + 1,
        "train_losses": {name: each["train_loss"] for name, each in curves.items()},
        "val_losses": {name: each["val_loss"] for name, each in curves.items()},
        "largest_curve_difference": max(_largest(ran, curve) for curve in CURVES) if same else None,
        "largest_best_weight_difference": _largest(ran, "best") if same else None,
    } | _lengths()


def _lengths() -> dict[str, Any]:
    """Return how much each script says, and Lightning's share of what PyTorch's says."""
    sources = {name: path.read_text(encoding="utf-8") for name, path in SCRIPTS.items()}
    statements = {name: _statements(source) for name, source in sources.items()}
    tokens = {name: _tokens(source) for name, source in sources.items()}
    return {
        "statements": statements,
        "tokens": tokens,
        "statements_share": statements["lightning"] / statements["pytorch"],
        "tokens_share": tokens["lightning"] / tokens["pytorch"],
        "routine_calls": {name: _routine(source) for name, source in sources.items()},
    }


def _run(name: str, folder: Path) -> dict[str, list[float]] | str:
    """Return a script's curves and its best weights, or the error with which Python ended."""
    folder.mkdir()
    cpu = {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": _path()}
    try:
        child = subprocess.run(
            [sys.executable, "-P", str(SCRIPTS[name]), str(folder)],
            env={**os.environ, **cpu},
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{SCRIPTS[name].name} did not end within {CHILD_SECONDS:g} s"
        raise RuntimeError(message) from error
    said = child.stderr.strip()[-ERROR_LENGTH:]
    last = said.rpartition("\n")[2]
    if child.returncode == 1 and not any(fault in last for fault in MACHINE_FAULTS):
        return said
    if child.returncode != 0:
        message = f"{SCRIPTS[name].name} ended with status {child.returncode}: {said}"
        raise RuntimeError(message)
    return _read(folder, BEST[name])


def _path() -> str:
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([*([given] if given else []), str(MODELS.parent)])


def _read(folder: Path, best: str) -> dict[str, list[float]] | str:
    import torch

    missing = [name for name in ("metrics.csv", best) if not (folder / name).is_file()]
    if missing:
        return f"the training left no {missing[0]}"
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {curve: [float(row[curve]) for row in rows if row.get(curve)] for curve in CURVES}
    kept = torch.load(folder / best, weights_only=True, map_location="cpu")
    weights = kept.get("state_dict", kept)
    ordered = sorted((name.removeprefix(PREFIX), tensor) for name, tensor in weights.items())
    return found | {"best": [float(value) for _, tensor in ordered for value in tensor.flatten().tolist()]}


def _unlike(plain: dict[str, list[float]], other: dict[str, list[float]]) -> str | None:
    """Say which curve has another number of values with Lightning; None if none has."""
    for name, values in plain.items():
        if len(other[name]) != len(values):
            return f"{name} has {len(other[name])} values with Lightning and {len(values)} without"
    return None


def _largest(ran: dict[str, Any], values: str) -> float:
    pairs = zip(ran["pytorch"][values], ran["lightning"][values], strict=True)
    return max(abs(one - other) for one, other in pairs)


def _statements(source: str) -> int:
    """Count logical lines: statements, headers of functions, classes and loops included."""
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return sum(not _is_text(node) for node in statements)


def _tokens(source: str) -> int:
    """Count names, operators, numbers and strings."""
    docstrings = {node.lineno for node in ast.walk(ast.parse(source)) if _is_text(node)}
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(
        token.type not in LAYOUT and not (token.type == tokenize.STRING and token.start[0] in docstrings)
        for token in found
    )


def _routine(source: str) -> int:
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sum(isinstance(call, ast.Attribute) and call.attr in ROUTINE for call in calls)


def _is_text(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
