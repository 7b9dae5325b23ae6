"""The quantisation probe, on LiteRT itself, on a converter that does not quantise, and on bad calibration."""

from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

# Starting TensorFlow up takes long and is tried once, with the rest left as it is.
PLANTED = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path[:0] = [{verifiers!r}]
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.lite import TFLiteKerasModelConverterV2 as Converter
plain = Converter.convert
def convert(self):
    if self.representative_dataset is not None:
        {change}
    return plain(self)
Converter.convert = convert
import subprocess
def started(command, **given):
    import time
    share = 1 if command[3] == "litert" else 10
    return subprocess.CompletedProcess(command, 0, f"{{time.time() + share}} {{share}}000000", "")
real = subprocess.run
subprocess.run = lambda command, **given: (
    started(command, **given) if "litert_startup" in str(command) else real(command, **given)
)
"""
NOT_QUANTISED = """self.optimizations, self.representative_dataset = [], None
        self.target_spec.supported_ops = {tf.lite.OpsSet.TFLITE_BUILTINS}
        self.inference_input_type = self.inference_output_type = tf.float32"""
BADLY_CALIBRATED = (
    "self.representative_dataset = lambda: ([np.full((1, 16, 16, 3), 1e-3, np.float32)] for _ in range(9))"
)
FAILING = "raise ValueError('no int8 kernel for this')"
UNTRAINED = "import keras; keras.Sequential.fit = lambda *given, **named: None\n"
FULL_DISK = "raise OSError(28, 'No space left on device')"


def planted(change: str) -> str:
    """Return code after which conversion to int8 does something else, and start-up is not tried."""
    return PLANTED.format(verifiers=str(ROOT / "verifiers"), change=change)


def verdict(found: dict[str, Any]) -> Verdict:
    """Return what the record's expectations make of a finding."""
    record = load_library(ROOT).record("tflite-quantization")
    return judge_finding(record.claim.expect, found).verdict


@pytest.mark.slow
def test_int8_is_small_gives_the_same_labels_and_starts_quickly() -> None:
    found = observe("litert_quantization")
    assert found["failure"] is None
    assert found["size_share"] < 0.3
    assert found["float_bytes"] > 4 * found["parameters"]
    assert found["whole_integer"] is True
    assert found["accuracy_float"] > 0.9
    assert found["label_agreement"] > 0.99
    assert found["latency_int8_us"] > 0
    assert found["startup_memory_share"] < 0.5
    assert 1 < found["startup_peak_mb"]["litert"] < found["startup_peak_mb"]["tensorflow"]
    assert verdict(found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_a_converter_that_does_not_quantise_refutes() -> None:
    found = observe("litert_quantization", planted(NOT_QUANTISED))
    assert found["size_share"] == pytest.approx(1.0, abs=0.01)
    assert found["whole_integer"] is False
    assert found["label_agreement"] == 1.0
    assert verdict(found) is Verdict.REFUTED


def test_ranges_calibrated_on_data_of_another_kind_cost_the_labels_and_refute() -> None:
    found = observe("litert_quantization", planted(BADLY_CALIBRATED))
    assert found["size_share"] < 0.3
    assert found["label_agreement"] < 0.9
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_conversion_that_the_framework_refuses_refutes_and_its_words_are_kept() -> None:
    found = observe("litert_quantization", UNTRAINED + planted(FAILING))
    assert found["failure"] == "ValueError: no int8 kernel for this"
    assert found["size_share"] is None
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_model_that_did_not_learn_is_an_error_since_its_labels_mean_nothing() -> None:
    with pytest.raises(RuntimeError, match=r"RuntimeError: the float32 model gets \d+% right"):
        observe("litert_quantization", UNTRAINED)


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_no_finding() -> None:
    with pytest.raises(RuntimeError, match="No space left on device"):
        observe("litert_quantization", UNTRAINED + planted(FULL_DISK))


@pytest.mark.parametrize("package", ["tensorflow", "ai_edge_litert"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    name = package.replace("_", "-")
    with pytest.raises(
        RuntimeError, match=rf"Unavailable: needs {name}; install it with: pip install {name}=="
    ):
        observe("litert_quantization", f"import sys; sys.modules[{package!r}] = None")
