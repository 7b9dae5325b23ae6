"""The coverage probe: its rule, a part of the real list, and exporters planted to fail."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

sys.path.insert(0, str(ROOT / "verifiers"))
COUNTS = st.integers(0, 40)
PART = ("dense", "gelu", "softmax")
EASY = ("dense", "softmax", "max_pool", "layer_norm", "embedding")


def only(names: tuple[str, ...]) -> str:
    """Return the code that takes these items for the list; they are built as before."""
    return f"from models import onnx_layers; onnx_layers.NAMES = {names!r}"


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict of the record's expectations."""
    record = load_library(ROOT).record("pytorch-better-onnx-export")
    return judge_finding(record.claim.expect, found).verdict


@pytest.mark.parametrize(
    ("pytorch", "tensorflow", "better"),
    [
        (0, 0, None),
        (2, 0, None),
        (4, 0, None),
        (5, 0, "pytorch"),
        (0, 5, "tensorflow"),
        (6, 1, None),
        (7, 1, "pytorch"),
        (1, 7, "tensorflow"),
        (6, 6, None),
    ],
)
def test_a_lead_counts_from_where_chance_explains_it_in_one_list_of_twenty(
    pytorch: int, tensorflow: int, better: str | None
) -> None:
    from onnx_coverage import compared

    assert compared(pytorch, tensorflow)[0] == better


@given(COUNTS, COUNTS)
def test_the_rule_favours_no_side(pytorch: int, tensorflow: int) -> None:
    from onnx_coverage import compared

    swapped = {"pytorch": "tensorflow", "tensorflow": "pytorch", None: None}
    here, there = compared(pytorch, tensorflow), compared(tensorflow, pytorch)
    assert (swapped[here[0]], here[1]) == there


@pytest.mark.slow
def test_a_lead_of_one_in_a_part_of_the_list_is_no_verdict() -> None:
    found = observe("onnx_coverage", only(PART))
    assert found["missing"].startswith("of 3 items 3 convert from PyTorch and 2 from TensorFlow")
    assert "PyTorch alone: gelu; TensorFlow alone: none" in found["missing"]
    assert judged(found) is Verdict.INCONCLUSIVE


@pytest.mark.slow
def test_a_broken_converter_makes_pytorch_the_better_one(tmp_path: Path) -> None:
    (tmp_path / "tf2onnx.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
    found = observe("onnx_coverage", only(EASY), {"PYTHONPATH": str(tmp_path)})
    assert found["pytorch_alone"] == sorted(EASY)
    assert found["better"] == "pytorch"
    assert found["chance_if_equal"] == 1 / 32
    assert set(found["faults"]["tensorflow"]["from_keras"]) == set(EASY)
    assert judged(found) is Verdict.SUPPORTED
    json.dumps(found, allow_nan=False)


@pytest.mark.slow
def test_broken_exporters_of_pytorch_refute(tmp_path: Path) -> None:
    planted = (
        "import torch.onnx\ndef export(*_, **__): raise RuntimeError('broken')\ntorch.onnx.export = export"
    )
    (tmp_path / "planted.py").write_text(planted, encoding="utf-8")
    start = "import sys\nif 'onnx_from_torch' in ' '.join(sys.orig_argv): import planted"
    (tmp_path / "sitecustomize.py").write_text(start, encoding="utf-8")
    found = observe("onnx_coverage", only(EASY), {"PYTHONPATH": str(tmp_path)})
    assert found["tensorflow_alone"] == sorted(EASY)
    assert found["faults"]["pytorch"]["dynamo"]["dense"] == "RuntimeError: broken"
    assert found["better"] == "tensorflow"
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_list_leaves_it_open() -> None:
    found = observe("onnx_coverage")
    assert found["missing"].startswith("of 34 items 34 convert from PyTorch and 32")
    assert found["routes"]["pytorch"]["dynamo"]["agrees"] >= 30
    assert judged(found) is Verdict.INCONCLUSIVE
