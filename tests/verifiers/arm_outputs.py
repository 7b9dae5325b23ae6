"""Runs arms of one framework's verifiers in this process and keeps what they compute.

    python arm_outputs.py JOBS.json FOLDER

Each job is `{"name", "verifier", "arm", "settings", "fault"}`; its outputs go to FOLDER/<name>.npz, what was in
force and how long the step took to FOLDER/<name>.json. Torch and TensorFlow must not share a process: jobs of
one call are of one framework.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Cell, declared

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


def forgotten_bias(model: Any) -> None:
    """Leave the last layer's bias out of the forward pass."""
    model.dense2.register_forward_hook(lambda layer, _, found: found - layer.bias)


def run(job: dict[str, Any], folder: Path) -> None:
    """Build one arm, plant the job's fault if it names one, run the gate's outputs, then the step once."""
    cell = Cell(arm=job["arm"], settings=job["settings"], threads=2)
    verifier = import_module(job["verifier"])
    if job.get("fault"):
        plant(globals()[job["fault"]])
    step = declared(verifier)(cell)
    np.savez(folder / f"{job['name']}.npz", **step.outputs())
    begun = time.perf_counter()
    step.run()
    took = time.perf_counter() - begun
    observed = {"settings": dict(step.settings()), "items": step.items, "seconds": took}
    (folder / f"{job['name']}.json").write_text(json.dumps(observed))


def plant(fault: Any) -> None:
    """Make every PyTorch module that is built from here on carry the fault."""
    for name in ("models.small_cnn", "models.resnet50"):
        architecture = import_module(name)
        build = architecture.pytorch

        def faulty(build: Any = build) -> Any:
            model = build()
            fault(model)
            return model

        architecture.pytorch = faulty


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "verifiers"))
    for one in json.loads(Path(sys.argv[1]).read_text()):
        run(one, Path(sys.argv[2]))
