# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "psutil", "torch", "onnx", "onnxscript", "onnxruntime"]
#
# [tool.kb.environments]
# torchserve = [
#     "torch==2.13.0", "torchserve==0.12.0", "torch-model-archiver==0.12.0",
#     "captum", "pyyaml", "setuptools<81",
# ]
# ///
"""Whether one PyTorch model answers alike through torch.export, ONNX Runtime and TorchServe."""

import errno
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Array, Cell, probes
from models.onnx_exports import require
from models.onnx_file import answered, difference, one_line, session, spare

NETWORK = "small-cnn"
PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")
CHILD_SECONDS = 180.0
ANSWER_SECONDS = 60.0
# The fresh process has no code of the model, only the file.
LOAD = """\
import sys
import numpy
import torch
program = torch.export.load(sys.argv[1])
images = torch.from_numpy(numpy.load(sys.argv[2]))
with torch.no_grad():
    numpy.save(sys.argv[3], program.module()(images).numpy())
"""
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno")


@probes(
    fields=(
        "versions",
        "torch_export_difference",
        "onnx_runtime_difference",
        "torchserve_difference",
        "errors",
        "output_scale",
    ),
    seconds=400,
)
def pytorch_production_routes() -> dict[str, Any]:
    """Send one batch of images through eager PyTorch and each route, and compare the logits.

    Returns
    -------
    dict
        Differences are the largest from eager PyTorch's logits, over their largest magnitude
        (`output_scale`); None where the route raised, with its error in `errors`.

    Raises
    ------
    Unavailable
        Where a package, TorchServe's environment or Java is missing.
    RuntimeError
        Where TorchServe does not come up.
    OSError
        Where a process is ended from outside or not in time, the disk is full, or TorchServe does not answer.
    """
    from models import torchserve

    versions = require(*PACKAGES)
    torchserve.installed()
    from models.onnx_from_torch import examples

    (inputs, (expected,)) = examples(NETWORK)[0]
    found: dict[str, float | None] = {}
    errors: dict[str, str] = {}
    for route, answer in (("torch_export", _torch_export), ("onnx_runtime", _onnx_runtime)):
        found[route] = _compared(route, lambda: answer(inputs[0]), expected, errors)  # noqa: B023
    logits, versions["torchserve"] = _torchserve(inputs[0])
    found["torchserve"] = _compared("torchserve", lambda: logits, expected, errors)
    differences = {f"{route}_difference": value for route, value in found.items()}
    return {
        "versions": versions,
        **differences,
        "errors": errors,
        "output_scale": float(np.abs(expected).max()),
    }


def _compared(
    route: str, answer: Callable[[], Array], expected: Array, errors: dict[str, str]
) -> float | None:
    try:
        return difference([answer()], [expected])
    except Exception as error:
        spare(error)
        errors[route] = one_line(error)
        return None


def _torch_export(images: Array) -> Array:
    """Return what a fresh process computes with the saved program.

    Raises
    ------
    ValueError
        Where Python ended there with an error.
    ChildProcessError
        Where the process was ended from outside, or met a full disk or memory.
    """
    import torch

    from models.onnx_layers_torch import build

    module, _ = build(NETWORK)
    example = torch.from_numpy(images)
    program = torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    with tempfile.TemporaryDirectory() as folder:
        saved, given, outputs = (str(Path(folder) / name) for name in ("model.pt2", "in.npy", "out.npy"))
        torch.export.save(program, saved)
        np.save(given, images)
        _load_afresh(saved, given, outputs)
        found: Array = np.load(outputs)
    return found


def _load_afresh(saved: str, given: str, outputs: str) -> None:
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", LOAD, saved, given, outputs],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"the exported program's process did not end within {CHILD_SECONDS:g} s"
        raise ChildProcessError(errno.ECHILD, message) from error
    said = child.stderr.strip().rpartition("\n")[2]
    if child.returncode == 1 and not said.startswith(MACHINE_FAULTS):
        raise ValueError(said)
    if child.returncode != 0:
        message = f"the exported program's process ended with status {child.returncode}: {said}"
        raise ChildProcessError(errno.ECHILD, message)


def _onnx_runtime(images: Array) -> Array:
    from models.onnx_from_torch import dynamo
    from models.onnx_layers_torch import build

    return answered(session(dynamo(*build(NETWORK))), [images])[0]


def _torchserve(images: Array) -> tuple[Array, str]:
    """Return the server's answers, one image a request, and its version."""
    from models import served_models, torchserve

    model = served_models.torchscript(Cell("pytorch/eager", {"model": NETWORK}))
    with ExitStack() as ending:
        server = torchserve.serve(model, images.shape[1:], 1, 1, ending)
        address = f"http://127.0.0.1:{server.http}/predictions/model"
        return np.stack([_answer(address, image) for image in images]), server.version


def _answer(address: str, image: Array) -> Array:
    binary = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(address, image.tobytes(), binary)
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as reply:
        return np.frombuffer(reply.read(), np.float32)
