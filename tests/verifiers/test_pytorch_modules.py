"""The module probe on the real library, on nests that do not register, inherit or load, and on a killed process."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

VERIFIERS = ROOT / "verifiers"


def verdict_on(finding: dict[str, Any]) -> Verdict:
    expectations = load_library(ROOT).record("nn-module-object-oriented").claim.expect
    return judge_finding(expectations, finding).verdict


def changed(folder: Path, old: str, new: str) -> str:
    """Copy the verifier and its nest, with a change in the nest; return the copy without its ending."""
    (folder / "models").mkdir()
    shutil.copy(VERIFIERS / "pytorch_modules.py", folder)
    text = (VERIFIERS / "models" / "modules.py").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / "models" / "modules.py").write_text(text.replace(old, new), encoding="utf-8")
    return str(folder / "pytorch_modules")


def failing(found: dict[str, Any]) -> set[str]:
    return {name for name, holds in found.items() if holds is False}


def test_modules_nest_save_swap_inherit_and_are_reached() -> None:
    found = observe("pytorch_modules")
    assert failing(found) == set()
    assert found["failures"] == {}
    assert "blocks.1.layer.weight" in found["parameters"]
    assert found["strict_refuses_other_names"] is True
    assert verdict_on(found) is Verdict.SUPPORTED


def test_blocks_in_a_plain_list_are_no_parts_of_a_module_which_refutes(tmp_path: Path) -> None:
    found = observe(changed(tmp_path, "nn.ModuleList([Block(), Block()])", "[Block(), Block()]"))
    assert found["parameters"] == ["head.1.weight", "head.1.bias"]
    assert {
        "parameters_registered",
        "state_survives_a_file",
        "apply_reaches_all",
        "hooks_reach_all",
    } <= failing(found)
    assert "AttributeError" in found["failures"]["apply_reaches_all"]
    assert verdict_on(found) is Verdict.REFUTED


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        pytest.param(
            "class Doubled(Tower):",
            "class Doubled(Tower):\n    def body(self, inputs):\n        return inputs\n",
            "subclass_inherits_and_overrides",
            marks=pytest.mark.slow,
        ),
        ("model.load_state_dict(torch", "dict(torch", "state_survives_a_file"),
        pytest.param(
            "    model = built(Tower, 1)",
            "    raise NotImplementedError('no loading here')",
            "state_survives_a_file",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_one_use_that_does_not_work_is_named_and_refutes(
    tmp_path: Path, old: str, new: str, wrong: str
) -> None:
    found = observe(changed(tmp_path, old, new))
    assert failing(found) == {wrong}
    assert verdict_on(found) is Verdict.REFUTED


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param("raise MemoryError", 1, marks=pytest.mark.slow),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
    ],
)
def test_a_fault_of_the_machine_is_an_error_and_no_finding(tmp_path: Path, fault: str, status: int) -> None:
    verifier = changed(tmp_path, "    model = built(Tower, 1)", f"    {fault}")
    with pytest.raises(RuntimeError, match=f"the process that loads the state ended with status {status}"):
        observe(verifier)


def test_without_torch_the_probe_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs torch; install it with: pip install torch=="):
        observe("pytorch_modules", "import sys; sys.modules['torch'] = None")
