"""The TFX probe on stand-in packages: TFX is built for a newer C library than most machines here have."""

import sys
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.isolated import Unresolvable, isolated
from kb.library import load_library
from kb.packages import environments
from kb.verifier import Unavailable
from kb.words import Verdict

# Stands in for TensorFlow Data Validation: each unknown value of a column of words is an anomaly.
DATA_VALIDATION = """
from types import SimpleNamespace

def generate_statistics_from_dataframe(table, n_jobs):
    return table

def infer_schema(table):
    return {name: set(column) for name, column in table.items() if isinstance(column[0], str)}

def validate_statistics(table, schema):
    said = SimpleNamespace(short_description="Unexpected string values")
    unknown = {name: said for name, known in schema.items() if set(table[name]) - known}
    return SimpleNamespace(anomaly_info=unknown)
"""
# Stands in for TensorFlow Model Analysis: it takes the two metrics by their definitions.
MODEL_ANALYSIS = """
from types import SimpleNamespace

def analyze_raw_data(rows, configuration, output_path):
    scored = list(zip(rows["prediction"], rows["label"]))
    right = sum((score > 0.5) == (label == 1) for score, label in scored) / len(scored)
    ups, downs = ([score for score, label in scored if label == kind] for kind in (1, 0))
    area = sum(up > down for up in ups for down in downs) / (len(ups) * len(downs))
    metrics = {"binary_accuracy": {"doubleValue": right}, "auc": {"doubleValue": area}}
    return SimpleNamespace(get_metrics_for_slice=lambda sliced: metrics)
"""
TFX = """
from types import SimpleNamespace
components = SimpleNamespace(StatisticsGen=1, SchemaGen=1, ExampleValidator=1, Evaluator=1)
"""
FILES = {
    "tfx/__init__.py": "",
    "tfx/v1.py": TFX,
    "tensorflow_data_validation.py": DATA_VALIDATION,
    "tensorflow_model_analysis/__init__.py": MODEL_ANALYSIS,
    "tensorflow_model_analysis/proto/__init__.py": "",
    "tensorflow_model_analysis/proto/config_pb2.py": (
        "ModelSpec = MetricsSpec = MetricConfig = SlicingSpec = EvalConfig = lambda **given: given"
    ),
    # A table is a dict of columns, and so much of TensorFlow as the scores need is numpy's.
    "pandas.py": "DataFrame = dict",
    "tensorflow.py": """
import numpy as np
constant = np.float32
class Scores(np.ndarray):
    def numpy(self): return np.asarray(self)
def sigmoid(inputs): return (1 / (1 + np.exp(-inputs))).view(Scores)
""",
}
VERSIONS = {
    "tfx": "1.21.0",
    "tensorflow": "2.21.0",
    "tensorflow-data-validation": "1.21.0",
    "tensorflow-model-analysis": "0.52.0",
    "tensorflow-hub": "0.15.0",
}


def planted(folder: Path, **changed: str) -> dict[str, str]:
    """Return the variables with which the stand-ins are found, some modules of which are changed."""
    texts = FILES | {f"{module}.py": text for module, text in changed.items()}
    for package, version in VERSIONS.items():
        place = f"{package.replace('-', '_')}-{version}.dist-info/METADATA"
        asks = "Requires-Dist: tensorflow-hub<0.16,>=0.15.0\n" if package == "tfx" else ""
        texts[place] = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{asks}"
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "KB_PYTHON_TFX": sys.executable}


def verdict(found: dict[str, Any]) -> Verdict:
    record = load_library(ROOT).record("tfx-data-validation-model-analysis")
    return judge_finding(record.claim.expect, found).verdict


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The finding on stand-ins that do their work."""
    return observe("tfx_validation", environment=planted(tmp_path_factory.mktemp("sound")))


def test_a_validation_and_an_analysis_that_work_support_the_claim(sound: dict[str, Any]) -> None:
    assert sound["anomalies_in_sound_table"] == {}
    assert sound["anomalies_in_faulty_table"] == {"colour": "Unexpected string values"}
    assert sound["metrics"] == sound["expected_metrics"] == {"binary_accuracy": 0.75, "auc": 0.8125}
    assert sound["asks_for"] == ["tensorflow-hub<0.16,>=0.15.0"]
    assert list(sound["failures"]) == ["pipeline"], "the stand-in has no components, and decides without"
    assert verdict(sound) is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("module", "old", "new", "field"),
    [
        ("tensorflow_data_validation", "set(table[name]) - known", "False", "anomalies_in_faulty_table"),
        ("tensorflow_data_validation", "set(table[name]) - known", "True", "false_alarms"),
        ("tensorflow_data_validation", "def infer_schema", "def infer", "failures"),
        ("tensorflow_model_analysis/__init__", "score > 0.5", "score > 0.9", "right_metrics"),
        ("tensorflow_model_analysis/__init__", "up > down", "up < down", "right_metrics"),
        ("tfx/v1", ", Evaluator=1", "", "components"),
    ],
)
def test_a_part_that_does_not_do_its_work_refutes_the_claim(
    tmp_path: Path, sound: dict[str, Any], module: str, old: str, new: str, field: str
) -> None:
    whole = FILES[f"{module}.py"]
    assert old in whole
    found = observe("tfx_validation", environment=planted(tmp_path, **{module: whole.replace(old, new)}))
    assert found[field] != sound[field]
    assert verdict(found) is Verdict.REFUTED


def test_packages_that_do_not_install_together_refute_the_claim_and_say_why() -> None:
    found = observe("tfx_validation", environment={"KB_REFUSED_TFX": "tfx depends on an older tensorflow"})
    assert found["refusal"] == "tfx depends on an older tensorflow"
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise MemoryError", "ended with status 1"),
        ("raise RuntimeError('StatusCode.UNAVAILABLE')", "ended with status 1"),
        ("import os; os.kill(os.getpid(), 9)", "ended with status -9"),
    ],
)
def test_a_fault_of_the_machine_is_an_error_and_no_finding(tmp_path: Path, fault: str, said: str) -> None:
    with pytest.raises(RuntimeError, match=f"RuntimeError: tfx_part.py data_validation {said}"):
        observe("tfx_validation", environment=planted(tmp_path, tensorflow_data_validation=fault))


@pytest.mark.slow
def test_a_part_that_does_not_end_is_an_error_and_no_finding(tmp_path: Path) -> None:
    hung = planted(tmp_path, **{"tfx/v1": "import threading; threading.Event().wait()"})
    with pytest.raises(RuntimeError, match=r"tfx_part.py components did not end within 0.5 s"):
        observe(
            "tfx_validation",
            "import models.script_outcome as script; script.CHILD_SECONDS = 0.5",
            environment=hung,
        )


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("", "Unavailable: needs its environment 'tfx'"),
        ("import sys; sys.version_info = (3, 14, 0)", "Unavailable: needs Python 3.10 to 3.13"),
    ],
)
def test_without_its_environment_or_a_python_that_tfx_supports_the_probe_says_so(
    before: str, said: str
) -> None:
    with pytest.raises(RuntimeError, match=said):
        observe("tfx_validation", before)


@pytest.mark.slow
def test_real_tfx_finds_the_planted_value_and_takes_the_known_metrics() -> None:
    needs = environments(ROOT / "verifiers/tfx_validation.py")["tfx"]
    try:
        python = str(isolated(needs).path)
    except Unresolvable:
        raise  # they should install together wherever they are built for
    except Unavailable as lacking:
        pytest.skip(str(lacking))
    found = observe("tfx_validation", environment={"KB_PYTHON_TFX": python})
    assert found["failures"] == {}
    assert found["pipeline"] == {
        "sound": found["anomalies_in_sound_table"],
        "faulty": found["anomalies_in_faulty_table"],
    }
    assert verdict(found) is Verdict.SUPPORTED
