# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch"]
# ///
"""Whether Python's own debugger stops inside a PyTorch model and reads tensors line by line."""

import importlib.util
import platform
import tempfile
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes
from models import debugged
from models.debugger import Debugger

SUBJECT = f"""\
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(2, 3)

    def forward(self, images):
        hidden = self.dense(images)
        scores = torch.relu(hidden)
        return scores


model = Model()
with torch.no_grad():
    model.dense.weight.copy_(torch.tensor({debugged.WEIGHT}))
    model.dense.bias.copy_(torch.tensor({debugged.BIAS}))
model(torch.tensor({debugged.IMAGES}))
"""
BREAK_AT = "scores = torch.relu(hidden)"
NUMBERS = "{}.flatten().tolist()"


@probes(
    fields=(
        "stopped_in",
        "stopped_line",
        "expected_line",
        "tensor_shape",
        "tensor_value",
        "expected_value",
        "steps_line_by_line",
        "value_agrees",
        "transcript",
        "torch_version",
        "python_version",
    )
)
def pytorch_pdb() -> dict[str, Any]:
    """Drive `python -m pdb` in a pseudo-terminal: break in `forward`, read a tensor, step, read the next.

    Returns
    -------
    dict
        `stopped_in` and `stopped_line` are where pdb stood after `continue`, None where it named no place.
        `tensor_shape` and `tensor_value` (row by row, flat) are what pdb printed there of the tensor that the
        line before had assigned, None where it printed none; `expected_value` was worked out by hand.
        `steps_line_by_line` is true where `next` went to the next line of the same function and the tensor
        assigned by the line between, unknown before, then had its right value.

    Raises
    ------
    Unavailable
        Where PyTorch or pseudo-terminals are missing.
    RuntimeError
        Where pdb does not come back with its prompt, sets no breakpoint, or the script under it fails; the
        message has the terminal's text.
    """
    if importlib.util.find_spec("torch") is None:
        message = "needs torch; install it with: pip install torch==2.13.0"
        raise Unavailable(message)
    line = debugged.line_of(SUBJECT, BREAK_AT)
    with tempfile.TemporaryDirectory() as folder, Debugger(Path(folder).resolve(), SUBJECT) as pdb:
        pdb.ask(f"b {line}", answer="Breakpoint 1 at")
        seen = debugged.look(pdb, pdb.ask("c"), NUMBERS)
        version = pdb.ask("p __import__('torch').__version__").strip("'")
        transcript = pdb.transcript()
    return {
        "stopped_in": seen.function,
        "stopped_line": seen.line,
        "expected_line": line,
        "tensor_shape": seen.shape,
        "tensor_value": seen.value,
        "expected_value": debugged.HIDDEN,
        "steps_line_by_line": seen.steps and seen.scores_appear and seen.line == line,
        "value_agrees": seen.value == debugged.HIDDEN,
        "transcript": transcript,
        "torch_version": version,
        "python_version": platform.python_version(),
    }
