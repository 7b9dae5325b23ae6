"""Training in two processes, by the real frameworks, without their communication, and with less installed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

BOTH, NATIVE = "both-support-distributed-training", "tensorflow-natively-distributed"

# What `sharing.trained` finds; the tests of verdicts change it for one framework only, so that the other costs nothing.
STANDING_IN = """
import sys
sys.path.insert(0, {verifiers!r})
from models import sharing
plain = sharing.trained
def trained(framework, routes, path=""):
    if framework == {other!r}:
        member = {{"weights": [1.0], "outputs": [1.0]}}
        answer = {{"routes": {{routes[0]: member}}, "alone": member, "apart": member, "processes": 2, "files": []}}
        return [answer, answer]
    return plain(framework, routes, path)
sharing.trained = trained
"""


@pytest.fixture(scope="module")
def judged() -> Callable[[str, dict[str, Any]], Verdict]:
    library = load_library(ROOT)
    return lambda name, found: judge_finding(library.record(name).claim.expect, found).verdict


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return observe("distributed_processes")


def only(framework: str) -> str:
    other = {"pytorch": "tensorflow", "tensorflow": "pytorch"}[framework]
    return STANDING_IN.format(verifiers=str(ROOT / "verifiers"), other=other)


def with_script(framework: str, folder: Path, original: str, changed: str) -> str:
    """Return code after which the framework's processes run a copy of their script with one change."""
    script = ROOT / "verifiers" / "models" / f"distributed_{framework}.py"
    text = script.read_text(encoding="utf-8")
    assert text.count(original) == 1
    copy = folder / script.name
    copy.write_text(text.replace(original, changed), encoding="utf-8")
    return only(framework) + f"import pathlib; sharing.SCRIPTS[{framework!r}] = pathlib.Path({str(copy)!r})\n"


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
def test_two_processes_with_data_of_their_own_train_the_model_of_one_process(
    framework: str, found: dict[str, Any]
) -> None:
    assert found[f"{framework}_processes"] == 2
    assert found[f"{framework}_replicas_differ_by"] <= 1e-6
    assert found[f"{framework}_differ_from_one_process_by"] <= 1e-6
    assert found[f"{framework}_replicas_without_communication_differ_by"] > 0.1
    assert found[f"{framework}_error"] is None


def test_each_framework_needs_only_what_it_declares(found: dict[str, Any]) -> None:
    assert found["tensorflow_alone_suffices"] is True
    assert found["pytorch_alone_suffices"] is True
    assert {"torch", "typing-extensions"} <= set(found["pytorch_imports"])
    assert {"tensorflow", "numpy", "protobuf"} <= set(found["tensorflow_imports"])
    assert "tensorflow" not in found["pytorch_imports"]
    assert "torch" not in found["tensorflow_imports"]


def test_both_claims_hold(found: dict[str, Any], judged: Callable[[str, dict[str, Any]], Verdict]) -> None:
    assert judged(BOTH, found) is Verdict.SUPPORTED
    assert judged(NATIVE, found) is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("framework", "original", "changed", "native"),
    [
        ("pytorch", "torch.nn.parallel.DistributedDataParallel(model)", "model", Verdict.SUPPORTED),
        pytest.param(
            "tensorflow",
            "context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)",
            "gradients",
            Verdict.REFUTED,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_replicas_that_do_not_share_gradients_refute(
    framework: str,
    original: str,
    changed: str,
    native: Verdict,
    found: dict[str, Any],
    judged: Callable[[str, dict[str, Any]], Verdict],
    tmp_path: Path,
) -> None:
    twin = observe("distributed_processes", with_script(framework, tmp_path, original, changed))
    apart = twin[f"{framework}_replicas_without_communication_differ_by"]
    assert twin[f"{framework}_replicas_differ_by"] == pytest.approx(apart, abs=1e-6)
    seen = found | {name: value for name, value in twin.items() if name.startswith(framework)}
    assert judged(BOTH, seen) is Verdict.REFUTED
    assert judged(NATIVE, seen) is native


@pytest.mark.slow
def test_a_framework_that_needs_more_than_it_declares_is_not_native_but_still_trains(
    found: dict[str, Any], judged: Callable[[str, dict[str, Any]], Verdict]
) -> None:
    silent = """
from importlib.metadata import PathDistribution
declared = PathDistribution.requires
def requires(self):
    lines = declared.fget(self)
    return [line for line in lines or [] if "typing" not in line] if self.name == "torch" else lines
PathDistribution.requires = property(requires)
"""
    twin = observe("distributed_processes", only("pytorch") + silent)
    assert twin["pytorch_alone_suffices"] is False
    assert "typing_extensions" in twin["pytorch_error_alone"]
    assert (twin["pytorch_error"], twin["pytorch_processes"]) == (None, 2)
    as_tensorflow = {"tensorflow_alone_suffices": twin["pytorch_alone_suffices"]}
    assert judged(BOTH, found | as_tensorflow) is Verdict.SUPPORTED
    assert judged(NATIVE, found | as_tensorflow) is Verdict.REFUTED


@pytest.mark.slow
def test_a_framework_that_raises_is_a_finding_with_its_error(
    found: dict[str, Any], judged: Callable[[str, dict[str, Any]], Verdict], tmp_path: Path
) -> None:
    original, changed = '"gloo", init_method', '"no-such-backend", init_method'
    twin = observe("distributed_processes", with_script("pytorch", tmp_path, original, changed))
    assert "no-such-backend" in twin["pytorch_error"]
    assert twin["pytorch_replicas_differ_by"] is None
    seen = found | {name: value for name, value in twin.items() if name.startswith("pytorch")}
    assert judged(BOTH, seen) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("os.kill(os.getpid(), 9)", "rank 1, ended with status -9"),
        ("raise OSError(28, 'No space left on device')", "met a fault of the machine"),
        ("sys.stdin.read()", "did not answer within"),
    ],
)
def test_a_fault_of_the_machine_is_no_finding(fault: str, said: str, tmp_path: Path) -> None:
    changed = f"    if told['rank'] == 1:\n        {fault}\n    import torch\n\n    torch.set_num_threads(1)"
    code = with_script("pytorch", tmp_path, "    import torch\n\n    torch.set_num_threads(1)", changed)
    code += "from models import group; group.SECONDS = 1.0" if "stdin" in fault else ""
    with pytest.raises(RuntimeError, match=f"RuntimeError: distributed_pytorch.*{said}"):
        observe("distributed_processes", code)


@pytest.mark.slow
def test_data_that_cannot_tell_replicas_apart_are_no_finding() -> None:
    idle = only("pytorch") + "from models import tiny_regression; tiny_regression.STEPS = 0"
    with pytest.raises(RuntimeError, match="RuntimeError: pytorch alone learns the same"):
        observe("distributed_processes", idle)


@pytest.mark.parametrize("package", ["torch", "tensorflow"])
def test_without_a_framework_the_probe_says_what_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("distributed_processes", f"import sys; sys.modules[{package!r}] = None")


def test_the_folder_of_one_distribution_gives_it_and_its_needs_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "verifiers"))
    import distributed_processes

    for each in distributed_processes._needed("jinja2"):
        list(distributed_processes._linked(each, tmp_path))

    def imports(name: str) -> bool:
        command = [sys.executable, "-P", "-S", "-c", f"import {name}"]
        return subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True).returncode == 0

    assert [imports(name) for name in ("jinja2", "markupsafe", "numpy", "pytest")] == [
        True,
        True,
        False,
        False,
    ]
