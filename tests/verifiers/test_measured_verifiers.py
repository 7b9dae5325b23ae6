"""Arms of one verifier compute the same, and the parity gate sees it where one does not.

Every framework has a process of its own, which runs all its arms of all verifiers once.
"""

import sys
from pathlib import Path
from typing import Any

import arm_jobs
import pytest
from arm_jobs import outputs, said

from kb.parity import differences
from kb.verifier import Declaration, declared

ROOT = Path(__file__).parents[2]
REFERENCE = "pytorch/eager"
SETTINGS: dict[str, dict[str, Any]] = {
    "small_cnn_latency": {"batch": 1},
    "small_cnn_inference": {"batch": 32},
    "small_cnn_training": {"batch": 32},
    "small_cnn_epochs": {"batch": 32, "epoch": 1},
    "resnet50_training": {"batch": 2},
    "training_memory": {"batch": 8, "model": "small-cnn"},
    "training_sweep:mlp": {"batch": 4, "model": "mlp"},
    "training_sweep:transformer": {"batch": 4, "model": "transformer"},
    "training_sweep:mobilenet": {"batch": 2, "model": "mobilenet-v2"},
    "training_sweep:pipeline": {"batch": 4, "model": "mlp", "input": "pipeline"},
    "deployed_inference:transformer": {"batch": 2, "model": "transformer"},
    "dynamic_shape_memory": {"batch": 8, "model": "small-cnn"},
}
"""Settings by verifier, and after a colon what tells several of one verifier apart."""
PLAIN = ("pytorch/eager", "pytorch/channels-last", "tensorflow/function", "jax/jit")
IN_PLAIN_MODES = (
    "small_cnn_epochs",
    "resnet50_training",
    "training_memory",
    "training_sweep:transformer",
    "training_sweep:mobilenet",
)
"""That all modes train alike is shown on small networks: small_cnn_training, training_sweep:mlp."""
MOBILENET = 601_548_544
MLP = 2 * (3072 * 512 + 512 * 512 + 512 * 10)
TRANSFORMER = 2 * (64 * (48 * 128 + 4 * (4 * 128 * 128 + 2 * 128 * 256)) + 128 * 10)
"""Operations for one image, counted by hand; attention's own products are not counted."""
SUCCESSIVE = ("pytorch/eager", "tensorflow/function", "jax/jit")
FAULTS = (
    ("asymmetric padding", "resnet50_training"),
    ("channels first flatten", "small_cnn_latency"),
    ("channels first flatten", "small_cnn_training"),
    ("other epsilon", "small_cnn_latency"),
    ("other epsilon", "small_cnn_training"),
    ("other momentum", "small_cnn_training"),
)


def declaration(case: str) -> Declaration:
    """Return what a case's verifier declares; imports no framework."""
    verifier = case.partition(":")[0]
    sys.path.insert(0, str(ROOT / "verifiers"))
    try:
        return declared(__import__(verifier)).declaration
    finally:
        sys.path.remove(str(ROOT / "verifiers"))


def arms_of(case: str) -> tuple[str, ...]:
    """Return the arms that run a case in the quick tests; JAX has no input pipeline."""
    known = declaration(case).arms
    if case in IN_PLAIN_MODES:
        return tuple(arm for arm in known if arm in PLAIN)
    if case.endswith(":pipeline"):
        return tuple(arm for arm in known if not arm.startswith("jax"))
    return known


def job(verifier: str, arm: str, fault: str = "", device: str = "cpu", **changed: Any) -> dict[str, Any]:
    """Describe one arm's work to arm_outputs.py."""
    settings = SETTINGS[verifier] | changed
    name = "-".join(
        [verifier.replace(":", "-"), arm.replace("/", "-"), device, fault, *map(str, settings.values())]
    )
    return {
        "name": name,
        "verifier": verifier.partition(":")[0],
        "case": verifier,
        "arm": arm,
        "settings": settings,
        "device": device,
        "fault": fault,
    }


def jobs() -> list[dict[str, Any]]:
    """List everything that the tests below look at."""
    every = [job(verifier, arm) for verifier in SETTINGS for arm in arms_of(verifier)]
    later = [job("small_cnn_epochs", arm, epoch=2) for arm in SUCCESSIVE]
    faulty = [job(verifier, REFERENCE, fault=fault) for fault, verifier in FAULTS]
    elsewhere = [job("small_cnn_latency", arm, device="tpu") for arm in SUCCESSIVE]
    return every + later + faulty + elsewhere


TRAINING = declaration("small_cnn_training").arms


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all jobs, and return where their results lie."""
    folder = tmp_path_factory.mktemp("arms")
    arm_jobs.run(jobs(), folder)
    return folder


def gate(folder: Path, one: dict[str, Any]) -> list[str]:
    """Hold a job's outputs against those of the reference arm, by the verifier's own tolerance."""
    limits = declaration(one["case"])
    sound = job(one["case"], limits.arms[0])
    return differences(outputs(folder, one), outputs(folder, sound), limits.rtol, limits.atol)


@pytest.mark.parametrize(
    ("verifier", "arm"), [(verifier, arm) for verifier in SETTINGS for arm in arms_of(verifier)]
)
def test_every_arm_computes_what_the_reference_arm_computes(folder: Path, verifier: str, arm: str) -> None:
    assert gate(folder, job(verifier, arm)) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("verifier", IN_PLAIN_MODES)
def test_every_mode_computes_the_same_where_the_quick_tests_run_the_plain_ones(
    verifier: str, tmp_path: Path
) -> None:
    every = [job(verifier, arm) for arm in declaration(verifier).arms]
    arm_jobs.run(every, tmp_path)
    sound = said(tmp_path, every[0])
    for one in every:
        assert gate(tmp_path, one) == [], one["arm"]
        found = said(tmp_path, one)
        assert (found["items"], found["flops"], found["pending"]) == (sound["items"], sound["flops"], 0)
        assert (found["settings"]["threads"], found["settings"]["dtype"]) == (1, "float32")


@pytest.mark.parametrize(("fault", "verifier"), FAULTS)
def test_the_gate_names_a_planted_fault(folder: Path, fault: str, verifier: str) -> None:
    found = gate(folder, job(verifier, REFERENCE, fault=fault))
    expected = {"other momentum": "moved/norm2/mean"}.get(fault, "logits")
    assert any(sentence.startswith(f"{expected}: differs by") for sentence in found)


@pytest.mark.parametrize("arm", arms_of("resnet50_training"))
def test_resnet50_has_the_published_number_of_parameters_and_a_gradient_for_each(
    folder: Path, arm: str
) -> None:
    found = outputs(folder, job("resnet50_training", arm))
    assert sum(value.size for name, value in found.items() if name.startswith("grad/")) == 25_557_032


def test_training_arms_report_ten_losses_and_they_are_those_of_a_descent(folder: Path) -> None:
    losses = outputs(folder, job("small_cnn_training", REFERENCE))["losses"]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("arm", SUCCESSIVE)
def test_the_second_epoch_continues_the_training_of_the_first(folder: Path, arm: str) -> None:
    first = outputs(folder, job("small_cnn_epochs", arm))["losses"]
    second = outputs(folder, job("small_cnn_epochs", arm, epoch=2))["losses"]
    assert second.mean() < first.mean()


@pytest.mark.parametrize("verifier", SETTINGS)
def test_every_arm_observes_one_thread_and_full_precision(folder: Path, verifier: str) -> None:
    for arm in arms_of(verifier):
        observed = said(folder, job(verifier, arm))["settings"]
        assert observed["threads"] == 1
        assert observed.get("interop_threads", 1) == 1
        assert (observed["device"], observed["dtype"]) == ("cpu", "float32")
        assert not observed.get("tf32", False)
        assert observed.get("matmul_precision", "highest") == "highest"


def test_a_step_counts_the_images_that_pass(folder: Path) -> None:
    expected = {
        "small_cnn_latency": 1,
        "small_cnn_inference": 1024,
        "small_cnn_training": 1024,
        "small_cnn_epochs": 1024,
        "resnet50_training": 4,
        "training_memory": 16,
        "training_sweep:mlp": 32 * 4,
        "training_sweep:transformer": 32 * 4,
        "deployed_inference:transformer": 2,
    }
    for verifier, items in expected.items():
        assert {said(folder, job(verifier, arm))["items"] for arm in arms_of(verifier)} == {items}


@pytest.mark.parametrize("verifier", [case for case in SETTINGS if case != "dynamic_shape_memory"])
def test_all_arms_need_the_same_operations_and_say_how_many(folder: Path, verifier: str) -> None:
    expected = {
        "small_cnn_latency": 16_450_816,
        "small_cnn_inference": 1024 * 16_450_816,
        "small_cnn_training": 1024 * 3 * 16_450_816,
        "small_cnn_epochs": 1024 * 3 * 16_450_816,
        "resnet50_training": 4 * 3 * 8_178_368_512,
        "training_memory": 16 * 3 * 16_450_816,
        "training_sweep:mlp": 32 * 4 * 3 * MLP,
        "training_sweep:transformer": 32 * 4 * 3 * TRANSFORMER,
        "training_sweep:pipeline": 32 * 4 * 3 * MLP,
        "training_sweep:mobilenet": 2 * 2 * 3 * MOBILENET,
        "deployed_inference:transformer": 2 * TRANSFORMER,
    }
    for arm in arms_of(verifier):
        assert said(folder, job(verifier, arm))["flops"] == expected[verifier]


def test_changing_batches_pass_the_sizes_of_the_schedule(folder: Path) -> None:
    case = "dynamic_shape_memory"
    items = {arm: said(folder, job(case, arm))["items"] for arm in arms_of(case)}
    assert {arm: count for arm, count in items.items() if arm.endswith("constant")} == {
        "pytorch/constant": 64,
        "tensorflow/constant": 64,
    }
    assert items["pytorch/changing"] == items["tensorflow/changing"] == 39


def test_a_model_out_of_its_framework_says_what_runs_it(folder: Path) -> None:
    found = said(folder, job("small_cnn_latency", "pytorch/onnxruntime"))["settings"]
    assert found["runtime"].startswith("onnxruntime ")
    assert said(folder, job("small_cnn_latency", "pytorch/export"))["settings"]["model"] == "GraphModule"


def test_images_and_kernels_lie_as_the_arm_says(folder: Path) -> None:
    for verifier in SETTINGS:
        for arm in arms_of(verifier):
            own = "NCHW" if arm.startswith("pytorch") and not arm.endswith("channels-last") else "NHWC"
            assert said(folder, job(verifier, arm))["settings"]["layout"] == own, f"{verifier} {arm}"


def test_what_compiles_is_read_from_what_ran(folder: Path) -> None:
    trained = {arm: said(folder, job("small_cnn_training", arm))["settings"] for arm in TRAINING}
    assert [arm for arm, one in trained.items() if one.get("compiled")] == ["pytorch/compile"]
    assert trained["tensorflow/xla"]["jit_compile"] is True
    assert trained["tensorflow/function"]["jit_compile"] is False
    answered = declaration("small_cnn_latency").arms
    models = {arm: said(folder, job("small_cnn_latency", arm))["settings"].get("model") for arm in answered}
    assert models["pytorch/compile"] == "OptimizedModule"
    assert models["pytorch/eager"] == models["pytorch/channels-last"] == "Sequential"
    assert models["pytorch/torchscript"] == "RecursiveScriptModule"
    unrecorded = {
        arm: said(folder, job("small_cnn_latency", arm))["settings"].get("inference_mode") for arm in answered
    }
    assert unrecorded["pytorch/inference-mode"] is True
    assert unrecorded["pytorch/eager"] is unrecorded["pytorch/channels-last"] is False


def test_all_training_arms_descend_by_one_optimiser(folder: Path) -> None:
    found = {said(folder, job("small_cnn_training", arm))["settings"]["optimizer"] for arm in TRAINING}
    assert found == {"SGD, rate 0.000976562, momentum 0.9"}


@pytest.mark.parametrize("verifier", SETTINGS)
def test_nothing_is_still_being_computed_when_a_step_returns(folder: Path, verifier: str) -> None:
    assert {said(folder, job(verifier, arm))["pending"] for arm in arms_of(verifier)} == {0}


@pytest.mark.parametrize("arm", SUCCESSIVE)
def test_a_device_that_is_not_here_is_said_to_be_lacking(folder: Path, arm: str) -> None:
    found = said(folder, job("small_cnn_latency", arm, device="tpu"))
    assert found["reason"] == "no-hardware"
    assert "needs a tpu device" in found["unavailable"]
