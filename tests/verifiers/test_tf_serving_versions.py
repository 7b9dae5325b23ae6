"""The probe of versions on a stand-in that goes wrong in each way; it is never taken for TensorFlow Serving."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.verifier import Unavailable
from kb.words import Verdict

VERIFIERS = ROOT / "verifiers"
STAND_IN = Path(__file__).with_name("versions_stand_in.py")
SAVED = """
import sys
from pathlib import Path
sys.path.insert(0, {verifiers!r})
import tensorflow as tf
from models import tensorflow_versions
for version in (1, 2):
    tensorflow_versions.save(Path({folder!r}), version)
    serve = tf.saved_model.load(str(Path({folder!r}) / str(version))).signatures["serving_default"]
    (answer,) = serve(features=tf.constant([[1.0, 2.0, 3.0]])).values()
    assert answer.numpy().tolist() == [[version * number for number in (1.0, 2.0, 3.0)]], version
"""
Probe = Callable[[str], dict[str, Any]]


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    claim = load_library(ROOT).record("tf-serving-versioned-serving").claim
    return judge_finding(claim.expect, found).verdict


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-in on the PATH under the server's name."""
    program = tmp_path / "tensorflow_model_server"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.fixture
def probe(program: None, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Probe the stand-in, planted with a fault, as though it were the server; it needs no SavedModel."""
    monkeypatch.syspath_prepend(str(VERIFIERS))
    import tf_serving_versions

    from models import tensorflow_versions

    monkeypatch.setattr(tensorflow_versions, "SAYS", "TensorFlow ModelServer: stand-in")
    monkeypatch.setattr(tensorflow_versions, "save", lambda folder, number: (folder / str(number)).mkdir())
    monkeypatch.setattr(tensorflow_versions, "SETTLE_SECONDS", 0.5)
    monkeypatch.setattr(tf_serving_versions, "SWAP_SECONDS", 2.0)

    def planted(fault: str) -> dict[str, Any]:
        monkeypatch.setenv("STAND_IN", fault)
        found = tf_serving_versions.tf_serving_versions()
        assert sorted(found) == sorted(tf_serving_versions.tf_serving_versions.declaration.fields)
        return found

    return planted


def test_a_server_that_swaps_without_a_failed_request_supports_and_leaves_no_process(probe: Probe) -> None:
    found = probe("")
    assert (found["answered_before"], found["answered_after"]) == ([1], [2])
    assert found["answered_when_asked_for"] == [1, 2]
    assert found["requests"] >= 100
    assert (found["failed"], found["wrong"], found["failures"]) == (0, 0, [])
    assert judged(found) is Verdict.SUPPORTED
    assert psutil.Process().children(recursive=True) == []


def test_requests_that_fail_during_the_swap_refute(probe: Probe) -> None:
    found = probe("refuses during the swap")
    assert found["failed"] == 3
    assert found["failures"] == ['503 {"error": "no version is available"}'] * 3
    assert found["answered_after"] == [2]
    assert judged(found) is Verdict.REFUTED


def test_a_server_that_never_swaps_refutes(probe: Probe) -> None:
    found = probe("never swaps")
    assert (found["answered_before"], found["answered_after"]) == ([1], [1])
    assert found["answered_when_asked_for"] == [1, None]
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_server_that_cannot_be_asked_for_the_old_version_refutes(probe: Probe) -> None:
    found = probe("forgets the old")
    assert found["answered_after"] == [2]
    assert found["answered_when_asked_for"] == [None, 2]
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
def test_answers_that_are_neither_versions_refute(probe: Probe) -> None:
    found = probe("computes wrongly")
    assert found["wrong"] > 0
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "said"), [("dies", "process ended"), ("loads for ever", "still LOADING")])
def test_a_server_that_ends_or_is_not_done_is_an_error_and_no_finding(
    probe: Probe, fault: str, said: str
) -> None:
    with pytest.raises(RuntimeError, match=said):
        probe(fault)


def test_the_stand_in_is_never_taken_for_tensorflow_serving(
    program: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(VERIFIERS))
    import tf_serving_versions

    with pytest.raises(Unavailable, match=r"needs TensorFlow Serving itself.*stand-in") as lack:
        tf_serving_versions.tf_serving_versions()
    assert lack.value.reason == "no-software"


def test_without_the_program_the_probe_says_where_to_get_it() -> None:
    with pytest.raises(RuntimeError, match="Unavailable: needs tensorflow_model_server on the PATH; get it"):
        observe("tf_serving_versions", environment={"PATH": "/nowhere"})


@pytest.mark.slow
def test_the_saved_models_answer_as_the_probe_expects_of_their_versions(tmp_path: Path) -> None:
    code = SAVED.format(verifiers=str(VERIFIERS), folder=str(tmp_path))
    quiet = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=os.environ | quiet, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
