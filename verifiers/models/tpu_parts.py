"""Lists what a framework installed here has for TPUs: tpu_parts.py tensorflow|torch OUT.json [BRIDGE]."""

import importlib
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

KEYS = ("XLA", "PrivateUse1")
ERROR_LENGTH = 300


def tensorflow() -> dict[str, Any]:
    """List TensorFlow's interface to TPUs, and its operations with kernels for one."""
    import tensorflow as tf
    from tensorflow.python.framework import kernels

    names = (
        "distribute.TPUStrategy",
        "distribute.cluster_resolver.TPUClusterResolver",
        "tpu.experimental.initialize_tpu_system",
    )
    registered = kernels.get_all_registered_kernels().kernel
    operations = {kernel.op for kernel in registered if kernel.device_type in ("TPU", "TPU_SYSTEM")}
    return {
        "version": tf.__version__,
        "interface": [name for name in names if _has(tf, name)],
        "operations": len(operations),
        "starts_a_tpu": "ConfigureDistributedTPU" in operations,
        "devices": [device.device_type for device in tf.config.list_logical_devices("TPU")],
    }


def torch(bridge: str | None = None) -> dict[str, Any]:
    """Count PyTorch's operations with kernels for XLA, or for the device type kept for packages."""
    import torch

    found: dict[str, Any] = {"version": torch.__version__, "bridge_error": None}
    before = {key: _operations(torch, key) for key in KEYS}
    if bridge:
        found["bridge_version"] = version(bridge)
        try:
            importlib.import_module(bridge)
        except Exception as error:  # whatever it is, it is the answer
            found["bridge_error"] = f"{type(error).__name__}: {error}".replace(sys.prefix, "")[:ERROR_LENGTH]
    found["operations"] = {key: len(_operations(torch, key)) for key in KEYS}
    found["added"] = sum(len(_operations(torch, key) - before[key]) for key in KEYS)
    if not bridge:  # with one, this would look for hardware
        found["devices"] = {name: _tried(torch, name) for name in ("xla", "tpu")}
    return found


def _has(module: Any, name: str) -> bool:
    for part in name.split("."):
        module = getattr(module, part, None)
    return module is not None


def _operations(torch: Any, key: str) -> set[str]:
    return set(torch._C._dispatch_get_registrations_for_dispatch_key(key))


def _tried(torch: Any, device: str) -> str:
    try:
        return str(torch.ones(2, device=device).device)
    except (RuntimeError, NotImplementedError) as error:
        return f"{type(error).__name__}: {error}"[:ERROR_LENGTH]


def main(framework: str, path: str, bridge: str | None = None) -> None:
    """Write the list to `path`."""
    found = tensorflow() if framework == "tensorflow" else torch(bridge)
    Path(path).write_text(json.dumps(found), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # a bridge may wait at its end for a TPU that is not there


if __name__ == "__main__":
    main(*sys.argv[1:])
