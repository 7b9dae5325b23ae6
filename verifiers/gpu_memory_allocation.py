# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "tensorflow", "torch"]
# ///
"""How much of a GPU TensorFlow takes by default, with growth and under a limit, by its driver's count."""

import importlib.util
import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from kb.verifier import Unavailable, probes
from models import gpu_memory
from models.gpu_memory import MIB, Gpu

TINY = 4096
LIMITS = (1024, 512)
"""MiB of two logical devices on one GPU."""
NEEDED = 4096 * MIB
DRIFT = 0.02
"""Share of a GPU's memory; where what is free before and after differs by more, others use it too."""
SLACK = 128 * MIB
"""Bytes above its limits that a process may hold, beside what one with growth holds: pages, kernels."""
INTERFACE_SECONDS = 120
INTERFACE = """
import json, tensorflow as tf
names = {"set_memory_growth": tf.config.experimental, "set_logical_device_configuration": tf.config,
         "LogicalDeviceConfiguration": tf.config}
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
print(json.dumps([[name for name, place in names.items() if hasattr(place, name)],
                  len(tf.config.list_logical_devices("CPU"))]))
"""
Reading = dict[str, Any]


@probes(
    fields=(
        "gpu",
        "readings",
        "tensorflow_share",
        "growth_share",
        "growth_over_default",
        "pytorch_share",
        "second_computes_by_default",
        "second_computes_with_growth",
        "second_computes_in_pytorch",
        "limit_kept",
        "logical_devices",
        "versions",
    ),
    seconds=1200,
)
def gpu_memory_allocation() -> dict[str, Any]:
    """Hold a tiny tensor in fresh processes, then start a second one that wants a quarter of the memory.

    Returns
    -------
    dict
        See `judged`; `gpu` is the model, `readings` what was read, in bytes, per framework and mode.

    Raises
    ------
    Unavailable
        Without an NVIDIA GPU, 4 GiB free on it, or a TensorFlow that sees it.
    RuntimeError
        Where a process ends for another reason than want of memory, or others use the GPU meanwhile.
    """
    gpu = gpu_memory.first_gpu()
    if gpu is None:
        message = f"needs an NVIDIA GPU; this machine has none{_interface()}"
        raise Unavailable(message, "no-hardware")
    if (here := gpu_memory.free(gpu)) < NEEDED:
        message = f"needs {NEEDED // MIB} MiB free on a GPU; {gpu.model} has {here // MIB} MiB"
        raise Unavailable(message, "no-hardware")
    limits = ",".join(map(str, LIMITS))
    modes = {
        "tensorflow/default": (TINY,),
        "tensorflow/growth": (TINY,),
        f"tensorflow/limit={limits}": (LIMITS[0] * MIB // 2, LIMITS[0] * MIB * 2),
        "pytorch/default": (TINY,),
    }
    readings = {arm.partition("=")[0]: _read(gpu, *arm.split("/"), sizes) for arm, sizes in modes.items()}
    if not readings["tensorflow/default"]["sees_gpu"]:
        message = "needs a TensorFlow that sees the GPU: pip install 'tensorflow[and-cuda]==2.21.0'"
        raise Unavailable(message)
    return {
        "gpu": f"{gpu.model}, {gpu.total // MIB} MiB",
        "readings": readings,
        **judged(readings),
        "versions": {package: version(package) for package in ("tensorflow", "torch")},
    }


def _read(gpu: Gpu, framework: str, mode: str, sizes: tuple[int, ...]) -> Reading:
    """Return the free memory before, during and after a process, and what a second one says meanwhile."""
    before = gpu_memory.free(gpu)
    with gpu_memory.holder(gpu, framework, mode, sizes) as first:
        during = gpu_memory.free(gpu)
        second = None
        if first["sees_gpu"] and not mode.startswith("limit"):
            with gpu_memory.holder(gpu, framework, mode, (before // 4,)) as other:
                second = other["refused"]
            if not other["sees_gpu"]:
                message = f"a second {framework} process sees no GPU where the first one does"
                raise RuntimeError(message)
    after = gpu_memory.free(gpu)
    if abs(after - before) > DRIFT * gpu.total:
        message = f"others use {gpu.model}: {before // MIB} MiB free before {framework}, {after // MIB} after"
        raise RuntimeError(message)
    return {"before": before, "during": during, **first, "second_refused": second}


def judged(readings: dict[str, Reading]) -> dict[str, Any]:
    """Return the fields that follow from the readings.

    Parameters
    ----------
    readings : dict
        For `tensorflow/default`, `tensorflow/growth`, `tensorflow/limit` and `pytorch/default`: bytes free
        `before` and `during` a process, `sees_gpu`, its logical `devices`, and the errors for want of memory,
        None where there was room, of its own tensors, `refused`, and of a second process's, `second_refused`.

    Returns
    -------
    dict
        Shares are of what was free before. `second_computes_...` tell whether the second process had its
        quarter. `limit_kept` is true where a tensor of half the limit was held, one of twice the limit was
        refused, and the process held no more than the limits above what one with growth holds. Of PyTorch,
        None where it sees no GPU.

    Raises
    ------
    RuntimeError
        Where a process had no room for a tiny tensor on an otherwise free GPU: then nothing was compared.
    """
    starting = ("tensorflow/default", "tensorflow/growth", "pytorch/default")
    for arm in starting:
        if readings[arm]["refused"] not in ([None], []):
            message = f"{arm} found no room for {TINY} bytes: {readings[arm]['refused']}"
            raise RuntimeError(message)
    held = {arm: reading["before"] - reading["during"] for arm, reading in readings.items()}
    default, growth, torch = (
        (held[arm] / readings[arm]["before"], readings[arm]["second_refused"] == [None]) for arm in starting
    )
    limited = readings["tensorflow/limit"]
    allowed = sum(LIMITS) * MIB + held["tensorflow/growth"] + SLACK
    below, above = limited["refused"]
    seen = readings["pytorch/default"]["sees_gpu"]
    return {
        "tensorflow_share": default[0],
        "growth_share": growth[0],
        "growth_over_default": held["tensorflow/growth"] / max(held["tensorflow/default"], 1),
        "pytorch_share": torch[0] if seen else None,
        "second_computes_by_default": default[1],
        "second_computes_with_growth": growth[1],
        "second_computes_in_pytorch": torch[1] if seen else None,
        "limit_kept": below is None and above is not None and held["tensorflow/limit"] <= allowed,
        "logical_devices": limited["devices"],
    }


def _interface() -> str:
    """Return what of the controls shows without a GPU, as the end of a sentence."""
    if importlib.util.find_spec("tensorflow") is None:
        return ""
    child = subprocess.run(
        [sys.executable, "-P", "-c", INTERFACE],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=INTERFACE_SECONDS,
        check=False,
    )
    if child.returncode:
        return ""
    names, devices = json.loads(child.stdout.splitlines()[-1])
    return f". TensorFlow {version('tensorflow')} has {', '.join(names)}, and split the CPU into {devices}"
