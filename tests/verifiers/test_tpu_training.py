"""Training on a TPU: what is lacking without one, and what would be computed on it.

There is none here; processors stand in for it in the arms, so that the step around them runs for real.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb.library import load_library
from kb.parity import differences
from kb.processes import Worker
from kb.verification import Options, verify
from kb.verifier import Unavailable
from kb.words import Budget, Reason, Verdict

ROOT = Path(__file__).parents[2]
ARMS = {"tensorflow/tpu": "tensorflow/function", "pytorch/xla": "pytorch/eager"}
"""What stands in for each arm."""
BATCH = 4
MLP = 2 * (3072 * 512 + 512 * 512 + 512 * 10)
SCRIPT = """
import json, sys
from dataclasses import replace
import numpy as np
from kb.verifier import Cell
from models import training
import tpu_training

arm, stand_in, folder, batch = sys.argv[1:]

def on_processors(architecture, cell, weights, *data):
    if faulty:
        weights = {**weights, "dense2/bias": weights["dense2/bias"] + 0.1}
    own = replace(cell, arm=stand_in, device="cpu")
    return training._ARMS[stand_in](architecture, own, weights, *data)

training._GROUPED[arm] = on_processors
for faulty in (False, True):
    cell = Cell(arm, {"model": "mlp", "batch": int(batch)}, device="tpu")
    step = tpu_training.tpu_training(cell)
    np.savez(f"{folder}/{arm.replace('/', '-')}-{faulty}.npz", **step.outputs())
(losses,) = step.run()
print(json.dumps({"items": step.items, "flops": step.flops, "loss": float(losses)}))
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[str], Worker]]:
    """Start a worker that hosts the verifier, for a device."""
    started: list[Worker] = []

    def start(device: str) -> Worker:
        path = ROOT / "verifiers" / "tpu_training.py"
        started.append(Worker(path, "test-tpu", 1, device, seconds=100, caches=tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.close()


def lack(worker: Worker, arm: str, device: str) -> Unavailable:
    """Return what a cell on the device lacks."""
    cell = {"arm": arm, "settings": {"model": "mlp", "batch": BATCH}, "device": device}
    with pytest.raises(Unavailable) as lacking:
        worker.ask("open", key="only", cell=cell)
    return lacking.value


def test_it_declares_its_arms_and_a_tolerance_for_products_of_bfloat16(worker) -> None:
    said = worker("cpu").ask("describe")
    assert (said["does"], said["unit"], said["arms"]) == ("measures", "s", list(ARMS))
    assert (said["min_steps"], said["warm_steps"], said["rtol"], said["atol"]) == (1, 2, 1e-2, 1e-3)


def test_any_other_device_lacks_the_hardware(worker) -> None:
    hosted = worker("cpu")
    for arm, device in (("pytorch/xla", "cpu"), ("pytorch/xla", "cuda"), ("tensorflow/tpu", "cpu")):
        lacking = lack(hosted, arm, device)
        assert lacking.reason == "no-hardware"
        assert str(lacking).startswith("needs a TPU, ")
        assert str(lacking).endswith(f"this run is on {device}")


@pytest.mark.skipif(find_spec("torch_xla") is not None, reason="torch_xla is installed here")
def test_pytorch_without_torch_xla_lacks_software(worker) -> None:
    lacking = lack(worker("tpu"), "pytorch/xla", "tpu")
    assert lacking.reason == "no-software"
    assert str(lacking) == "needs torch_xla; install it with: pip install torch_xla[tpu]"


@pytest.mark.skipif(Path("/dev/vfio/0").exists() or Path("/dev/accel0").exists(), reason="may have a TPU")
def test_a_tensorflow_that_was_not_built_for_tpus_lacks_software(worker) -> None:
    lacking = lack(worker("tpu"), "tensorflow/tpu", "tpu")
    assert lacking.reason == "no-software"
    assert str(lacking).startswith("needs a TensorFlow built for TPUs")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Build and run the step of each arm on processors; return the folder of outputs, and what steps say."""
    folder = tmp_path_factory.mktemp("tpu")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'verifiers'}", "PYTHONWARNINGS": "ignore"}
    processes = {
        arm: subprocess.Popen(
            [sys.executable, "-c", SCRIPT, arm, stand_in, str(folder), str(BATCH)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arm, stand_in in ARMS.items()
    }
    said = {}
    for arm, process in processes.items():
        printed, errors = process.communicate(timeout=200)
        assert process.returncode == 0, f"{arm}: {errors[-2000:]}"
        said[arm] = json.loads(printed.splitlines()[-1])
    return folder, said


def outputs(folder: Path, arm: str, faulty: bool) -> dict[str, np.ndarray]:
    return dict(np.load(folder / f"{arm.replace('/', '-')}-{faulty}.npz"))


def test_a_step_is_a_pass_over_eight_batches_and_says_its_operations(trained) -> None:
    for said in trained[1].values():
        assert said["items"] == 8 * BATCH
        assert said["flops"] == 3 * 8 * BATCH * MLP
        assert np.isfinite(said["loss"])


def test_the_gate_sees_three_losses_and_every_gradient_and_the_arms_agree(trained) -> None:
    one, other = (outputs(trained[0], arm, faulty=False) for arm in ARMS)
    assert len(one["losses"]) == len(other["losses"]) == 3
    assert sum(name.startswith("grad/") for name in one) == 6
    assert differences(one, other, 1e-2, 1e-3) == []


def test_the_gate_names_an_arm_that_starts_from_another_bias(trained) -> None:
    one, other = (
        outputs(trained[0], arm, faulty=faulty) for arm, faulty in zip(ARMS, (True, False), strict=True)
    )
    assert any(each.startswith("logits: differs by") for each in differences(one, other, 1e-2, 1e-3))


def test_without_a_tpu_the_claim_is_untested_for_want_of_hardware() -> None:
    library = load_library(ROOT)
    found = verify(library, library.record("tensorflow-leads-on-tpu"), Options(budget=Budget.SMOKE))
    assert (found.verdict, found.reason) == (Verdict.UNTESTED, Reason.NO_HARDWARE)
    assert "tensorflow/tpu: needs a TPU" in found.because
