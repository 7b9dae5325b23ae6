"""Runs arms of one framework's verifiers in this process and keeps what they compute.

    python arm_outputs.py JOBS.json FOLDER

Each job is `{"name", "verifier", "arm", "settings", "device", "fault"}`; its outputs go to
FOLDER/<name>.npz; what its step says of itself, or what was lacking, to FOLDER/<name>.json. Torch and TensorFlow must
not share a process: jobs of one call are of one framework.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from kb.verifier import Cell, Unavailable, declared

ROOT = Path(__file__).parents[2]


def asymmetric_padding(model: Any) -> None:
    """Pad the strided 3x3 convolution as Keras's `same` does: on the right and below only."""
    from torch.nn.functional import pad

    convolution = model.stage2_block1.conv2
    convolution.padding = (0, 0)
    convolution.register_forward_pre_hook(lambda _, inputs: pad(inputs[0], (0, 1, 0, 1)))


def channels_first_flatten(model: Any) -> None:
    """Take the dense kernel's rows for channel, height, width."""
    model.flattened = {}


def other_epsilon(model: Any) -> None:
    """Use PyTorch's default epsilon in place of the declared one."""
    model.norm2.eps = 1e-5


def other_momentum(model: Any) -> None:
    """Take Keras's meaning of the batch-norm momentum for PyTorch's."""
    model.norm2.momentum = 1 - model.norm2.momentum


FAULTS = {
    "asymmetric padding": ("models.resnet50", asymmetric_padding),
    "channels first flatten": ("models.small_cnn", channels_first_flatten),
    "other epsilon": ("models.small_cnn", other_epsilon),
    "other momentum": ("models.small_cnn", other_momentum),
}


@contextmanager
def planted(fault: str) -> Iterator[None]:
    """Make the PyTorch modules that are built meanwhile carry the fault."""
    name, damage = FAULTS[fault]
    architecture = import_module(name)
    build = architecture.pytorch

    def faulty() -> Any:
        model = build()
        damage(model)
        return model

    with patch.object(architecture, "pytorch", faulty):
        yield


def pending() -> int:
    """Count JAX's arrays that are still being computed; the other frameworks' CPU calls return when done."""
    jax = sys.modules.get("jax")
    return sum(not array.is_ready() for array in jax.live_arrays()) if jax else 0


def run(job: dict[str, Any], folder: Path) -> None:
    """Build one arm, call the gate's outputs, then the step once unless it is faulty, and keep what came."""
    cell = Cell(job["arm"], job["settings"], threads=1, device=job["device"])
    verifier = import_module(job["verifier"])
    try:
        with planted(job["fault"]) if job["fault"] else nullcontext():
            step = declared(verifier)(cell)
    except Unavailable as lack:
        found = {"unavailable": str(lack), "reason": lack.reason}
    else:
        np.savez(folder / f"{job['name']}.npz", **step.outputs())
        if not job["fault"]:
            step.run()
        unfinished = pending()
        found = {
            "settings": dict(step.settings()),
            "items": step.items,
            "flops": step.flops,
            "pending": unfinished,
        }
    (folder / f"{job['name']}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "verifiers"))
    for one in json.loads(Path(sys.argv[1]).read_text()):
        run(one, Path(sys.argv[2]))
