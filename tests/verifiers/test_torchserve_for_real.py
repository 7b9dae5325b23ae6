"""TorchServe itself, in an environment of its own, which is made from the package registry once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from kb.programs import program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
ROOT = Path(__file__).parents[2]
RTOL = 1e-4
CELLS = (("null,mlp", "grpc,rest-binary,rest-json", "1,8"), ("resnet50", "grpc", "8"))


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """Return what TorchServe answered in every cell; see `served.py`."""
    if shutil.which("java") is None:
        pytest.skip("needs Java")
    runs_on, _ = program(ROOT / "verifiers" / "serving_throughput.py", (), print)
    command = [sys.executable, str(ROOT / "tests" / "verifiers" / "served.py"), "torchserve/default"]
    environment = os.environ | dict(runs_on.variables) | {"PYTHONPATH": str(ROOT)}
    found = []
    for cells in CELLS:
        done = subprocess.run([*command, *cells], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        found += [json.loads(line) for line in done.stdout.splitlines()]
    return found


def test_it_answers_what_the_model_itself_answers(answers: list[dict[str, Any]]) -> None:
    assert len(answers) == 2 * 3 * 2 + 1
    for answer in answers:
        assert answer["same_shape"], answer
        assert answer["difference"] < RTOL, answer


def test_all_its_workers_are_ready_before_it_is_asked(answers: list[dict[str, Any]]) -> None:
    assert {answer["settings"]["threads"] for answer in answers} == {2}
    assert {answer["settings"]["server"] for answer in answers} == {"TorchServe 0.12.0"}


def test_no_process_is_left_when_the_one_that_started_it_has_ended(answers: list[dict[str, Any]]) -> None:
    started = {process for answer in answers for process in answer["processes"]}
    assert len(started) >= 4, "a launcher, a Java machine and two workers for each model and batch"
    assert not [process for process in started if _lives(process)]


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
