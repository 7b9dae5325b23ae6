"""The probe of TensorFlow's domain libraries: on stand-ins here, on the real ones where a registry is had."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from probe import ROOT, observe

from kb.claim import Expectation
from kb.findings import judge_finding
from kb.isolated import isolated
from kb.packages import environments

RECORD = ROOT / "claims/ecosystem/tensorflow-official-domain-libraries.yaml"
# Stands in for an environment: each call writes down the known value, but for the library that is told.
STAND_IN = """#!{python}
import json, sys
library, path = sys.argv[3:5]
{fault}
found = [2.0 if library == {wrong!r} else 1.0]
outcome = dict(found=found, expected=[1.0], version="1", asks_for=[], brought_tf_keras=False,
               tensorflow_version="2.21.0", keras_version="3.15.1")
open(path, "w").write(json.dumps(outcome))
"""


def verdict(finding: dict[str, Any]) -> str:
    record = yaml.safe_load(RECORD.read_text(encoding="utf-8"))
    return judge_finding([Expectation(**each) for each in record["expect"]], finding).verdict.value


def stand_in(folder: Path, wrong: str = "", fault: str = "") -> dict[str, str]:
    python = folder / "python"
    python.write_text(STAND_IN.format(python=sys.executable, wrong=wrong, fault=fault), encoding="utf-8")
    python.chmod(0o755)
    return {"KB_PYTHON_TENSORFLOW_DOMAINS": str(python)}


@pytest.mark.slow
def test_the_real_libraries_give_the_known_values_beside_current_tensorflow() -> None:
    needs = environments(ROOT / "verifiers/tensorflow_domain_libraries.py")["tensorflow_domains"]
    python = str(isolated(needs).path)
    found = observe("tensorflow_domain_libraries", environment={"KB_PYTHON_TENSORFLOW_DOMAINS": python})
    assert verdict(found) == "supported"
    assert found["brings_tf_keras"] == ["TensorFlow Probability"]
    assert "tf_keras" in found["without_tf_keras"]["TensorFlow Probability"]


def test_known_values_everywhere_support_the_claim(tmp_path: Path) -> None:
    assert verdict(observe("tensorflow_domain_libraries", environment=stand_in(tmp_path))) == "supported"


def test_a_library_that_computes_something_else_refutes_the_claim(tmp_path: Path) -> None:
    found = observe("tensorflow_domain_libraries", environment=stand_in(tmp_path, wrong="KerasCV"))
    assert found["wrong"] == {"KerasCV": [2.0]}
    assert verdict(found) == "refuted"


def test_a_library_that_raises_refutes_the_claim_and_its_error_is_kept(tmp_path: Path) -> None:
    fault = "if library == 'TensorFlow Text': raise ImportError('built for another TensorFlow')"
    found = observe("tensorflow_domain_libraries", environment=stand_in(tmp_path, fault=fault))
    assert found["failures"] == {"TensorFlow Text": "ImportError: built for another TensorFlow"}
    assert verdict(found) == "refuted"


def test_a_library_that_the_claim_does_not_name_decides_nothing(tmp_path: Path) -> None:
    found = observe("tensorflow_domain_libraries", environment=stand_in(tmp_path, wrong="KerasHub"))
    assert verdict(found) == "supported"


@pytest.mark.parametrize(
    "fault", ["raise MemoryError", "import os; os.kill(os.getpid(), 9)", "raise ImportError('gone')"]
)
def test_a_fault_of_the_machine_or_of_all_is_an_error_and_no_finding(tmp_path: Path, fault: str) -> None:
    with pytest.raises(RuntimeError, match=r"RuntimeError: (the call of tf.image ended|no library came)"):
        observe("tensorflow_domain_libraries", environment=stand_in(tmp_path, fault=fault))


def test_without_its_environment_the_probe_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs its environment 'tensorflow_domains'"):
        observe("tensorflow_domain_libraries")


def test_libraries_that_do_not_install_together_are_no_finding() -> None:
    with pytest.raises(RuntimeError, match=r"Refused: no release"):
        observe("tensorflow_domain_libraries", environment={"KB_REFUSED_TENSORFLOW_DOMAINS": "no release"})
