"""Equal settings for every framework, and what is then in force.

Each of `pytorch`, `tensorflow` and `jax` imports its framework, applies the cell's threads and device, full
float32 precision (no TF32), and returns the framework; a process may call it for any number of cells. What
is in force is read back from the framework by `observed`, never from what was asked for.
"""

import importlib
import os
import shutil
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from kb.verifier import Cell, Unavailable
from models.in_force import observed, xla_threads
from models.places import named, place

__all__ = ["compiled", "finish", "jax", "named", "observed", "place", "pytorch", "tensorflow"]

INSTALL = {
    "torch": "torch==2.13.0",
    "torch_xla": "torch_xla[tpu]",
    "tensorflow": "tensorflow==2.21.0",
    "jax": "jax==0.10.2",
}
RECOMPILE_LIMITS = (
    "recompile_limit",
    "accumulated_recompile_limit",
    "cache_size_limit",  # their names before PyTorch 2.6
    "accumulated_cache_size_limit",
)


def pytorch(cell: Cell) -> ModuleType:
    """Apply the cell's settings to PyTorch and return the module `torch`.

    Raises
    ------
    Unavailable
        Without PyTorch, or without the cell's device.
    """
    torch = _imported("torch")
    torch.set_num_threads(cell.threads)
    if torch.get_num_interop_threads() != 1:  # may be set once in a process
        torch.set_num_interop_threads(1)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    # TensorFlow and XLA choose their GPU kernels by trial unless told not to.
    torch.backends.cudnn.benchmark = cell.device in ("cuda", "rocm")
    if cell.device == "tpu" and cell.mode == "xla":
        _imported("torch_xla")  # makes the device `xla` known to PyTorch
    elif cell.device != "cpu":
        found = _accelerator(torch)
        if found is None or named("pytorch", found) != cell.device:
            raise _no_device(cell, found and named("pytorch", found))
    return torch


def tensorflow(cell: Cell) -> ModuleType:
    """Apply the cell's settings to TensorFlow and to Keras on it, and return the module `tensorflow`.

    Raises
    ------
    Unavailable
        Without TensorFlow, or without the cell's device.
    RuntimeError
        Where the process has run TensorFlow with other threads or devices; its first operation fixes them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    tf = _imported("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(cell.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    present = tf.config.list_physical_devices("GPU")
    if cell.device == "tpu" and cell.mode != "tpu":  # without a strategy's scope it would run on the CPU
        message = f"needs a tpu device that {cell.arm} can use; it opens no TPUStrategy"
        raise Unavailable(message, "no-hardware")
    if cell.device not in ("cpu", "tpu") and not (present and named("tensorflow", "GPU") == cell.device):
        raise _no_device(cell, [device.name for device in present])
    used = [] if cell.device in ("cpu", "tpu") else present[:1]
    tf.config.set_visible_devices(used, "GPU")
    for device in used:
        tf.config.experimental.set_memory_growth(device, True)
    return tf


def jax(cell: Cell) -> ModuleType:
    """Apply the cell's settings to JAX as far as it has such, and return the module `jax`.

    XLA's CPU client sizes its thread pool when it is made, from `PJRT_NPROC`; the pool is counted here.

    Raises
    ------
    Unavailable
        Without JAX, or without the cell's device.
    RuntimeError
        Where the process has run JAX with another number of threads.
    """
    os.environ["PJRT_NPROC"] = str(cell.threads)
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    module = _imported("jax")
    module.config.update("jax_default_matmul_precision", "highest")
    try:
        device = module.devices(cell.device)[0]  # `cuda` and `rocm` are platforms to it, and both are `gpu`
    except RuntimeError as error:
        raise _no_device(cell, error) from error
    module.config.update("jax_default_device", device)
    if (found := xla_threads()) not in (None, cell.threads):
        message = f"JAX runs {found} threads, the cell asks for {cell.threads}: use one process for each"
        raise RuntimeError(message)
    return module


def compiled(torch: ModuleType, cell: Cell, model: Any) -> Any:
    """Return the module under `torch.compile` with default options and static shapes.

    Dynamo gives up on a piece of code after 8 versions of it and runs it eagerly, without an error; a
    process with many cells would pass from compiled to eager unseen. The limit is lifted out of the way.

    Raises
    ------
    Unavailable
        Without the C++ compiler that it needs on CPUs, or where the release of PyTorch cannot compile here.
    """
    if cell.device == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
        message = "torch.compile needs a C++ compiler; install g++"
        raise Unavailable(message, "no-software")
    if not hasattr(torch, "compile"):
        message = f"PyTorch {torch.__version__} has no torch.compile, which came with 2.0"
        raise Unavailable(message)
    limits = torch._dynamo.config
    for limit in (name for name in RECOMPILE_LIMITS if hasattr(limits, name)):
        setattr(limits, limit, 1000)
    try:
        return torch.compile(model, dynamic=False)
    except RuntimeError as error:  # so says 2.0 on Python 3.11
        message = f"PyTorch {torch.__version__} cannot compile here: {error}"
        raise Unavailable(message) from error


def finish(cell: Cell, framework: ModuleType) -> Callable[[], object]:
    """Return the call that waits for the cell's device; on CPUs a result that was read is complete."""
    if cell.device == "cpu":
        return lambda: None
    if cell.device == "tpu" and cell.framework == "pytorch":
        return partial(importlib.import_module("torch_xla").sync, wait=True)
    if cell.framework == "pytorch":
        return getattr(framework, "accelerator", framework.cuda).synchronize
    if cell.framework == "tensorflow":
        return framework.test.experimental.sync_devices
    return lambda: None  # JAX: arms block on their results


def _imported(framework: str) -> ModuleType:
    try:
        return importlib.import_module(framework)
    except ModuleNotFoundError as error:
        if error.name != framework:
            raise
        raise Unavailable(lacking(framework, INSTALL[framework])) from error


def _accelerator(torch: ModuleType) -> str | None:
    """Return what PyTorch calls the accelerator it finds; before 2.6 asked for one named `cuda` alone."""
    if not hasattr(torch, "accelerator"):
        return "cuda" if torch.cuda.is_available() else None
    found = torch.accelerator.current_accelerator(check_available=True)
    return found and found.type


def lacking(package: str, pinned: str) -> str:
    """Say that a package is missing, and how to get it: in a run with releases of its own, by naming it."""
    if releases := os.environ.get("KB_RELEASES"):
        return f"needs {package}, which is not among this run's releases ({releases}); add it to --versions"
    return f"needs {package}; install it with: pip install {pinned}"


def _no_device(cell: Cell, found: object) -> Unavailable:
    message = f"needs a {cell.device} device that {cell.framework} can use; found {found or 'none'}"
    return Unavailable(message, "no-hardware")
