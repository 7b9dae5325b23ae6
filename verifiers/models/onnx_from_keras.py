"""Pass models through TensorFlow's routes to ONNX: python onnx_from_keras.py OUT.json ROUTE,ROUTE NAME..."""

import errno
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from models.onnx_file import Examples, attempt
from models.onnx_layers import BATCHES, CENTRES, drawn, is_layer
from models.onnx_layers_keras import build


def from_function(model: keras.Model) -> bytes:
    """Return what tf2onnx makes of the model's call as a tf.function."""
    import tf2onnx

    shapes = [tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in model.inputs]
    call = tf.function(lambda *inputs: _call(model, inputs))
    return _bytes(tf2onnx.convert.from_function(call, input_signature=shapes)[0])


def from_keras(model: keras.Model) -> bytes:
    """Return what tf2onnx makes of the Keras model."""
    import tf2onnx

    return _bytes(tf2onnx.convert.from_keras(model)[0])


def keras_export(model: keras.Model) -> bytes:
    """Return what Keras' own export writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.export(str(path), format="onnx", verbose=False)
        return path.read_bytes()


def command_line(model: keras.Model) -> bytes:
    """Return what `python -m tf2onnx.convert` makes of the model as a SavedModel."""
    with tempfile.TemporaryDirectory() as folder:
        saved, path = Path(folder) / "saved", Path(folder) / "model.onnx"
        model.export(str(saved), verbose=False)
        command = ["-m", "tf2onnx.convert", "--saved-model", str(saved), "--output", str(path)]
        done = subprocess.run([sys.executable, "-P", *command], capture_output=True, text=True)
        if done.returncode < 0:
            message = f"tf2onnx's command was ended by signal {-done.returncode}"
            raise ChildProcessError(errno.ECHILD, message)
        if done.returncode != 0 or not path.is_file():
            raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
        return path.read_bytes()


ROUTES = {
    "from_function": from_function,
    "from_keras": from_keras,
    "command_line": command_line,
    "keras_export": keras_export,
}


def _call(model: keras.Model, inputs: Any) -> Any:
    return model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)


def _bytes(model: Any) -> bytes:
    found: bytes = model.SerializeToString()
    return found


def _used(name: str) -> keras.Model:
    """Return a model that has been called once, which Keras' export asks for."""
    model, inputs = build(name)
    _call(model, drawn(inputs, 2))
    return model


def examples(name: str) -> Examples:
    """Return what TensorFlow itself computes, for every batch."""
    model, described = build(name)
    found = []
    for batch, centre in zip(BATCHES, CENTRES, strict=True):
        inputs = drawn(described, batch, centre)
        given = _call(model, inputs)
        outputs = given if isinstance(given, list | tuple) else (given,)
        found.append((inputs, [each.numpy() for each in outputs]))
    return found


def main(path: str, routes: str, *names: str) -> None:
    """Write what came of every route and model, and what TensorFlow computes of architectures."""
    own = {name: examples(name) for name in names}
    found = {
        route: {name: attempt(lambda: ROUTES[route](_used(name)), own[name]) for name in names}  # noqa: B023
        for route in routes.split(",")
    }
    computed = {
        name: [outputs[0].tolist() for _, outputs in own[name]] for name in names if not is_layer(name)
    }
    Path(path).write_text(json.dumps({"routes": found, "own": computed}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
