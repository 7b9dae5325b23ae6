# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "onnx", "onnxscript", "onnxruntime", "openvino"]
# ///
"""Whether models that PyTorch exports to ONNX compute the same in ONNX Runtime, OpenVINO and TensorRT."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from kb.verifier import Array, Unavailable, probes
from models import onnx_tensorrt
from models.onnx_exports import require
from models.onnx_file import TOLERANCE, answered, difference, one_line, session, spare

MODELS = ("small-cnn", "resnet50", "transformer")
PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime", "openvino")
Run: TypeAlias = Callable[[Sequence[Array]], Sequence[Array]]
Load: TypeAlias = Callable[[Path], Run]


@probes(
    fields=(
        "versions",
        "runs",
        "onnx_runtime_models",
        "openvino_models",
        "tensorrt_models",
        "largest_difference",
    ),
    seconds=400,
)
def onnx_runtimes() -> dict[str, Any]:
    """Export each model once, for batches of any size, and run the file in each runtime on two batches.

    Returns
    -------
    dict
        `runs` has by model and runtime the largest difference from PyTorch's outputs, over their largest
        magnitude, or the error; PyTorch, ONNX Runtime and OpenVINO compute on the CPU. `..._models` count the
        models within 1e-4; `tensorrt_models` is None where TensorRT is not here and the others have failed.

    Raises
    ------
    Unavailable
        Where a package is not installed; and where every model runs in both other runtimes, so that all
        depends on TensorRT, and it or an NVIDIA GPU is missing.
    """
    versions = require(*PACKAGES)
    lacking = onnx_tensorrt.lacks()
    runtimes = RUNTIMES if lacking else {**RUNTIMES, "tensorrt": onnx_tensorrt.load}
    runs = {name: _runs(name, runtimes) for name in MODELS}
    counts = {runtime: sum(_agrees(outcomes[runtime]) for outcomes in runs.values()) for runtime in runtimes}
    differences = [
        each for outcomes in runs.values() for each in outcomes.values() if not isinstance(each, str)
    ]
    if lacking and all(count == len(MODELS) for count in counts.values()):
        needs, reason = lacking
        message = (
            f"{needs}; in ONNX Runtime {versions['onnxruntime']} and OpenVINO {versions['openvino']} all "
            f"{len(MODELS)} models run, outputs within {max(differences):.1e} of PyTorch's scale"
        )
        raise Unavailable(message, reason)
    return {
        "versions": versions,
        "runs": runs,
        "onnx_runtime_models": counts["onnx_runtime"],
        "openvino_models": counts["openvino"],
        "tensorrt_models": counts.get("tensorrt"),
        "largest_difference": max(differences, default=None),
    }


def _runs(name: str, runtimes: Mapping[str, Load]) -> dict[str, float | str]:
    """Return what came of the model in each runtime: a difference, or an error in a line."""
    import torch

    from models.onnx_from_torch import dynamo, examples
    from models.onnx_layers_torch import build

    torch.set_num_threads(1)
    expected = examples(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            path.write_bytes(dynamo(*build(name)))
        except Exception as error:
            spare(error)
            return dict.fromkeys(runtimes, f"export: {one_line(error)}")
        found: dict[str, float | str] = {}
        for runtime, load in runtimes.items():
            try:
                run = load(path)
                found[runtime] = max(difference(run(inputs), outputs) for inputs, outputs in expected)
            except Exception as error:
                spare(error)
                found[runtime] = one_line(error)
    return found


def _onnx_runtime(path: Path) -> Run:
    loaded = session(path.read_bytes())
    return lambda inputs: answered(loaded, inputs)


def _openvino(path: Path) -> Run:
    import openvino

    # Its default on processors with bfloat16 is bfloat16, which is another precision than the model's.
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(str(path), "CPU", exact)
    return lambda inputs: list(compiled(list(inputs)).values())


RUNTIMES: Mapping[str, Load] = {"onnx_runtime": _onnx_runtime, "openvino": _openvino}


def _agrees(outcome: float | str) -> bool:
    return not isinstance(outcome, str) and outcome <= TOLERANCE
