# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "tensorflow", "ai-edge-litert"]
# ///
"""What full int8 quantisation does to a trained CNN in LiteRT: size, labels, latency, and start-up."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from kb.verifier import Array, Unavailable, probes
from models import keras_folding_cnn

PINS = {"tensorflow": "2.21.0", "ai_edge_litert": "2.3.0"}
STARTUP = Path(__file__).parent / "models" / "litert_startup.py"
STARTUP_SECONDS = 120.0
TRAINED, CALIBRATED, ASKED = 2000, 200, 2000
LEARNED = 0.9
"""Share of inputs that the float32 model has to get right, or its labels would mean nothing."""
ROUNDS, BURST = 15, 100
ERROR_LENGTH = 500
FIELDS = (
    "tensorflow_version",
    "litert_version",
    "failure",
    "parameters",
    "float_bytes",
    "int8_bytes",
    "size_share",
    "whole_integer",
    "accuracy_float",
    "accuracy_int8",
    "label_agreement",
    "latency_float_us",
    "latency_int8_us",
    "latency_ratio",
    "startup_seconds",
    "startup_peak_mb",
    "startup_time_share",
    "startup_memory_share",
    "accelerators",
    "accelerators_shipped",
)
ACCELERATORS = ("libLiteRt*Accelerator.so", "vendors/*/*/libLiteRt*.so")
"""Where LiteRT's package has what hands a model to a GPU or an NPU."""


@probes(fields=FIELDS, seconds=300)
def litert_quantization() -> dict[str, Any]:
    """Train a CNN, convert it to float32 and to calibrated int8, and run both with LiteRT's interpreter.

    Returns
    -------
    dict
        `failure` is the error of a conversion or of the interpreter, all that follows then None. Accuracy and
        agreement are shares of 2,000 images that neither training nor calibration saw; `whole_integer` is
        true where the int8 model has no floating-point tensor; latencies are of batch 1 on one thread, the
        quickest of 15 alternated bursts; start-up is from a fresh Python process to its first output, the
        better of two, in LiteRT with the int8 model and in TensorFlow with the SavedModel, and the shares are
        LiteRT's over TensorFlow's. `accelerators` are the libraries for GPUs and NPUs that the package ships;
        none of them is tried.

    Raises
    ------
    Unavailable
        Where TensorFlow or LiteRT is not installed.
    RuntimeError
        Where the float32 model did not learn its task, or a process that starts up fails.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            name = package.replace("_", "-")
            message = f"needs {name}; install it with: pip install {name}=={pin}"
            raise Unavailable(message)
    import tensorflow as tf

    model = _trained()
    found: dict[str, Any] = dict.fromkeys(FIELDS)
    found |= {"tensorflow_version": version("tensorflow"), "litert_version": version("ai-edge-litert")}
    found["parameters"] = model.count_params()
    found["accelerators"] = _accelerators()
    found["accelerators_shipped"] = len(found["accelerators"])
    try:
        plain, int8 = _converted(model), _converted(model, calibrated=True)
        found |= _compared(plain, int8)
    except (MemoryError, OSError, tf.errors.ResourceExhaustedError):  # the machine's, not the framework's
        raise
    except Exception as error:
        return found | {"failure": f"{type(error).__name__}: {error}"[:ERROR_LENGTH]}
    if found["accuracy_float"] < LEARNED:
        message = f"the float32 model gets {found['accuracy_float']:.0%} right; its labels mean nothing"
        raise RuntimeError(message)
    return found | _startup(model, int8)


def _accelerators() -> list[str]:
    spec = importlib.util.find_spec("ai_edge_litert")
    folder = Path(spec.submodule_search_locations[0])  # type: ignore[union-attr,index]
    return sorted(path.stem.removeprefix("lib") for each in ACCELERATORS for path in folder.glob(each))


def _trained() -> Any:
    import keras

    images, labels = keras_folding_cnn.images(TRAINED, seed=1)
    model = keras_folding_cnn.build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    model.fit(images, labels, epochs=3, batch_size=32, verbose=0)
    return model


def _converted(model: Any, *, calibrated: bool = False) -> bytes:
    """Return the model as a LiteRT file: float32, or all of it int8, its ranges from calibration data."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if calibrated:
        images, _ = keras_folding_cnn.images(CALIBRATED, seed=2)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(sys.stderr):  # the converter tells there where it saved the model
        return bytes(converter.convert())


def _compared(plain: bytes, int8: bytes) -> dict[str, Any]:
    images, labels = keras_folding_cnn.images(ASKED, seed=3)
    first, second = _interpreter(plain), _interpreter(int8)
    said, said_int8 = _labels(first, images), _labels(second, images)
    latency, latency_int8 = _latencies(first, second, images[:1])
    kinds = {np.dtype(tensor["dtype"]).kind for tensor in second.get_tensor_details()}
    return {
        "float_bytes": len(plain),
        "int8_bytes": len(int8),
        "size_share": len(int8) / len(plain),
        "whole_integer": "f" not in kinds,
        "accuracy_float": float((said == labels).mean()),
        "accuracy_int8": float((said_int8 == labels).mean()),
        "label_agreement": float((said == said_int8).mean()),
        "latency_float_us": latency * 1e6,
        "latency_int8_us": latency_int8 * 1e6,
        "latency_ratio": latency_int8 / latency,
    }


def _interpreter(model: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _given(interpreter: Any, images: Array) -> Array:
    """Return the images as the model takes them, with its scale and zero point where it has them."""
    details = interpreter.get_input_details()[0]
    scale, zero = details["quantization"]
    if not scale:
        return images
    limits = np.iinfo(details["dtype"])
    return np.clip(np.round(images / scale + zero), limits.min, limits.max).astype(details["dtype"])


def _labels(interpreter: Any, images: Array) -> Array:
    source, target = (
        details[0]["index"] for details in (interpreter.get_input_details(), interpreter.get_output_details())
    )
    said = []
    for image in _given(interpreter, images):
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        said.append(interpreter.get_tensor(target)[0].argmax())
    return np.array(said)


def _latencies(first: Any, second: Any, image: Array) -> tuple[float, float]:
    """Return seconds of one forward pass in each, the quickest of bursts that alternate."""
    for interpreter in (first, second):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], _given(interpreter, image))
    bursts = [(_burst(first.invoke), _burst(second.invoke)) for _ in range(ROUNDS)]
    return min(burst[0] for burst in bursts), min(burst[1] for burst in bursts)


def _burst(invoke: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(BURST):
        invoke()
    return (time.perf_counter() - start) / BURST


def _startup(model: Any, int8: bytes) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {"litert": Path(folder) / "int8.tflite", "tensorflow": Path(folder) / "saved"}
        paths["litert"].write_bytes(int8)
        model.export(paths["tensorflow"], verbose=False)
        image = Path(folder) / "image.npy"
        np.save(image, keras_folding_cnn.images(1, seed=3)[0])
        runs = {name: [_started(name, path, image) for _ in range(2)] for name, path in paths.items()}
    seconds = {name: min(run[0] for run in each) for name, each in runs.items()}
    peak = {name: min(run[1] for run in each) / 1e6 for name, each in runs.items()}
    return {
        "startup_seconds": seconds,
        "startup_peak_mb": peak,
        "startup_time_share": seconds["litert"] / seconds["tensorflow"],
        "startup_memory_share": peak["litert"] / peak["tensorflow"],
    }


def _started(runtime: str, path: Path, image: Path) -> tuple[float, int]:
    """Return seconds from the start of a process to its first output, and its peak of memory in bytes."""
    start = time.time()
    command = [sys.executable, "-P", str(STARTUP), runtime, str(path), str(image)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=STARTUP_SECONDS, check=False)
    if child.returncode:
        message = f"{runtime} did not start up (status {child.returncode}): {child.stderr[-ERROR_LENGTH:]}"
        raise RuntimeError(message)
    done, peak = child.stdout.splitlines()[-1].split()
    return float(done) - start, int(peak)
