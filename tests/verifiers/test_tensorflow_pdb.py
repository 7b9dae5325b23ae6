"""The debugger probe of Keras, on the real library, on a model that is always a graph, and on faulty programs."""

from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

# Every call of a model is one of a graph, which no setting runs eagerly.
ALWAYS_A_GRAPH = """
import sys
if "pdb" in sys.orig_argv:
    import keras
    import tensorflow as tf
    plain = keras.Model.__call__
    graphs = {}
    def call(self, *arguments):
        if id(self) not in graphs:
            graphs[id(self)] = tf.function(lambda *each: plain(self, *each)).get_concrete_function(*arguments)
        return graphs[id(self)](*arguments)
    keras.Model.__call__ = call
"""


def verdict_on(found: dict[str, Any]) -> Verdict:
    claim = load_library(ROOT).record("tensorflow-needs-tf-debugging").claim
    return judge_finding(claim.expect, found).verdict


def test_pdb_reads_a_keras_model_in_eager_mode_and_a_traced_one_only_when_told_to_run_eagerly() -> None:
    found = observe("tensorflow_pdb")
    assert found["modes_that_pdb_debugs"] == ["eager", "function-run-eagerly"]
    assert found["stops_in_two_calls"] == {"eager": 2, "function": 1, "function-run-eagerly": 2}
    assert set(found["stopped_in"].values()) == {"call"}
    assert found["tensor_value"]["eager"] == found["expected_value"] == [0.5, -5.0, -3.0, 5.5, 5.0, 3.0]
    assert found["tensor_value"]["function"] is None
    assert found["tensor_shape"]["function"] == [2, 3]
    assert all(found["steps_line_by_line"].values())
    assert "tf.debugging" not in found["transcript"]
    assert "\x1b" not in found["transcript"]
    assert verdict_on(found) is Verdict.REFUTED


def test_a_model_that_is_always_a_graph_shows_no_numbers_in_any_mode_and_the_claim_holds(
    tmp_path: Path,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ALWAYS_A_GRAPH, encoding="utf-8")
    found = observe("tensorflow_pdb", environment={"PYTHONPATH": str(tmp_path)})
    assert found["stops_in_two_calls"]["eager"] == 1
    assert found["tensor_value"]["eager"] is None
    assert found["modes_that_pdb_debugs"] == []
    assert verdict_on(found) is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("keras", "said"),
    [
        ("import os; print('gone'); os._exit(3)", "pdb ended before its prompt"),
        ("raise ImportError('gone')", "pdb did not carry out 'c'"),
    ],
)
def test_a_program_that_does_not_come_up_is_an_error_and_no_finding(
    tmp_path: Path, keras: str, said: str
) -> None:
    (tmp_path / "keras.py").write_text(keras, encoding="utf-8")
    with pytest.raises(RuntimeError, match=rf"RuntimeError: {said}(.|\n)*gone"):
        observe("tensorflow_pdb", environment={"PYTHONPATH": str(tmp_path)})


def test_a_program_that_ends_before_its_last_line_is_an_error_and_no_finding(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("raise SystemExit", encoding="utf-8")
    with pytest.raises(RuntimeError, match="RuntimeError: pdb did not come to the script's end"):
        observe("tensorflow_pdb", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install"):
        observe("tensorflow_pdb", f"import sys; sys.modules[{package!r}] = None")
