"""The length probe on the real trainings, on longer texts, on unequal trainings, and on faults of the harness."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

VERIFIERS = ROOT / "verifiers"
sys.path.append(str(VERIFIERS))


@pytest.fixture(scope="module")
def probe() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "training_code_length", VERIFIERS / "training_code_length.py"
    )
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return observe("training_code_length")


def verdict_on(finding: dict[str, Any]) -> Verdict:
    return judge_finding(load_library(ROOT).record("keras-fit-less-code").claim.expect, finding).verdict


def lengthened(probe: ModuleType, lines: str) -> dict[str, Any]:
    """Return what the texts come to with lines added to Keras' training."""
    training, definitions = probe._sources("keras")
    return probe._lengths({"keras": (training + lines, definitions), "pytorch": probe._sources("pytorch")})


def test_the_same_training_takes_less_than_half_the_code_with_fit(found: dict[str, Any]) -> None:
    assert found["shorter"] == "keras"
    assert verdict_on(found) is Verdict.SUPPORTED
    for counts in (found["lines"], found["tokens"]):
        assert counts["keras"] < counts["pytorch"] / 2
    for counts in (found["lines_with_definitions"], found["tokens_with_definitions"]):
        assert counts["keras"] < counts["pytorch"]
    assert found["largest_difference"] < 1e-4
    assert found["test_accuracy"]["keras"] == found["test_accuracy"]["pytorch"] > 0.9
    for losses in found["losses"].values():
        assert losses[-1] < losses[0] / 5


def test_a_longer_text_refutes_an_equal_one_too_and_a_mixed_one_settles_nothing(
    probe: ModuleType, found: dict[str, Any]
) -> None:
    lines = found["lines"]["pytorch"] - found["lines"]["keras"]
    tokens = found["tokens"]["pytorch"] - found["tokens"]["keras"]
    longer = lengthened(probe, 4 * lines * "a = b.c(d)\n")
    assert longer["shorter"] == "pytorch"
    assert verdict_on(found | longer) is Verdict.REFUTED
    equal = lengthened(probe, (lines - 1) * "a\n" + "a" + (tokens - lines) // 2 * " + a" + "\n")
    assert equal["shorter"] == "neither"
    assert verdict_on(found | equal) is Verdict.REFUTED
    mixed = lengthened(probe, 4 * lines * "a\n")
    assert "of PyTorch's lines and" in mixed["missing"]
    assert verdict_on(found | mixed) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": [[0.5, 0.9, 0.5, 0.9]] * 2}, "have 1 and 2 epochs"),
        ({"epochs": [[0.6, 0.9, 0.5, 0.9]]}, r"differ by 0\.1"),
        ({"epochs": [[float("nan"), 0.9, 0.5, 0.9]]}, "differ by nan"),
        ({}, "below 0.9"),
    ],
)
def test_trainings_that_are_not_the_same_or_learn_nothing_are_no_finding(
    probe: ModuleType, change: dict[str, Any], said: str
) -> None:
    one = {"epochs": [[0.5, 0.9, 0.5, 0.9]], "test": [0.5, 0.8]}
    with pytest.raises(RuntimeError, match=said):
        probe._difference({"keras": one, "pytorch": one | change})


@pytest.mark.slow
def test_a_keras_that_trains_otherwise_is_no_finding(tmp_path: Path) -> None:
    shutil.copytree(VERIFIERS, tmp_path / "verifiers", ignore=shutil.ignore_patterns("__pycache__"))
    script = tmp_path / "verifiers" / "models" / "pictures_keras.py"
    text = script.read_text(encoding="utf-8")
    assert "SGD(RATE)" in text
    script.write_text(text.replace("SGD(RATE)", "SGD(RATE / 2)"), encoding="utf-8")
    with pytest.raises(RuntimeError, match="so the two texts do not compare"):
        observe(str(tmp_path / "verifiers" / "training_code_length"))


@pytest.mark.parametrize(
    ("fault", "status"),
    [("raise MemoryError", 1), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
def test_a_process_that_does_not_end_well_is_an_error_and_no_finding(
    tmp_path: Path, fault: str, status: int
) -> None:
    for package in ("keras", "torch"):
        (tmp_path / f"{package}.py").write_text(fault, encoding="utf-8")
    with pytest.raises(RuntimeError, match=f"the training in keras ended with status {status}"):
        observe("training_code_length", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["torch", "tensorflow", "keras"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("training_code_length", f"import sys; sys.modules[{package!r}] = None")
