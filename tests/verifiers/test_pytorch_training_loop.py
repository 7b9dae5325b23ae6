"""The loop probe on the real library, and on ones in which a change comes late or not at all."""

import importlib.util
from types import ModuleType
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

CHANGES = ("skipped step", "edited gradient", "frozen layer", "thawed layer", "learning rate", "optimiser")


@pytest.fixture(scope="module")
def probe() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "pytorch_training_loop", ROOT / "verifiers" / "pytorch_training_loop.py"
    )
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def verdict_on(finding: dict[str, Any]) -> Verdict:
    expectations = load_library(ROOT).record("pytorch-explicit-training-loop").claim.expect
    return judge_finding(expectations, finding).verdict


def test_every_change_takes_effect_on_the_very_next_step() -> None:
    found = observe("pytorch_training_loop")
    assert tuple(found["steps"]) == ("none", *CHANGES)
    assert found["largest_error"] < 1e-12
    assert found["smallest_effect"] > 0.01
    assert found["loss_last"] < found["loss_first"]
    assert verdict_on(found) is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("target", "name", "stand_in", "wrong"),
    [
        ("torch.nn.Module", "requires_grad_", lambda self, requires_grad=True: self, ["frozen layer"]),
        (
            "torch.optim",
            "Adam",
            lambda parameters, rate, eps: __import__("torch").optim.SGD(parameters, rate),
            ["optimiser"],
        ),
        (
            "torch.optim.SGD",
            "zero_grad",
            lambda self: None,
            ["skipped step", "edited gradient", "frozen layer", "thawed layer", "learning rate", "optimiser"],
        ),
    ],
)
def test_a_change_that_takes_no_effect_refutes_and_is_named(
    probe: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    name: str,
    stand_in: Any,
    wrong: list[str],
) -> None:
    monkeypatch.setattr(f"{target}.{name}", stand_in)
    found = probe.pytorch_training_loop()
    off = [change for change, step in found["steps"].items() if step["error"] > 1e-10]
    assert off
    assert set(off) <= set(wrong)
    assert verdict_on(found) is Verdict.REFUTED


def test_a_change_that_changes_nothing_shows_nothing(
    probe: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "EDIT", 1.0)
    found = probe.pytorch_training_loop()
    assert found["largest_error"] < 1e-12
    assert found["steps"]["edited gradient"]["effect"] == found["smallest_effect"] == 0.0
    assert verdict_on(found) is Verdict.REFUTED


def test_without_torch_the_probe_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs torch; install it with: pip install torch=="):
        observe("pytorch_training_loop", "import sys; sys.modules['torch'] = None")
