"""Training and answering in the modes among which a user would choose: one pass, and all modes alike.

What the arms compute beyond this is shown with the verifiers of `test_measured_verifiers.py`, which share them.
"""

from pathlib import Path
from typing import Any

import arm_jobs
import pytest
from arm_jobs import outputs, said

from kb.declared import voids
from kb.library import load_library
from kb.parity import differences
from kb.processes import Worker

ROOT = Path(__file__).parents[2]
ARMS = (
    "pytorch/eager",
    "pytorch/channels-last",
    "pytorch/compile",
    "tensorflow/function",
    "tensorflow/xla",
    "jax/jit",
)
PHASES = ("training", "inference")
SMALL_CNN, RESNET50 = 16_450_816, 8_178_368_512
"""Operations for one image, forwards, as test_measured_verifiers.py has them."""
RTOL, ATOL = 1e-4, 1e-4
FAULT = "other epsilon"


def job(arm: str, phase: str, model: str = "small-cnn", fault: str = "") -> dict[str, Any]:
    """Describe a cell of one image a batch to arm_outputs.py."""
    return {
        "name": f"{arm.replace('/', '-')}-{phase}-{model}-{fault.replace(' ', '-')}",
        "verifier": "tuned_throughput",
        "arm": arm,
        "settings": {"phase": phase, "model": model, "batch": 1},
        "device": "cpu",
        "fault": fault,
    }


def jobs() -> list[dict[str, Any]]:
    """List everything that the tests below look at."""
    every = [job(arm, phase) for arm in ARMS for phase in PHASES]
    faulty = [job(ARMS[0], phase, fault=FAULT) for phase in PHASES]
    return [*every, *faulty, job(ARMS[0], "inference", "resnet50")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all jobs, and return where their results lie."""
    folder = tmp_path_factory.mktemp("arms")
    arm_jobs.run(jobs(), folder)
    return folder


def test_it_declares_the_arms_of_its_claim_and_one_pass_a_burst(tmp_path: Path) -> None:
    worker = Worker(ROOT / "verifiers/tuned_throughput.py", "test-tuned", 1, "cpu", 100, tmp_path)
    try:
        declared = worker.ask("describe")
    finally:
        worker.close()
    assert (declared["does"], declared["unit"], declared["arms"]) == ("measures", "s", list(ARMS))
    assert (declared["min_steps"], declared["warm_steps"]) == (1, 1)
    assert (declared["rtol"], declared["atol"]) == (RTOL, ATOL)
    cells = load_library(ROOT).record("nvidia-performance-comparable").claim.cells
    assert {arm for pair in cells.arms for arm in pair} == set(ARMS) - {"jax/jit"}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(("one", "other"), [(one, other) for one in ARMS for other in ARMS if one < other])
def test_every_two_arms_compute_the_same(folder: Path, one: str, other: str, phase: str) -> None:
    found = [outputs(folder, job(arm, phase)) for arm in (one, other)]
    assert differences(*found, RTOL, ATOL) == []


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("arm", ARMS[1:])
def test_the_gate_names_another_constant_of_the_batch_norms(folder: Path, arm: str, phase: str) -> None:
    faulty, sound = outputs(folder, job(ARMS[0], phase, fault=FAULT)), outputs(folder, job(arm, phase))
    assert any(each.startswith("logits: differs by") for each in differences(faulty, sound, RTOL, ATOL))


@pytest.mark.parametrize("arm", ARMS)
def test_training_is_seen_by_losses_and_gradients_and_answering_by_the_logits_of_a_pass(
    folder: Path, arm: str
) -> None:
    trained, answered = (outputs(folder, job(arm, phase)) for phase in PHASES)
    assert len(trained["losses"]) == 3
    assert {name.partition("/")[0] for name in trained} == {"logits", "loss", "losses", "grad", "moved"}
    assert set(answered) == {"logits"}
    assert (trained["logits"].shape, answered["logits"].shape) == ((1, 10), (32, 10))


@pytest.mark.parametrize("arm", ARMS)
def test_a_pass_is_32_batches_and_training_needs_three_times_the_operations(folder: Path, arm: str) -> None:
    trained, answered = (said(folder, job(arm, phase)) for phase in PHASES)
    assert (trained["items"], answered["items"]) == (32, 32)
    assert (trained["flops"], answered["flops"]) == (3 * 32 * SMALL_CNN, 32 * SMALL_CNN)


def test_a_pass_of_a_large_network_is_two_batches(folder: Path) -> None:
    answered = said(folder, job(ARMS[0], "inference", "resnet50"))
    assert (answered["items"], answered["flops"]) == (2, 2 * RESNET50)


@pytest.mark.parametrize("phase", PHASES)
def test_what_is_compiled_is_what_the_arm_says(folder: Path, phase: str) -> None:
    found = {arm: said(folder, job(arm, phase))["settings"] for arm in ARMS}
    assert {arm: one.get("jit_compile") for arm, one in found.items() if arm.startswith("tensorflow")} == {
        "tensorflow/function": False,
        "tensorflow/xla": True,
    }
    by_torch = [
        arm for arm, one in found.items() if one.get("compiled") or one.get("model") == "OptimizedModule"
    ]
    assert by_torch == ["pytorch/compile"]
    assert {one["threads"] for one in found.values()} == {1}


@pytest.mark.parametrize("arm", ARMS)
def test_what_an_arm_says_in_one_phase_is_not_held_against_it_in_the_other(folder: Path, arm: str) -> None:
    trained, answered = (said(folder, job(arm, phase))["settings"] for phase in PHASES)
    assert voids(arm, trained, answered) == []
    assert voids(arm, trained, {**answered, "threads": 2}) == [f"{arm}: threads is 2, declared was 1"]


def test_the_layers_of_pytorch_are_in_the_mode_of_the_phase(folder: Path) -> None:
    found = {phase: said(folder, job(ARMS[0], phase))["settings"] for phase in PHASES}
    assert [found[phase][f"training mode in {phase}"] for phase in PHASES] == [True, False]
