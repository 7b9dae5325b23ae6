"""The conversion probe, on the real converters and a real browser, and on converters that do it badly."""

import importlib.util
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

VERIFIER = ROOT / "verifiers" / "litert_conversion.py"
IMPORTS = (
    f"import os, sys; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; sys.path[:0] = [{str(VERIFIER.parent)!r}]\n"
)
# Pooling and flattening leave nothing to fold, to fuse or to drop.
NOTHING_TO_FOLD = f"""{IMPORTS}
from models import keras_folding_cnn
def build(seed=0):
    import keras
    layers = [keras.Input((16, 16, 3)), keras.layers.MaxPooling2D(2), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential(layers)
keras_folding_cnn.build = build
"""
OTHER_WEIGHTS = f"""{IMPORTS}
from tensorflow.lite.python.lite import TFLiteConverterV2, TFLiteKerasModelConverterV2 as Converter
plain = Converter.convert
def convert(self):
    model = self._keras_model
    kept = model.get_weights()
    model.set_weights([1.1 * weight for weight in kept])
    converted = plain(self)
    model.set_weights(kept)
    return converted
Converter.convert = convert
"""
REFUSING = f"""{IMPORTS}
from tensorflow.lite.python.lite import TFLiteKerasModelConverterV2 as Converter
def convert(self):
    raise ValueError("no such operator")
Converter.convert = convert
"""


def verdict(found: dict[str, Any]) -> Verdict:
    """Return what the record's expectations make of a finding."""
    record = load_library(ROOT).record("static-graphs-optimize-mobile-web")
    return judge_finding(record.claim.expect, found).verdict


@pytest.fixture(scope="module")
def converter() -> dict[str, str]:
    """Return the variable that names the Python of the web converter's environment."""
    return {"KB_PYTHON_TFJS": str(isolated(environments(VERIFIER)["tfjs"]).path)}


def stand_in(folder: Path, script: str) -> dict[str, str]:
    """Return the variable that names a program in place of the web converter's Python."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    return {"KB_PYTHON_TFJS": str(python)}


@pytest.mark.slow
def test_conversion_folds_fuses_and_computes_the_same_on_mobile_and_web(converter: dict[str, str]) -> None:
    found = observe("litert_conversion", environment=converter)
    assert found["failures"] == {}
    assert found["graph_operators"]["Rsqrt"] == 2
    assert found["output_scale"] > 1
    for target in ("mobile", "web"):
        operators = found[f"{target}_operators"]
        assert not {"Rsqrt", "RSQRT", "Mul", "MUL", "Sub", "SUB", "BiasAdd"} & set(operators)
        assert found[f"{target}_removed"] == found["graph_operator_count"] - sum(operators.values()) > 10
        assert found[f"{target}_difference_share"] < 1e-5
        assert 300_000 < found[f"{target}_bytes"] < found["saved_model_bytes"]
    assert found["mobile_fused"] == 3
    assert found["web_operators"]["_FusedConv2D"] == 2
    assert verdict(found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_a_model_with_nothing_to_fold_or_fuse_refutes(converter: dict[str, str]) -> None:
    found = observe("litert_conversion", NOTHING_TO_FOLD, converter)
    assert found["failures"] == {}
    assert found["mobile_removed"] == found["web_removed"] == 0
    assert found["mobile_fused"] == found["web_fused"] == 0
    assert found["mobile_difference_share"] < 1e-5
    assert verdict(found) is Verdict.REFUTED


def test_a_file_with_other_weights_shows_as_a_difference_and_a_failing_web_converter_by_its_words(
    tmp_path: Path,
) -> None:
    failing = stand_in(
        tmp_path, 'case "$2" in -c) exit 0;; esac; echo "ValueError: Unsupported Ops" >&2; exit 1'
    )
    found = observe("litert_conversion", OTHER_WEIGHTS, failing)
    assert found["failures"] == {"web": "ValueError: Unsupported Ops"}
    assert found["web_removed"] is None
    assert found["mobile_removed"] > 10
    assert found["mobile_difference_share"] > 0.1
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_mobile_converter_that_refuses_the_model_is_a_finding(tmp_path: Path) -> None:
    failing = stand_in(
        tmp_path, 'case "$2" in -c) exit 0;; esac; echo "ValueError: Unsupported Ops" >&2; exit 1'
    )
    found = observe("litert_conversion", REFUSING, failing)
    assert found["failures"]["mobile"] == "ValueError: no such operator"
    assert found["mobile_removed"] is None
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("kill -9 $$", "-9"),
        ("echo 'ModuleNotFoundError: tensorflowjs' >&2; exit 1", "1"),
        ('case "$2" in -c) exit 0;; esac; echo "OSError: [Errno 28] No space left" >&2; exit 1', "1"),
    ],
)
def test_a_killed_converter_a_broken_environment_or_a_full_disk_is_an_error_and_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: str
) -> None:
    for variable in ("CUDA_VISIBLE_DEVICES", "TF_CPP_MIN_LOG_LEVEL"):  # the module sets them for its process
        monkeypatch.setenv(variable, "")
    python = Path(stand_in(tmp_path, script)["KB_PYTHON_TFJS"])
    with pytest.raises(RuntimeError, match=f"converter ended with status {status}"):
        _module()._web(python, tmp_path, None)


def test_without_the_converters_environment_the_probe_says_what_it_needs() -> None:
    with pytest.raises(RuntimeError, match="Unavailable: needs its environment 'tfjs'"):
        observe("litert_conversion", environment={"KB_PYTHON_TFJS": ""})


@pytest.mark.parametrize("package", ["tensorflow", "keras", "ai_edge_litert"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    name = package.replace("_", "-")
    with pytest.raises(
        RuntimeError, match=rf"Unavailable: needs {name}; install it with: pip install {name}=="
    ):
        observe("litert_conversion", f"import sys; sys.modules[{package!r}] = None")


def _module() -> Any:
    sys.path.insert(0, str(VERIFIER.parent))
    try:
        spec = importlib.util.spec_from_file_location("litert_conversion", VERIFIER)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(VERIFIER.parent))
    return module
