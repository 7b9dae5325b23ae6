"""The error probe, on the real frameworks, on a tf.function that runs eagerly, and on faults of the harness."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

EAGER_FUNCTIONS = """
import sys
if any(each.endswith("fault_reports.py") for each in sys.orig_argv):
    import tensorflow as tf
    tf.config.run_functions_eagerly(True)
"""
# What each function of a program does, and what a report must say of it.
RAISES_THERE = "raise ValueError  # fault"
SAYS_WHERE = "at = sys._getframe().f_lineno + 1\n    pass  # fault\n    raise ValueError(f'File \"{__file__}\", line {at}')"
RAISES_AFTER = "pass  # fault\n    raise ValueError"
CAUSED_THERE = (
    "try:\n        int('x')  # fault\n    except ValueError as error:\n        raise TypeError from error"
)
SILENT = "pass  # fault"


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def probe() -> ModuleType:
    return module(ROOT / "verifiers" / "error_transparency.py")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return observe("error_transparency")


def verdict_on(finding: dict[str, Any]) -> Verdict:
    claim = load_library(ROOT).record("tf-function-errors-less-transparent").claim
    return judge_finding(claim.expect, finding).verdict


def test_under_tf_function_no_traceback_leads_to_the_line_and_every_message_does(
    found: dict[str, Any],
) -> None:
    assert len(found["faults"]) == found["faults_less_transparent"] == 11
    assert found["line_named_by_traceback"]["pytorch-eager"] == 11
    assert found["line_named_by_traceback"]["tensorflow-eager"] == 11
    assert found["line_named_by_traceback"]["tensorflow-function"] == 0
    assert found["line_named_by_message_only"]["tensorflow-function"] == 11
    assert found["clash_named"]["pytorch-eager"] == found["clash_named"]["tensorflow-function"] == 11
    assert found["balance_if_message_counts"] == 0
    assert set(found["silent"].values()) == {0}
    assert found["missing"].startswith("the traceback leads to the line worse under tf.function for 11 of 11")
    assert verdict_on(found) is Verdict.INCONCLUSIVE


def test_a_compiled_graph_that_fails_while_it_runs_names_no_line_in_pytorch(found: dict[str, Any]) -> None:
    compiled = found["reports"]["pytorch-compile"]
    assert compiled["computed_index"]["line_named_by"] == "nothing"
    assert "computed_index" in found["more_transparent_than"]["pytorch-compile"]
    assert 'File "faults_pytorch.py", line' in compiled["fixed_index"]["message"]
    assert compiled["missing_attribute"]["line_named_by"] == "traceback"


def test_a_tf_function_whose_messages_name_no_line_is_less_transparent_and_the_claim_holds(
    found: dict[str, Any], probe: ModuleType
) -> None:
    unnamed = {
        fault: {**shown, "line_named_by": "nothing"}
        for fault, shown in found["reports"][probe.CLAIMED].items()
    }
    assert verdict_on(probe.compared(found["reports"] | {probe.CLAIMED: unnamed})) is Verdict.SUPPORTED


def test_a_tf_function_that_runs_eagerly_is_as_transparent_and_the_claim_refuted(
    found: dict[str, Any], probe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(EAGER_FUNCTIONS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    planted = probe.compared(found["reports"] | {probe.CLAIMED: probe.reports_of(probe.CLAIMED)})
    assert planted["line_named_by_traceback"][probe.CLAIMED] == 11
    # TensorFlow eager names the index of this one, not the length.
    assert planted["less_transparent_than"][probe.COMPARED] == ["fixed_index"]
    assert verdict_on(planted) is Verdict.REFUTED


@pytest.mark.parametrize(
    ("body", "named_by"),
    [
        (RAISES_THERE, "traceback"),
        (CAUSED_THERE, "traceback"),
        (SAYS_WHERE, "message"),
        (RAISES_AFTER, "nothing"),
        (SILENT, "nothing"),
    ],
)
def test_a_line_is_named_by_the_innermost_frame_of_the_users_or_by_the_message_or_not(
    body: str, named_by: str, tmp_path: Path
) -> None:
    harness = module(ROOT / "verifiers" / "models" / "fault_reports.py")
    path = tmp_path / "program.py"
    functions = "".join(f"def {name}():\n    {body}\n\n" for name in harness.FAULTS)
    path.write_text(f"import sys\n\n{functions}MODES = {{'only': lambda fault, inputs: fault()}}\n", "utf-8")
    program = module(path)
    sys.modules[path.stem] = program
    try:
        reports = harness.reports(program, "only")
    finally:
        del sys.modules[path.stem]
    assert {each["line_named_by"] for each in reports.values()} == {named_by}
    assert {each["error"] is None for each in reports.values()} == {body == SILENT}
    assert not any(each["clash_named"] for each in reports.values())


@pytest.mark.parametrize("fault", ["raise ImportError('gone')", "import os, signal; os.kill(os.getpid(), 9)"])
def test_a_child_that_does_not_end_well_is_an_error_and_no_finding(
    probe: ModuleType, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text(fault, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="the faults of pytorch-eager ended with status"):
        probe.reports_of("pytorch-eager")


def test_a_child_that_takes_too_long_is_an_error_and_no_finding(
    probe: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "CHILD_SECONDS", 0.01)
    with pytest.raises(RuntimeError, match="did not end within"):
        probe.reports_of("pytorch-eager")


@pytest.mark.parametrize("package", ["torch", "tensorflow", "keras"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install"):
        observe("error_transparency", f"import sys; sys.modules[{package!r}] = None")
