# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "tensorflow", "keras>=3", "ai-edge-litert", "playwright"]
#
# [tool.kb.environments]
# tfjs = [
#     "tensorflowjs==4.22.0", "tensorflow==2.19.0", "ydf==0.11.0", "setuptools==80.9.0",
#     "jax==0.10.2", "jaxlib==0.10.2", "flax==0.12.8",
# ]
# ///
"""What the converters for mobile and for the web make of a traced graph: operators, bytes, outputs."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from kb.verifier import Array, Unavailable, probes, python_of
from models import keras_folding_cnn, web_page

PINS = {"tensorflow": "2.21.0", "keras": "3.15.1", "ai_edge_litert": "2.3.0"}
IMAGES = 16
CONVERTER_SECONDS = 200.0
ERROR_LENGTH = 500
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno")
# What computes nothing: inputs, constants, reads of variables, names.
IDLE = ("Placeholder", "Const", "ReadVariableOp", "Identity", "NoOp")
TARGETS = ("mobile", "web")
PER_TARGET = ("operators", "operator_count", "removed", "fused", "bytes", "smaller", "difference_share")
ANSWER = """async ([images, shape]) => {
    await tf.setBackend('cpu');
    const model = await tf.loadGraphModel('web/model.json');
    return Array.from(await model.predict(tf.tensor(images, shape)).data());
}"""


@probes(
    fields=(
        "tensorflow_version",
        "litert_version",
        "web_converter_version",
        "graph_operators",
        "graph_operator_count",
        "saved_model_bytes",
        "frozen_graph_bytes",
        "output_scale",
        "failures",
        *(f"{target}_{name}" for target in TARGETS for name in PER_TARGET),
    ),
    seconds=400,
)
def litert_conversion() -> dict[str, Any]:
    """Trace a CNN with batch normalisation to a graph, convert it to LiteRT and TensorFlow.js, and run both.

    Returns
    -------
    dict
        `graph_operators` counts by type what computes in the traced graph, that is all but inputs, constants,
        reads of variables and names; `<target>_operators` the same of the converted file, `removed` how many
        fewer, `fused` how many carry another's work (an activation, a bias) inside. Bytes are of the file or
        files; `smaller` compares with the SavedModel, TensorFlow's own form of the graph, of which
        `frozen_graph_bytes` is the graph and one copy of the weights alone. `difference_share` is the
        largest difference of a logit from Keras's, over the largest logit, for the web computed by
        TensorFlow.js in Chromium. Of a target in `failures`, with the converter's error, all are None.

    Raises
    ------
    Unavailable
        Without TensorFlow, Keras, LiteRT, the web converter's environment, Chromium or npm.
    RuntimeError
        Where a process is ended from outside or meets a full disk or memory, or the environment is broken.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            name = package.replace("_", "-")
            message = f"needs {name}; install it with: pip install {name}=={pin}"
            raise Unavailable(message)
    converter = python_of("tfjs")
    images, _ = keras_folding_cnn.images(IMAGES, seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _with_weights()
        model.export(folder / "saved", verbose=False)
        wanted = np.asarray(model(images, training=False))
        traced = _traced(model)
        before = Counter(each.type for each in traced.graph.get_operations() if each.type not in IDLE)
        size = _size(folder / "saved")
        targets = {"mobile": _mobile(model, images), "web": _web(converter, folder, images)}
        found = {
            "tensorflow_version": version("tensorflow"),
            "litert_version": version("ai-edge-litert"),
            "web_converter_version": _converter_version(folder),
            "graph_operators": dict(before),
            "graph_operator_count": before.total(),
            "saved_model_bytes": size,
            "frozen_graph_bytes": _frozen_bytes(traced),
            "output_scale": float(np.abs(wanted).max()),
            "failures": {target: each for target, each in targets.items() if isinstance(each, str)},
        }
    for target, converted in targets.items():
        found |= _held(target, converted, before.total(), size, wanted)
    return found


def _held(
    target: str, converted: dict[str, Any] | str, before: int, size: int, wanted: Array
) -> dict[str, Any]:
    """Return a target's fields, from what `_mobile` or `_web` found."""
    if isinstance(converted, str):
        return {f"{target}_{name}": None for name in PER_TARGET}
    count = sum(converted["operators"].values())
    difference = float(np.abs(converted["logits"] - wanted).max() / np.abs(wanted).max())
    return {
        f"{target}_operators": converted["operators"],
        f"{target}_operator_count": count,
        f"{target}_removed": before - count,
        f"{target}_fused": converted["fused"],
        f"{target}_bytes": converted["bytes"],
        f"{target}_smaller": converted["bytes"] < size,
        f"{target}_difference_share": difference if np.isfinite(difference) else None,
    }


def _with_weights() -> Any:
    """Return the model with no weight at a value that a converter may drop, such as a bias of zero."""
    model = keras_folding_cnn.build()
    random = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [
                random.normal(0.0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape)
                if weight.ndim > 1
                else random.uniform(0.5, 1.5, weight.shape)
                for weight in layer.get_weights()
            ]
        )
    return model


def _traced(model: Any) -> Any:
    import tensorflow as tf

    call = tf.function(lambda images: model(images, training=False), autograph=False)
    return call.get_concrete_function(tf.TensorSpec((None, *keras_folding_cnn.SHAPE), tf.float32))


def _frozen_bytes(traced: Any) -> int:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return len(convert_variables_to_constants_v2(traced).graph.as_graph_def().SerializeToString())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mobile(model: Any, images: Array) -> dict[str, Any] | str:
    """Return operators, bytes and logits of the LiteRT file, or why it could not be made or run."""
    import tensorflow as tf

    try:
        with contextlib.redirect_stdout(sys.stderr):  # the converter tells there where it saved the model
            converted = bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
        logits = _litert_logits(converted, images)
    except (MemoryError, OSError, tf.errors.ResourceExhaustedError):  # the machine's, not the converter's
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    operators, fused = _litert_operators(converted)
    return {"operators": operators, "fused": fused, "bytes": len(converted), "logits": logits}


def _litert_logits(converted: bytes, images: Array) -> Array:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=converted, num_threads=1)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, images)
    interpreter.invoke()
    logits: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return logits


def _litert_operators(converted: bytes) -> tuple[dict[str, int], int]:
    """Return how often each operator stands in a LiteRT file, and how many have an activation inside."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(converted)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    operators = [each for graph in model.subgraphs for each in graph.operators]
    kinds = Counter(names[model.operatorCodes[each.opcodeIndex].builtinCode] for each in operators)
    activations = [getattr(each.builtinOptions, "fusedActivationFunction", 0) for each in operators]
    return dict(kinds), sum(each != schema.ActivationFunctionType.NONE for each in activations)


def _web(python: Path, folder: Path, images: Array) -> dict[str, Any] | str:
    """Return operators, bytes and logits of the files for TensorFlow.js, or why they were not made or run."""
    module = ["-m", "tensorflowjs.converters.converter", "--input_format=tf_saved_model"]
    done = _run([str(python), "-I", *module, str(folder / "saved"), str(folder / "web")])
    if done.returncode:
        said = done.stderr.strip()[-ERROR_LENGTH:]
        broken = _run([str(python), "-I", "-c", "import tensorflowjs"]).returncode
        if done.returncode != 1 or broken or said.rpartition("\n")[2].startswith(MACHINE_FAULTS):
            message = f"TensorFlow.js's converter ended with status {done.returncode}: {said}"
            raise RuntimeError(message)
        return said
    answer = web_page.call(folder, ANSWER, [images.ravel().tolist(), list(images.shape)])
    if "failure" in answer:
        return str(answer["failure"])[:ERROR_LENGTH]
    nodes = _web_model(folder)["modelTopology"]["node"]
    operators = Counter(node["op"] for node in nodes if node["op"] not in IDLE)
    return {
        "operators": dict(operators),
        "fused": sum(count for name, count in operators.items() if name.startswith("_Fused")),
        "bytes": _size(folder / "web"),
        "logits": np.array(answer["answer"], float).reshape(len(images), -1),
    }


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=CONVERTER_SECONDS, check=False)


def _web_model(folder: Path) -> dict[str, Any]:
    model: dict[str, Any] = json.loads((folder / "web" / "model.json").read_text(encoding="utf-8"))
    return model


def _converter_version(folder: Path) -> str | None:
    return _web_model(folder)["convertedBy"] if (folder / "web" / "model.json").is_file() else None
