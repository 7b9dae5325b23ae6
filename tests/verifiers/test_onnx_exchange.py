"""The exchange probe on the real exporters, and on a TensorFlow whose converter is broken."""

from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

BROKEN = "raise RuntimeError('this converter is broken')"


def judged(claim: str, found: dict[str, Any]) -> Verdict:
    """Return the verdict that a record's expectations give a finding."""
    record = load_library(ROOT).record(claim)
    return judge_finding(record.claim.expect, found).verdict


@pytest.mark.slow
def test_one_network_leaves_both_frameworks_as_files_that_compute_alike() -> None:
    found = observe("onnx_exchange")
    assert set(found["pytorch_routes"]) == {"dynamo", "torchscript"}
    assert set(found["tensorflow_routes"]) == {"command_line", "from_function", "from_keras", "keras_export"}
    for outcome in [*found["pytorch_routes"].values(), *found["tensorflow_routes"].values()]:
        assert outcome["agrees"] is (outcome["error"] is None)
    assert "KeyError" in found["tensorflow_routes"]["from_keras"]["error"]
    assert found["pytorch_routes"]["dynamo"]["agrees"]
    assert found["tensorflow_routes_working"] == 3
    assert 0 < found["difference_between_frameworks"] < 1e-5
    assert judged("both-support-onnx", found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_a_framework_of_which_no_route_works_refutes(tmp_path: Path) -> None:
    (tmp_path / "tf2onnx.py").write_text(BROKEN, encoding="utf-8")
    found = observe("onnx_exchange", environment={"PYTHONPATH": str(tmp_path)})
    assert found["tensorflow_routes_working"] == 0
    assert "broken" in found["tensorflow_routes"]["from_function"]["error"]
    assert found["pytorch_routes_working"] == 2
    assert judged("both-support-onnx", found) is Verdict.REFUTED


@pytest.mark.parametrize("package", ["torch", "tf2onnx", "onnxruntime"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("onnx_exchange", f"import sys; sys.modules[{package!r}] = None")
