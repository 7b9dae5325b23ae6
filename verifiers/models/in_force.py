"""What is in force in a framework, as it says itself; never what was asked for."""

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kb.verifier import Cell
from models.places import named, place

# Of jax_default_matmul_precision; all others may round to TF32.
FULL_FLOAT32 = ("highest", "float32", "F32_F32_F32", "F64_F64_F64")
ALLOCATOR = (
    "LD_PRELOAD",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_HIP_ALLOC_CONF",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "XLA_PYTHON_CLIENT_",
)


def observed(cell: Cell) -> dict[str, Any]:
    """Return what is in force in the cell's framework, as it says itself, under names common to all.

    `threads` (None where it cannot be seen), `device` where a new tensor lands, `dtype` of a new float
    tensor, `tf32` whether products of float32 may be rounded to it, `onednn` (None where the framework does
    not say), `layout` of images, `deterministic` and `cudnn_benchmark` (None where there is no such
    setting), `allocator` variables as set; and each framework's own.
    """
    return {"arm": cell.arm, **_OBSERVED[cell.framework](cell), "allocator": _allocator()}


def _allocator() -> dict[str, str]:
    return {name: os.environ[name] for name in sorted(os.environ) if name.startswith(ALLOCATOR)}


def _observed_pytorch(cell: Cell) -> dict[str, Any]:
    torch = importlib.import_module("torch")
    tensor = torch.empty(0, device=place(cell))
    backends = torch.backends
    return {
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "device": named("pytorch", tensor.device.type),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "tf32": backends.cuda.matmul.allow_tf32 or backends.cudnn.allow_tf32 or _forced_tf32(),
        "onednn": backends.mkldnn.is_available() and bool(backends.mkldnn.enabled),
        "isa": backends.cpu.get_cpu_capability(),
        "deterministic": torch.are_deterministic_algorithms_enabled() or backends.cudnn.deterministic,
        "cudnn_benchmark": backends.cudnn.benchmark,
        "layout": "NCHW",
    }


def _observed_tensorflow(cell: Cell) -> dict[str, Any]:
    tf, keras = importlib.import_module("tensorflow"), importlib.import_module("keras")
    port = importlib.import_module("tensorflow.python.util._pywrap_util_port")
    config = importlib.import_module("tensorflow.python.framework.config")
    tensor = tf.zeros(1)
    return {
        "version": tf.__version__,
        "keras": keras.__version__,
        "keras_backend": keras.backend.backend(),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "interop_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "device": named("tensorflow", tf.DeviceSpec.from_string(tensor.device).device_type),
        "dtype": keras.mixed_precision.global_policy().compute_dtype,
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled() or _forced_tf32(),
        "onednn": port.IsMklEnabled() and os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "deterministic": config.is_op_determinism_enabled(),
        "cudnn_benchmark": os.environ.get("TF_CUDNN_USE_AUTOTUNE", "1") != "0",
        "visible_devices": [device.name for device in tf.config.get_visible_devices()],
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "layout": "NHWC" if keras.backend.image_data_format() == "channels_last" else "NCHW",
    }


def _observed_jax(cell: Cell) -> dict[str, Any]:
    module = importlib.import_module("jax")
    array = module.numpy.zeros(1)
    (device,) = array.devices()
    precision = module.config.jax_default_matmul_precision
    flags = os.environ.get("XLA_FLAGS", "")
    return {
        "version": module.__version__,
        "threads": xla_threads(),
        "device": named("jax", device.platform),
        "dtype": str(array.dtype),
        "matmul_precision": precision,
        "tf32": precision not in FULL_FLOAT32 or _forced_tf32(),
        "onednn": None,
        "deterministic": "--xla_gpu_deterministic_ops=true" in flags,
        "cudnn_benchmark": "--xla_gpu_autotune_level=0" not in flags,
        "x64": module.config.jax_enable_x64,
        "default_device": str(module.config.jax_default_device),
        "xla_flags": flags,
        "layout": "NHWC",
    }


_OBSERVED: Mapping[str, Callable[[Cell], dict[str, Any]]] = {
    "pytorch": _observed_pytorch,
    "tensorflow": _observed_tensorflow,
    "jax": _observed_jax,
}


def _forced_tf32() -> bool:
    """Tell whether NVIDIA's libraries are told to use TF32 whatever a framework asks of them."""
    return os.environ.get("NVIDIA_TF32_OVERRIDE") == "1"


def xla_threads() -> int | None:
    """Count XLA's compute threads in this process; None where the system does not show them."""
    names = [task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")]
    return sum(name == "tf_XLAEigen" for name in names) or None
