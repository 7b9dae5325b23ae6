"""The probe of ONNX runtimes: it is open while TensorRT is missing, and refuted by one that fails."""

from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

SMALL = """
from models import architecture
plain = architecture.named
architecture.named = lambda name: plain("small-cnn")
"""
WRONG_RUNTIME = """
from models import onnx_file
right = onnx_file.answered
onnx_file.answered = lambda session, inputs: [1.01 * each for each in right(session, inputs)]
"""
NO_EXPORT = """
import torch
def export(*_, **__):
    raise RuntimeError("nothing is exported here")
torch.onnx.export = export
"""


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict of the record's expectations."""
    record = load_library(ROOT).record("onnx-export-runs-pytorch-elsewhere")
    return judge_finding(record.claim.expect, found).verdict


@pytest.mark.slow
def test_where_both_runtimes_on_the_cpu_agree_all_waits_for_a_gpu() -> None:
    said = r"Unavailable: needs an NVIDIA GPU(.|\n)*all 3 models run, outputs within \d\.\de-0[67]"
    with pytest.raises(RuntimeError, match=said):
        observe("onnx_runtimes")


def test_runtimes_that_raise_or_compute_something_else_refute(tmp_path: Path) -> None:
    (tmp_path / "openvino.py").write_text("raise RuntimeError('not on this chip')", encoding="utf-8")
    found = observe("onnx_runtimes", SMALL + WRONG_RUNTIME, {"PYTHONPATH": str(tmp_path)})
    assert found["onnx_runtime_models"] == found["openvino_models"] == 0
    assert found["runs"]["small-cnn"]["openvino"] == "RuntimeError: not on this chip"
    assert found["runs"]["small-cnn"]["onnx_runtime"] == pytest.approx(0.01, rel=0.01)
    assert found["tensorrt_models"] is None
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.SUPPORTED), (1.01, Verdict.REFUTED)])
def test_where_tensorrt_is_there_it_decides_with_the_others(factor: float, verdict: Verdict) -> None:
    """A mock for what cannot be had here: ONNX Runtime stands in for TensorRT, and is once made to be wrong."""
    stand_in = f"""
from models import onnx_tensorrt
from models.onnx_file import answered, session
onnx_tensorrt.lacks = lambda: None
def load(path):
    loaded = session(path.read_bytes())
    return lambda inputs: [{factor} * each for each in answered(loaded, inputs)]
onnx_tensorrt.load = load
"""
    found = observe("onnx_runtimes", SMALL + stand_in)
    assert found["openvino_models"] == 3
    assert found["tensorrt_models"] == (3 if verdict is Verdict.SUPPORTED else 0)
    assert judged(found) is verdict


@pytest.mark.slow
def test_an_exporter_that_raises_refutes_for_every_runtime() -> None:
    found = observe("onnx_runtimes", SMALL + NO_EXPORT)
    assert found["runs"]["resnet50"]["openvino"] == "export: RuntimeError: nothing is exported here"
    assert found["largest_difference"] is None
    assert judged(found) is Verdict.REFUTED


def test_a_full_disk_is_no_finding() -> None:
    full = NO_EXPORT.replace(
        'RuntimeError("nothing is exported here")', 'OSError(28, "No space left on device")'
    )
    with pytest.raises(RuntimeError, match=r"OSError: .Errno 28. No space left"):
        observe("onnx_runtimes", SMALL + full)


@pytest.mark.parametrize("package", ["torch", "openvino", "onnxscript"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("onnx_runtimes", f"import sys; sys.modules[{package!r}] = None")
