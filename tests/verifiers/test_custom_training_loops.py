"""The loops probe on the real loops, on texts that are longer or shorter, and on loops that compute otherwise."""

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
MODES = ("tensorflow-eager", "tensorflow-function")
MORE = "".join(f"tf.concept_{number}(a, b, c)\n" for number in range(40))


@pytest.fixture(scope="module")
def probe() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "custom_training_loops", VERIFIERS / "custom_training_loops.py"
    )
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def sources(probe: ModuleType) -> dict[str, str]:
    return {mode: script.read_text(encoding="utf-8") for mode, script in probe.SCRIPTS.items()}


def verdict_on(finding: dict[str, Any]) -> Verdict:
    expectations = load_library(ROOT).record("tensorflow-custom-loop-harder").claim.expect
    return judge_finding(expectations, finding).verdict


def test_the_real_loops_compute_the_same_and_their_counts_disagree_which_settles_nothing() -> None:
    found = observe("custom_training_loops")
    assert found["missing"].startswith(
        "the counts disagree on which framework's loops are more complex: pytorch "
    )
    assert all(f"{mode} " in found["missing"] for mode in MODES)
    assert found["largest_difference"] < 1e-3
    assert verdict_on(found) is Verdict.INCONCLUSIVE


def test_what_says_more_in_both_modes_supports_and_what_says_the_same_or_less_refutes(
    probe: ModuleType, sources: dict[str, str]
) -> None:
    harder = probe._complexity(sources | {mode: sources[mode] + MORE for mode in MODES})
    assert harder["standing"] == dict.fromkeys(MODES, "longer")
    assert verdict_on(harder) is Verdict.SUPPORTED
    equal = probe._complexity(dict.fromkeys(sources, sources["pytorch"]))
    assert equal["standing"] == dict.fromkeys(MODES, "equal")
    assert verdict_on(equal) is Verdict.REFUTED
    easier = probe._complexity(sources | {"pytorch": sources["pytorch"] + MORE})
    assert easier["standing"] == dict.fromkeys(MODES, "shorter")
    assert verdict_on(easier) is Verdict.REFUTED


@pytest.mark.parametrize("mode", MODES)
def test_modes_that_disagree_settle_nothing(probe: ModuleType, sources: dict[str, str], mode: str) -> None:
    plain = dict.fromkeys(sources, sources["pytorch"])
    found = probe._complexity(plain | {mode: sources["pytorch"] + MORE})
    assert found["missing"].startswith("the counts disagree")
    assert verdict_on(found) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("value", [1.001, float("nan")])
def test_loops_that_do_not_compute_the_same_are_no_finding(probe: ModuleType, value: float) -> None:
    one = {"losses": [1.0, 0.5], "weights": [0.1]}
    assert probe._difference(one, one) == 0.0
    with pytest.raises(RuntimeError, match="so their texts do not compare"):
        probe._difference(one, one | {"losses": [value, 0.5]})


@pytest.mark.slow
@pytest.mark.parametrize("script", ["loops_tensorflow.py", "loops_tensorflow_function.py"])
def test_a_real_loop_without_its_penalty_is_no_finding(tmp_path: Path, script: str) -> None:
    shutil.copytree(VERIFIERS, tmp_path / "verifiers", ignore=shutil.ignore_patterns("__pycache__"))
    copy = tmp_path / "verifiers" / "models" / script
    text = copy.read_text(encoding="utf-8")
    assert " + PENALTY * penalty" in text
    copy.write_text(text.replace(" + PENALTY * penalty", ""), encoding="utf-8")
    with pytest.raises(RuntimeError, match="RuntimeError: the loops differ by"):
        observe(str(tmp_path / "verifiers" / "custom_training_loops"))


def test_a_process_that_does_not_end_well_is_an_error_and_no_finding(tmp_path: Path) -> None:
    for package in ("keras", "torch"):
        (tmp_path / f"{package}.py").write_text(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", encoding="utf-8"
        )
    with pytest.raises(RuntimeError, match=r"RuntimeError: loops_pytorch.py ended with status -9"):
        observe("custom_training_loops", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["torch", "tensorflow", "keras"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("custom_training_loops", f"import sys; sys.modules[{package!r}] = None")
