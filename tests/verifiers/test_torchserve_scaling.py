"""The scaling probe on a stand-in that goes wrong in each way, and on TorchServe itself, as it is and hobbled."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.programs import program
from kb.verifier import Unavailable
from kb.words import Verdict

VERIFIERS = ROOT / "verifiers"
STAND_IN = Path(__file__).with_name("torchserve_stand_in.py")
Probe = Callable[[str], dict[str, Any]]


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    claim = load_library(ROOT).record("torchserve-scalable-serving").claim
    return judge_finding(claim.expect, found).verdict


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Probe:
    """Probe a stand-in, planted with a fault that few and short waits show, on a machine however busy."""
    monkeypatch.syspath_prepend(str(VERIFIERS))
    import torchserve_scaling

    from models import torchserve_workers

    served = f'exec "{sys.executable}" "{STAND_IN}"'
    for name, does in (("torchserve", served), ("torch-model-archiver", ":"), ("java", ":")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("KB_PYTHON_TORCHSERVE", str(tmp_path / "python"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(torchserve_scaling, "MODEL", "null")
    monkeypatch.setattr(torchserve_scaling, "WAIT", 0.02)
    monkeypatch.setattr(torchserve_scaling, "ROUNDS", 1)
    monkeypatch.setattr(torchserve_scaling, "LEAST_OF_LIMIT", 0.0)
    monkeypatch.setattr(torchserve_workers, "SETTLE_SECONDS", 0.2)

    def planted(fault: str) -> dict[str, Any]:
        monkeypatch.setenv("STAND_IN", fault)
        found = torchserve_scaling.torchserve_scaling()
        assert sorted(found) == sorted(torchserve_scaling.torchserve_scaling.declaration.fields)
        return found

    return planted


def test_a_server_whose_workers_follow_is_found_to_scale_and_leaves_no_process(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchserve_scaling

    monkeypatch.setattr(torchserve_scaling, "WAIT", 0.1)  # long beside all else that a busy machine does
    monkeypatch.setattr(torchserve_scaling, "ROUNDS", 2)
    found = probe("")
    assert found["workers_listed"] == found["workers_that_answered"] == found["most_at_once"] == [1, 2, 1]
    assert max(found["answers_per_second"][0], found["answers_per_second"][2]) <= found["limit_of_one_worker"]
    assert found["two_workers_over_limit_of_one"] > 1.25
    assert (found["failed_while_growing"], found["failed_while_shrinking"], found["wrong"]) == (0, 0, 0)
    assert judged(found) is Verdict.SUPPORTED
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.parametrize("fault", ["ignores", "refuses to scale"])
def test_a_server_that_keeps_its_one_worker_refutes(probe: Probe, fault: str) -> None:
    found = probe(fault)
    assert found["workers_listed"] == [1, 1, 1]
    assert found["two_workers_over_limit_of_one"] <= 1
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
def test_workers_that_take_turns_refute_however_many_are_listed(probe: Probe) -> None:
    found = probe("one at a time")
    assert found["workers_listed"] == [1, 2, 1]
    assert found["two_workers_over_limit_of_one"] <= 1
    assert judged(found) is Verdict.REFUTED


def test_predictions_lost_while_workers_are_added_refute(probe: Probe) -> None:
    found = probe("drops growing")
    assert (found["failed_while_growing"], found["failed_while_shrinking"]) == (3, 0)
    assert found["failures"] == ['500 {"message": "Worker died."}'] * 3
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
def test_predictions_lost_while_workers_are_taken_away_are_counted_apart(probe: Probe) -> None:
    found = probe("drops shrinking")
    assert (found["failed_while_growing"], found["failed_while_shrinking"]) == (0, 3)


def test_a_worker_that_computes_something_else_refutes(probe: Probe) -> None:
    found = probe("wrong")
    assert found["wrong"] > 0
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("fails to scale", "was answered 500"),
        ("never ready", "UNLOADING"),
        ("dies", "."),
        ("drops growing, killed", "first worker ended"),
    ],
)
def test_a_server_that_fails_or_ends_is_an_error_and_no_finding(probe: Probe, fault: str, said: str) -> None:
    with pytest.raises((RuntimeError, OSError), match=said):
        probe(fault)


@pytest.mark.slow
def test_a_machine_on_which_one_worker_stays_far_below_its_limit_tells_nothing(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchserve_scaling

    monkeypatch.setattr(torchserve_scaling, "LEAST_OF_LIMIT", 0.7)
    with pytest.raises(Unavailable, match="too busy, or too slow") as lack:
        probe("slow")
    assert lack.value.reason == "no-hardware"


@pytest.mark.slow
def test_a_request_that_is_not_answered_in_time_is_an_error_and_no_failure_of_the_server(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models import steady_requests

    monkeypatch.setattr(steady_requests, "ANSWER_SECONDS", 0.01)
    with pytest.raises(RuntimeError, match="a request met TimeoutError"):
        probe("")


def test_without_torchserve_or_torch_the_probe_says_what_it_lacks() -> None:
    for before, said in (("", "needs its environment 'torchserve'"), ("torch", "needs torch; install it")):
        plant = f"import sys; sys.modules[{before!r}] = None" if before else ""
        with pytest.raises(RuntimeError, match=f"Unavailable: {said}"):
            observe("torchserve_scaling", plant, {"KB_PYTHON_TORCHSERVE": ""})


# All workers of the hobbled one wait for one lock before they begin.
HOBBLED = """
import fcntl
from torchserve_waiting_handler import WaitingHandler as Plain

class Handler(Plain):
    def inference(self, images):
        with open({lock!r}, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return super().inference(images)
"""
PLANT = """
import sys
sys.path.insert(0, {verifiers!r})
from pathlib import Path
from models import torchserve_workers
torchserve_workers.HANDLER = ",".join([str(torchserve_workers.HANDLER), str(torchserve_workers.WAITING)])
torchserve_workers.WAITING = Path({handler!r})
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_torchserve_itself_scales_and_one_whose_workers_share_a_lock_does_not(tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("needs Java")
    runs_on, _ = program(VERIFIERS / "torchserve_scaling.py", (), print)
    environment = dict(runs_on.variables)
    found = observe("torchserve_scaling", environment=environment)
    assert found["torchserve_version"] == "0.12.0"
    assert found["workers_listed"] == found["workers_that_answered"] == found["most_at_once"] == [1, 2, 1]
    assert judged(found) is Verdict.SUPPORTED
    handler = tmp_path / "hobbled.py"
    handler.write_text(HOBBLED.format(lock=str(tmp_path / "lock")), encoding="utf-8")
    plant = PLANT.format(verifiers=str(VERIFIERS), handler=str(handler))
    hobbled = observe("torchserve_scaling", plant, environment)
    assert hobbled["workers_listed"] == [1, 2, 1]
    assert hobbled["two_workers_over_limit_of_one"] <= 1
    assert judged(hobbled) is Verdict.REFUTED
