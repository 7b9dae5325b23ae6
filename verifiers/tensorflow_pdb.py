# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "tensorflow", "keras>=3"]
# ///
"""Where Python's own debugger stops in a Keras model, eager and under tf.function, and what it reads."""

import ast
import importlib.util
import platform
import tempfile
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes
from models import debugged
from models.debugger import Debugger, place

PINS = {"tensorflow": "2.21.0", "keras": "3.15.1"}
MODES = ("eager", "function", "function-run-eagerly")
CALLS = 2

# tf.debugging is touched nowhere; each mode calls the model twice.
SUBJECT = f"""\
import os
os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")
import keras
import numpy as np
import tensorflow as tf


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, images):
        hidden = self.dense(images)
        scores = tf.nn.relu(hidden)
        return scores


images = tf.constant({debugged.IMAGES})
model = Model()
model.dense.build(images.shape)
model.dense.set_weights([np.transpose({debugged.WEIGHT}), np.array({debugged.BIAS})])
mode = "eager"
for _ in range({CALLS}):
    model(images)
mode = "function"
function = tf.function(model)
for _ in range({CALLS}):
    function(images)
mode = "function-run-eagerly"
tf.config.run_functions_eagerly(True)
for _ in range({CALLS}):
    function(images)
finished = True
"""
BREAK_AT = "scores = tf.nn.relu(hidden)"
LAST = "finished = True"
NUMBERS = "{}.numpy().flatten().tolist()"


@probes(
    fields=(
        "modes_that_pdb_debugs",
        "stops_in_two_calls",
        "stopped_in",
        "tensor_shape",
        "tensor_value",
        "expected_value",
        "steps_line_by_line",
        "transcript",
        "tensorflow_version",
        "keras_version",
        "python_version",
    ),
    seconds=300.0,
)
def tensorflow_pdb() -> dict[str, Any]:
    """Drive `python -m pdb` in a pseudo-terminal: break in `call`, read a tensor, step, read the next.

    Returns
    -------
    dict
        All but versions and transcript is by mode: `eager`, `function` (under tf.function), and
        `function-run-eagerly` (the same after tf.config.run_functions_eagerly). `stops_in_two_calls` counts
        the stops at the breakpoint in two calls of the model; the other fields are those of the first stop,
        None or false without one: its function, shape and numbers of the tensor that the line before had
        assigned (None where pdb printed none), and whether `next` went to the next line.
        `modes_that_pdb_debugs` are those with a stop in every call, the right numbers, a step to the next
        line, and the right numbers of the tensor that came into being with it.

    Raises
    ------
    Unavailable
        Where TensorFlow, Keras or pseudo-terminals are missing.
    RuntimeError
        Where pdb does not come back with its prompt, sets no breakpoint, or the script under it fails; the
        message has the terminal's text.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    with tempfile.TemporaryDirectory() as folder, Debugger(Path(folder).resolve(), SUBJECT) as pdb:
        seen = _stops(pdb)
        versions = {name: pdb.ask(f"p {name}.__version__").strip("'") for name in ("tf", "keras")}
        transcript = pdb.transcript()
    first = {mode: sights[0] if sights else None for mode, sights in seen.items()}
    return {
        "modes_that_pdb_debugs": [mode for mode, sights in seen.items() if _debugged(sights)],
        "stops_in_two_calls": {mode: len(sights) for mode, sights in seen.items()},
        "stopped_in": {mode: sight and sight.function for mode, sight in first.items()},
        "tensor_shape": {mode: sight and sight.shape for mode, sight in first.items()},
        "tensor_value": {mode: sight and sight.value for mode, sight in first.items()},
        "expected_value": debugged.HIDDEN,
        "steps_line_by_line": {mode: sight is not None and sight.steps for mode, sight in first.items()},
        "transcript": transcript,
        "tensorflow_version": versions["tf"],
        "keras_version": versions["keras"],
        "python_version": platform.python_version(),
    }


def _stops(pdb: Debugger) -> dict[str, list[debugged.Sight]]:
    """Continue from stop to stop up to the script's last line; return by mode what was seen at each."""
    end = debugged.line_of(SUBJECT, LAST)
    pdb.ask(f"b {debugged.line_of(SUBJECT, BREAK_AT)}", answer="Breakpoint 1 at")
    pdb.ask(f"b {end}", answer="Breakpoint 2 at")
    seen: dict[str, list[debugged.Sight]] = {mode: [] for mode in MODES}
    shown = pdb.ask("c")
    while place(shown)[0] != end:
        if place(shown)[1] == "<module>" or sum(map(len, seen.values())) > CALLS * len(MODES):
            message = f"pdb did not come to the script's end; the terminal shows:\n{pdb.transcript()}"
            raise RuntimeError(message)
        mode = ast.literal_eval(pdb.ask("p mode"))
        seen[mode].append(debugged.look(pdb, shown, NUMBERS))
        shown = pdb.ask("c")
    return seen


def _debugged(sights: list[debugged.Sight]) -> bool:
    """Return whether pdb stopped at the breakpoint in each call, read the right numbers, and stepped on."""
    line = debugged.line_of(SUBJECT, BREAK_AT)
    return len(sights) == CALLS and all(
        sight.line == line and sight.value == debugged.HIDDEN and sight.steps and sight.scores_appear
        for sight in sights
    )
