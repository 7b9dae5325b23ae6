"""The probe of PyTorch's routes to production, with TorchServe itself where it can be had."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.programs import program
from kb.words import Verdict

# TorchServe is given another model; nothing is saved; ONNX Runtime raises.
PLANTED = """
import torch
from models import onnx_file, served_models
plain = served_models._pytorch
def perturbed(cell):
    model = plain(cell)
    with torch.no_grad():
        model.dense2.weight.mul_(1.1)
    return model
served_models._pytorch = perturbed
def save(*_):
    raise NotImplementedError("nothing is saved here")
torch.export.save = save
def session(_):
    raise RuntimeError("no session here")
onnx_file.session = session
"""
KILLED = """
import os, signal, sys
if "torch.export.load" in " ".join(sys.orig_argv):
    os.kill(os.getpid(), signal.SIGKILL)
"""
ROUTES = ("torch_export", "onnx_runtime", "torchserve")


@pytest.fixture(scope="module")
def served() -> dict[str, str]:
    """Return the variables that name TorchServe's environment, which is made from the package registry once."""
    if shutil.which("java") is None:
        pytest.skip("needs Java")
    return dict(program(ROOT / "verifiers" / "pytorch_production_routes.py", (), print)[0].variables)


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict of the record's expectations."""
    record = load_library(ROOT).record("torch-export-onnxruntime-torchserve-options")
    return judge_finding(record.claim.expect, found).verdict


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_one_model_answers_alike_through_all_three(served: dict[str, str]) -> None:
    found = observe("pytorch_production_routes", environment=served)
    assert found["errors"] == {}
    assert found["versions"]["torchserve"] == "TorchServe 0.12.0"
    assert found["output_scale"] > 1
    assert all(found[f"{route}_difference"] < 1e-5 for route in ROUTES)
    assert judged(found) is Verdict.SUPPORTED


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_route_that_raises_or_answers_something_else_refutes(served: dict[str, str]) -> None:
    found = observe("pytorch_production_routes", PLANTED, served)
    assert found["errors"]["torch_export"] == "NotImplementedError: nothing is saved here"
    assert found["errors"]["onnx_runtime"] == "RuntimeError: no session here"
    assert found["torch_export_difference"] is None
    assert found["onnx_runtime_difference"] is None
    assert found["torchserve_difference"] > 0.01
    for route in ROUTES:
        others_are_sound = {f"{each}_difference": 0.0 for each in ROUTES if each != route}
        assert judged({**found, **others_are_sound}) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_process_that_is_ended_from_outside_is_no_finding(served: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(KILLED, encoding="utf-8")
    with pytest.raises(RuntimeError, match="exported program's process ended with status -9"):
        observe("pytorch_production_routes", environment={**served, "PYTHONPATH": str(tmp_path)})


def test_without_its_environment_or_a_package_it_says_what_is_needed() -> None:
    absent = {name: "" for name in os.environ if name.startswith("KB_PYTHON_")} | {"KB_PYTHON_TORCHSERVE": ""}
    with pytest.raises(RuntimeError, match="Unavailable: needs its environment 'torchserve'"):
        observe("pytorch_production_routes", environment=absent)
    with pytest.raises(RuntimeError, match="Unavailable: needs onnxscript; install it with: pip install"):
        observe("pytorch_production_routes", "import sys; sys.modules['onnxscript'] = None")
