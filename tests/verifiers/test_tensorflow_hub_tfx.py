"""The probe of Hub and TFX: on stand-ins for their environments here, on the real Hub where a registry is had."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.isolated import isolated
from kb.library import load_library
from kb.packages import environments
from kb.words import Verdict

LAYER = {"Keras 3": "ValueError: not a layer", "Keras 2": [[1.0, 2.0]]}
LOADED: dict[str, Any] = {
    "hub_version": "0.16.1",
    "tensorflow_version": "2.21.0",
    "keras_version": "3.15.1",
    "expected": [[1.0, 2.0]],
    "loaded": [[1.0, 2.0]],
    "keras_layer": LAYER,
}
# Writes down what it is given, as the script would, after a fault if there is one.
STAND_IN = """#!{python}
import json, sys
{fault}
open(sys.argv[-1], "w").write({outcome!r})
"""


def stand_in(folder: Path, name: str, outcome: dict[str, Any], fault: str = "") -> dict[str, str]:
    python = folder / name
    text = STAND_IN.format(python=sys.executable, fault=fault, outcome=json.dumps(outcome))
    python.write_text(text, encoding="utf-8")
    python.chmod(0o755)
    return {f"KB_PYTHON_{name.upper()}": str(python)}


def tfx(folder: Path, fault: str = "") -> dict[str, str]:
    asks = ["tensorflow-hub<0.16,>=0.15.0"]
    return stand_in(folder, "tfx", {"has": [], "versions": {"tfx": "1.21.0"}, "asks_for": asks}, fault)


def hub(folder: Path, fault: str = "", **changed: Any) -> dict[str, str]:
    return stand_in(folder, "hub", LOADED | changed, fault)


def verdict(found: dict[str, Any]) -> Verdict:
    record = load_library(ROOT).record("tf-hub-tfx-streamline-sharing")
    return judge_finding(record.claim.expect, found).verdict


def test_equal_outputs_and_an_import_support_the_claim_whatever_becomes_of_the_layer(tmp_path: Path) -> None:
    found = observe("tensorflow_hub_tfx", environment=hub(tmp_path) | tfx(tmp_path))
    assert found["keras_layer"] == {"Keras 3": "ValueError: not a layer", "Keras 2": "outputs within 0.0"}
    assert found["tfx_asks_for"] == ["tensorflow-hub<0.16,>=0.15.0"]
    assert found["failures"] == {}
    assert verdict(found) is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("loaded", "difference"),
    [([[1.0, 2.1]], pytest.approx(0.1)), ([[1.0]], None), ("ValueError: Trying to load a TF1 model", None)],
)
def test_other_outputs_or_an_error_of_hub_refute_the_claim(
    tmp_path: Path, loaded: list[list[float]] | str, difference: float | None
) -> None:
    found = observe("tensorflow_hub_tfx", environment=hub(tmp_path, loaded=loaded) | tfx(tmp_path))
    assert found["largest_output_difference"] == difference
    assert ("Hub" in found["failures"]) is isinstance(loaded, str)
    assert verdict(found) is Verdict.REFUTED


def test_a_tfx_that_does_not_import_refutes_the_claim_and_its_error_is_kept(tmp_path: Path) -> None:
    broken = tfx(tmp_path, "raise ImportError('built for another TensorFlow')")
    found = observe("tensorflow_hub_tfx", environment=hub(tmp_path) | broken)
    assert found["failures"] == {"TFX": "ImportError: built for another TensorFlow"}
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.parametrize("refused", ["hub", "tfx"])
def test_one_of_the_two_that_does_not_install_refutes_the_claim(tmp_path: Path, refused: str) -> None:
    other = tfx(tmp_path) if refused == "hub" else hub(tmp_path)
    found = observe("tensorflow_hub_tfx", environment=other | {f"KB_REFUSED_{refused.upper()}": "a conflict"})
    assert list(found["failures"].values()) == ["a conflict"]
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise ImportError('no keras')", "hub_load.py failed outside Hub: ImportError: no keras"),
        ("raise MemoryError", "hub_load.py ended with status 1"),
        ("import os; os.kill(os.getpid(), 9)", "hub_load.py ended with status -9"),
    ],
)
def test_what_fails_outside_hub_is_an_error_and_no_finding(tmp_path: Path, fault: str, said: str) -> None:
    with pytest.raises(RuntimeError, match=f"RuntimeError: {said}"):
        observe("tensorflow_hub_tfx", environment=hub(tmp_path, fault) | tfx(tmp_path))


@pytest.mark.parametrize("absent", ["hub", "tfx"])
def test_without_one_of_the_environments_the_probe_says_so(tmp_path: Path, absent: str) -> None:
    other = tfx(tmp_path) if absent == "hub" else hub(tmp_path)
    with pytest.raises(RuntimeError, match=f"Unavailable: needs its environment '{absent}'"):
        observe("tensorflow_hub_tfx", environment=other)


def test_a_python_that_tfx_does_not_support_says_nothing_of_it() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs Python 3\.10 to 3\.13"):
        observe(
            "tensorflow_hub_tfx",
            "import sys; sys.version_info = (3, 14, 0)",
            environment={"KB_REFUSED_TFX": "not on this Python"},
        )


@pytest.mark.slow
def test_the_real_hub_loads_a_model_with_its_outputs_and_has_no_layer_for_keras_3(tmp_path: Path) -> None:
    python = str(isolated(environments(ROOT / "verifiers/tensorflow_hub_tfx.py")["hub"]).path)
    found = observe("tensorflow_hub_tfx", environment={"KB_PYTHON_HUB": python} | tfx(tmp_path))
    assert found["hub_loads"] is True
    assert found["output_scale"] > 1
    assert found["largest_output_difference"] < 1e-6
    assert "Only instances of `keras.Layer`" in found["keras_layer"]["Keras 3"]
    assert found["keras_layer"]["Keras 2"].startswith("outputs within")
    assert verdict(found) is Verdict.SUPPORTED
