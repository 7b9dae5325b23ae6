"""The Lightning probe: the two real scripts, and copies in which Lightning trains otherwise, fails or is longer."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

VERIFIERS = ROOT / "verifiers"
SCRIPT = "blobs_lightning.py"


@pytest.fixture(scope="module")
def finding() -> dict[str, Any]:
    """The real finding."""
    return observe("lightning_training")


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    return judge_finding(
        load_library(ROOT).record("lightning-abstracts-boilerplate").claim.expect, found
    ).verdict


def copied(folder: Path, old: str, new: str) -> Path:
    """Copy the verifier and its scripts, with a change in Lightning's; return it without its ending."""
    (folder / "models").mkdir()
    shutil.copy(VERIFIERS / "lightning_training.py", folder)
    for script in (VERIFIERS / "models").glob("blobs*.py"):
        shutil.copy(script, folder / "models")
    text = (folder / "models" / SCRIPT).read_text(encoding="utf-8")
    assert old in text
    (folder / "models" / SCRIPT).write_text(text.replace(old, new), encoding="utf-8")
    return folder / "lightning_training"


def loaded(verifier: Path) -> Any:
    """Return a copied verifier as a module."""
    spec = importlib.util.spec_from_file_location("copied", verifier.with_suffix(".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_same_training_takes_fewer_lines_and_tokens_with_lightning(finding: dict[str, Any]) -> None:
    assert finding["failure"] is None
    assert (finding["steps"], finding["epochs"]) == (48, 6)
    assert finding["best_epoch"] < finding["epochs"]  # so that the last checkpoint would not do
    assert finding["train_losses"]["pytorch"][0] > 2 * finding["train_losses"]["pytorch"][-1]
    assert finding["largest_curve_difference"] < 1e-6
    assert finding["largest_best_weight_difference"] < 1e-6
    assert finding["statements"]["lightning"] < finding["statements"]["pytorch"]
    assert finding["routine_calls"]["lightning"] == 0 < finding["routine_calls"]["pytorch"]
    assert judged(finding) is Verdict.SUPPORTED


def test_a_longer_script_refutes_and_layout_and_comments_do_not_count(
    tmp_path: Path, finding: dict[str, Any]
) -> None:
    longer = loaded(copied(tmp_path, "trainer.fit(", 20 * "trainer.model.train()\n" + "trainer.fit("))
    lengths = longer._lengths()
    assert lengths["statements"]["lightning"] == finding["statements"]["lightning"] + 20
    assert lengths["routine_calls"]["lightning"] == 20
    assert judged(finding | lengths) is Verdict.REFUTED
    plain, laid_out = "a = f(1)\n", '"""What it is."""\n\n# why\na = f(\n    1\n)\n'
    assert (longer._statements(plain), longer._tokens(plain)) == (1, 6)
    assert (longer._statements(laid_out), longer._tokens(laid_out)) == (1, 6)


@pytest.mark.slow
def test_a_lightning_that_does_not_run_is_a_failure_and_refutes(tmp_path: Path) -> None:
    (tmp_path / "lightning.py").write_text("raise NotImplementedError('no trainer here')", encoding="utf-8")
    found = observe("lightning_training", environment={"PYTHONPATH": str(tmp_path)})
    assert "no trainer here" in found["failure"]
    assert found["largest_curve_difference"] is None
    assert list(found["train_losses"]) == ["pytorch"]
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("gradient_clip_val=0.1,", "largest_curve_difference"),
        ("num_sanity_val_steps=0, max_steps=8,", "failure"),
    ],
)
def test_a_lightning_that_trains_otherwise_refutes(tmp_path: Path, change: str, field: str) -> None:
    verifier = copied(tmp_path, "log_every_n_steps=1,", f"log_every_n_steps=1, {change}")
    found = observe(str(verifier))
    assert found[field]
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
def test_the_last_checkpoint_in_place_of_the_best_refutes(tmp_path: Path) -> None:
    found = observe(str(copied(tmp_path, ', monitor="val_loss"', "")))
    assert found["largest_curve_difference"] < 1e-6
    assert found["largest_best_weight_difference"] > 0.01
    assert judged(found) is Verdict.REFUTED


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise RuntimeError('PytorchStreamWriter failed writing file')", "ended with status 1"),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "ended with status -9",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_fault_of_the_machine_is_an_error_and_no_finding(tmp_path: Path, fault: str, said: str) -> None:
    (tmp_path / "lightning.py").write_text(fault, encoding="utf-8")
    with pytest.raises(RuntimeError, match=f"RuntimeError: {SCRIPT} {said}"):
        observe("lightning_training", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["torch", "lightning"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(
        RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install {package}=="
    ):
        observe("lightning_training", f"import sys; sys.modules[{package!r}] = None")
