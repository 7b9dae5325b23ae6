"""Holds memory of the one GPU it sees until its input ends: gpu_holder.py FRAMEWORK MODE BYTES...

It puts a tensor of each size on the GPU in turn, prints what came of it as one line of JSON, and waits.
Modes: `default`; of TensorFlow also `growth`, and `limit=MIB,MIB` for logical devices with these limits.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

REFUSALS = ("out of memory", "OutOfMemory", "OUT_OF_MEMORY", "OOM", "RESOURCE_EXHAUSTED", "ResourceExhausted")
ERROR_LENGTH = 300
Put = Callable[[int], float]


def tensorflow(mode: str) -> tuple[Put | None, int]:
    """Configure TensorFlow; return what fills a tensor and sums it, and how many logical GPUs there are."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None, 0
    if mode == "growth":
        tf.config.experimental.set_memory_growth(gpus[0], enable=True)
    elif mode.startswith("limit="):
        limits = [int(limit) for limit in mode.removeprefix("limit=").split(",")]
        devices = [tf.config.LogicalDeviceConfiguration(memory_limit=limit) for limit in limits]
        tf.config.set_logical_device_configuration(gpus[0], devices)

    def put(size: int) -> float:
        with tf.device("GPU:0"):
            kept.append(tf.fill((size // 4,), 1.0))
            return float(kept[-1][-1])

    kept: list[Any] = []
    return put, len(tf.config.list_logical_devices("GPU"))


def pytorch(mode: str) -> tuple[Put | None, int]:
    """Return what fills a tensor and reads of it, and how many GPUs there are."""
    import torch

    if mode != "default":
        message = f"mode {mode!r}: PyTorch has only 'default' here"
        raise ValueError(message)
    if not torch.cuda.is_available():
        return None, 0

    def put(size: int) -> float:
        kept.append(torch.full((size // 4,), 1.0, device="cuda"))
        return float(kept[-1][-1])

    kept: list[Any] = []
    return put, torch.cuda.device_count()


def main(framework: str, mode: str, *sizes: str) -> None:
    """Hold tensors of these sizes, in bytes."""
    put, devices = {"tensorflow": tensorflow, "pytorch": pytorch}[framework](mode)
    refused: list[str | None] = []
    for size in map(int, sizes if put else ()):
        try:
            refused.append(None if put and put(size) == 1.0 else "holds another value than was put there")
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if not any(sign in text for sign in REFUSALS):
                raise
            refused.append(text[:ERROR_LENGTH])
    said = {"sees_gpu": put is not None, "devices": devices, "refused": refused}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
