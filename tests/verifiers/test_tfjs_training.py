"""The browser probe: TensorFlow.js in real Chromium, with a model that does not learn, and without WebGL."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

pytestmark = pytest.mark.skipif(
    not shutil.which("chromium") or not shutil.which("npm"), reason="needs /usr/bin/chromium and npm"
)
PLANTED = """
import sys
sys.path[:0] = [{root!r}]
from models import web_page
plain = web_page.call
def call(folder, function, given=None, flags=None):
    {change}
    return plain(folder, function, given, flags)
web_page.call = call
"""


def planted(change: str) -> str:
    """Return code after which the page is asked something else."""
    return PLANTED.format(root=str(ROOT / "verifiers"), change=change)


def verdict(found: dict[str, Any]) -> Verdict:
    """Return what the record's expectations make of a finding."""
    record = load_library(ROOT).record("tfjs-trains-in-browser")
    return judge_finding(record.claim.expect, found).verdict


def test_tensorflow_js_trains_on_webgl_in_chromium_and_infers_as_numpy_does() -> None:
    found = observe("tfjs_training")
    assert found["failure"] is None
    assert found["backend"] == "webgl"
    assert found["gpu_memory_bytes"] > 10_000
    assert found["renderer"]
    assert len(found["losses"]) == 16
    assert found["loss_after"] < 0.2 * found["loss_before"]
    assert found["output_scale"] > 1
    assert found["difference_share"] < 1e-4
    assert verdict(found) is Verdict.SUPPORTED


def test_a_learning_rate_of_zero_leaves_the_loss_and_refutes() -> None:
    found = observe("tfjs_training", planted("given['rate'] = 0.0"))
    assert found["loss_after"] == pytest.approx(found["loss_before"])
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_library_that_stays_on_plain_javascript_refutes() -> None:
    change = """function = function.replace("run('webgl')", "run('cpu')")"""
    found = observe("tfjs_training", planted(change))
    assert found["backend"] == "cpu"
    assert found["loss_after"] < found["loss_before"]
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_webgl_backend_that_throws_in_training_refutes_and_its_words_are_kept() -> None:
    thrown = "if (tf.getBackend() == 'webgl') throw new Error('no shader for this'); const cost"
    found = observe("tfjs_training", planted(f"function = function.replace('const cost', {thrown!r})"))
    assert "no shader for this" in found["failure"]
    assert found["losses"] == []
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
def test_predictions_that_are_not_those_of_the_weights_refute() -> None:
    change = "function = function.replace('const learned', 'logits[0] += 1; const learned')"
    found = observe("tfjs_training", planted(change))
    assert found["largest_output_difference"] == pytest.approx(1.0, rel=1e-3)
    assert verdict(found) is Verdict.REFUTED


def test_a_browser_without_webgl_says_nothing_of_the_library() -> None:
    change = "flags = ['--disable-gpu', '--disable-software-rasterizer', '--disable-3d-apis']"
    with pytest.raises(RuntimeError, match="Unavailable: needs WebGL 2"):
        observe("tfjs_training", planted(change))


@pytest.mark.slow
def test_a_page_that_fails_before_webgl_is_an_error_of_the_harness() -> None:
    change = "function = function.replace('await tf.setBackend', 'nothing.here')"
    with pytest.raises(RuntimeError, match="RuntimeError: the page failed before WebGL was asked for"):
        observe("tfjs_training", planted(change))


@pytest.mark.slow
def test_a_page_that_does_not_answer_is_an_error_and_no_finding() -> None:
    change = "web_page.PAGE_SECONDS = 1; function = 'async () => { for (;;); }'"
    with pytest.raises(RuntimeError, match=r"playwright.*Timeout"):
        observe("tfjs_training", planted(change))


def test_without_playwright_the_probe_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match="Unavailable: needs playwright; install it with: pip install"):
        observe("tfjs_training", "import sys; sys.modules['playwright'] = None")


def test_without_chromium_the_probe_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Unavailable: needs Chromium on the path"):
        observe("tfjs_training", environment={"PATH": str(tmp_path)})


def test_without_npm_or_a_kept_package_the_probe_says_so(tmp_path: Path) -> None:
    (tmp_path / "chromium").symlink_to(shutil.which("chromium"))
    environment = {"PATH": str(tmp_path), "KB_CACHE": str(tmp_path)}
    with pytest.raises(RuntimeError, match="Unavailable: needs npm for @tensorflow/tfjs"):
        observe("tfjs_training", environment=environment)


def test_a_registry_that_is_not_reached_leaves_the_claim_untested(tmp_path: Path) -> None:
    environment = {
        "KB_CACHE": str(tmp_path),
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(tmp_path / "empty"),
    }
    with pytest.raises(RuntimeError, match=r"Unavailable: needs @tensorflow/tfjs .* from npm's registry"):
        observe("tfjs_training", environment=environment)


def test_a_kept_package_that_was_altered_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / "tensorflow-tfjs-4.22.0.tgz").write_bytes(b"something else")
    (tmp_path / "chromium").symlink_to(shutil.which("chromium"))
    environment = {"PATH": str(tmp_path), "KB_CACHE": str(tmp_path)}
    with pytest.raises(RuntimeError, match="Unavailable: needs npm"):
        observe("tfjs_training", environment=environment)


def test_another_package_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\necho other > "$5/tensorflow-tfjs-4.22.0.tgz"\n', encoding="utf-8")
    npm.chmod(0o755)
    (tmp_path / "chromium").symlink_to(shutil.which("chromium"))
    environment = {"PATH": f"{tmp_path}:/bin", "KB_CACHE": str(tmp_path / "cache")}
    with pytest.raises(RuntimeError, match="RuntimeError: npm's registry gave another"):
        observe("tfjs_training", environment=environment)
