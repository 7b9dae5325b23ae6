"""Training a model that two processes keep between them, by the real frameworks and by routes that do not split it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

SPLIT = ("fsdp", "tensor_parallel", "dtensor", "parameter_server")
WHOLE = ("ddp", "multiworker")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return observe("model_parallelism")


@pytest.fixture(scope="module")
def judged() -> Callable[[dict[str, Any]], Verdict]:
    expect = load_library(ROOT).record("both-support-model-parallelism").claim.expect
    return lambda found: judge_finding(expect, found).verdict


def planted(framework: str, routes: tuple[str, ...], folder: Path, original: str, changed: str) -> str:
    """Return code after which the probe goes these routes only, by a script with one change."""
    script = ROOT / "verifiers" / "models" / f"distributed_{framework}.py"
    text = script.read_text(encoding="utf-8")
    assert text.count(original) == 1
    copy = folder / script.name
    copy.write_text(text.replace(original, changed), encoding="utf-8")
    return f"""
import pathlib, sys
sys.path.insert(0, {str(ROOT / "verifiers")!r})
from models import sharing
sharing.SCRIPTS[{framework!r}] = pathlib.Path({str(copy)!r})
plain = sharing.trained
def trained(framework, routes, path=""):
    return plain(framework, routes, path) if set(routes) <= set({routes!r}) else "not tried"
sharing.trained = trained
"""


def twin_of(
    found: dict[str, Any], framework: str, route: str, folder: Path, original: str, changed: str
) -> dict[str, Any]:
    """Return the finding with one route's part as it is where the framework has the fault."""
    seen = observe("model_parallelism", planted(framework, (route,), folder, original, changed))
    return found | {name: value for name, value in seen.items() if name.startswith(f"{route}_")}


@pytest.mark.parametrize("route", SPLIT)
def test_each_process_keeps_half_of_the_model_and_together_they_train_the_whole(
    route: str, found: dict[str, Any]
) -> None:
    assert found[f"{route}_error"] is None
    assert found[f"{route}_processes"] == 2
    assert found[f"{route}_held"] == [96, 96]
    assert found["parameters"] == 192
    assert found[f"{route}_differs_from_one_process_by"] <= 1e-6
    assert found["half_the_data_differs_by"] > 0.05


@pytest.mark.parametrize("route", WHOLE)
def test_data_parallel_processes_keep_the_whole_model_each(route: str, found: dict[str, Any]) -> None:
    assert found[f"{route}_held"] == [192, 192]
    assert found[f"{route}_largest_share"] == 1.0
    assert found[f"{route}_differs_from_one_process_by"] <= 1e-6


def test_the_claim_holds(found: dict[str, Any], judged: Callable[[dict[str, Any]], Verdict]) -> None:
    assert judged(found) is Verdict.SUPPORTED


def test_a_model_that_fsdp_left_whole_and_apart_refutes(
    found: dict[str, Any], judged: Callable[[dict[str, Any]], Verdict], tmp_path: Path
) -> None:
    original = "import fully_shard\n"
    changed = f"{original}\n    fully_shard = lambda module: module\n"
    twin = twin_of(found, "pytorch", "fsdp", tmp_path, original, changed)
    assert twin["fsdp_held"] == [192, 192]
    assert twin["fsdp_differs_from_one_process_by"] > 0.05
    assert judged(twin) is Verdict.REFUTED


@pytest.mark.slow
def test_a_route_of_tensorflow_that_keeps_weights_whole_refutes_though_it_trains_right(
    found: dict[str, Any], judged: Callable[[dict[str, Any]], Verdict], tmp_path: Path
) -> None:
    original, changed = "(columns, rows), strict=True", "(replicated, replicated), strict=True"
    twin = twin_of(found, "tensorflow", "dtensor", tmp_path, original, changed)
    assert twin["dtensor_held"] == [192, 192]
    assert twin["dtensor_differs_from_one_process_by"] <= 1e-6
    assert judged(twin) is Verdict.REFUTED


@pytest.mark.slow
def test_a_route_that_is_gone_is_a_finding_and_leaves_the_others_theirs(
    found: dict[str, Any], judged: Callable[[dict[str, Any]], Verdict], tmp_path: Path
) -> None:
    gone = ("import fully_shard\n", "import no_longer_here\n")
    seen = observe("model_parallelism", planted("pytorch", ("ddp", "fsdp"), tmp_path, *gone))
    assert "no_longer_here" in seen["fsdp_error"]
    assert (seen["ddp_error"], seen["ddp_processes"]) == (None, 2)
    twin = found | {name: value for name, value in seen.items() if name.startswith("fsdp_")}
    assert judged(twin) is Verdict.REFUTED


@pytest.mark.slow
def test_a_server_that_is_killed_is_no_finding(tmp_path: Path) -> None:
    original = "    if rank > 0:\n        return {}\n"
    changed = "    if rank > 0:\n        os.kill(os.getpid(), 9)\n"
    code = planted("tensorflow", ("parameter_server",), tmp_path, original, changed)
    with pytest.raises(
        RuntimeError, match="RuntimeError: distributed_tensorflow, rank 1, ended with status -9"
    ):
        observe("model_parallelism", code)


@pytest.mark.parametrize("package", ["torch", "tensorflow"])
def test_without_a_framework_the_probe_says_what_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("model_parallelism", f"import sys; sys.modules[{package!r}] = None")
