"""What an ONNX file does in ONNX Runtime, held against the framework that it came from."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from kb.verifier import Array

ERROR_LENGTH = 200
TOLERANCE = 1e-4
"""Largest difference that agrees, over the largest magnitude of what the framework computes; float32."""
Examples: TypeAlias = Sequence[tuple[Sequence[Array], Sequence[Array]]]
"""Inputs, and the outputs that the framework itself computes from them, for every batch."""


def session(model: bytes) -> Any:
    """Return ONNX Runtime's session on the CPU, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def answered(session: Any, inputs: Sequence[Array]) -> list[Array]:
    """Return the outputs; inputs bear names that sort in their order."""
    described = sorted(session.get_inputs(), key=lambda each: each.name)
    found: list[Array] = session.run(
        None, {each.name: array for each, array in zip(described, inputs, strict=True)}
    )
    return found


def difference(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the largest difference of the outputs, each over the largest magnitude expected of it.

    Raises
    ------
    ValueError
        Where their number or shapes differ, or where one is not finite.
    """
    shapes = [[each.shape for each in outputs] for outputs in (found, expected)]
    if shapes[0] != shapes[1]:
        message = f"outputs have shapes {shapes[0]}, expected {shapes[1]}"
        raise ValueError(message)
    pairs = [
        (np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(found, expected, strict=True)
    ]
    if not all(np.isfinite(each).all() for pair in pairs for each in pair):
        message = "outputs are not finite"
        raise ValueError(message)
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in pairs)


def attempt(export: Callable[[], bytes], examples: Examples) -> dict[str, Any]:
    """Export, run in ONNX Runtime on every batch, and compare.

    Parameters
    ----------
    export : callable
        Returns the file.
    examples : sequence
        What the framework computes.

    Returns
    -------
    dict
        `converted`, `agrees`, `largest_difference` (None without outputs to compare), and `error` in a line.

    Raises
    ------
    MemoryError, OSError
        The machine's faults say nothing about an exporter.
    """
    outcome: dict[str, Any] = {"converted": False, "agrees": False, "largest_difference": None, "error": None}
    try:
        model = export()
        outcome["converted"] = True
        runs = session(model)
        differences = [difference(answered(runs, inputs), outputs) for inputs, outputs in examples]
    except Exception as error:
        spare(error)
        outcome["error"] = one_line(error)
        return outcome
    outcome["largest_difference"] = max(differences)
    outcome["agrees"] = outcome["largest_difference"] <= TOLERANCE
    return outcome


def spare(error: Exception) -> None:
    """Raise an error of the machine again, such as a full disk; it says nothing about a framework.

    An OSError without a number is none: Python's `inspect` raises one where it finds no source.
    """
    if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
        raise error


def one_line(error: Exception) -> str:
    """Return an error's type and the first line of what it says."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {said}"[:ERROR_LENGTH]
