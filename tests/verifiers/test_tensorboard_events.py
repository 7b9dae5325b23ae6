"""The TensorBoard probe, on the real frameworks and page, and on frameworks that log something else."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

sys.path.insert(0, str(ROOT / "verifiers"))
from models.tensorboard_shown import Shown, page

BOTH, GRAPHS = "tensorboard-works-with-both", "tensorboard-graphs-histograms"
FRAMEWORKS = ["tensorflow", "pytorch"]
BROWSES = pytest.mark.skipif(
    not shutil.which("chromium") or find_spec("playwright") is None, reason="needs chromium and playwright"
)
# PyTorch's series is off by a bit, its histogram lacks values; TensorFlow writes no graph; no browser.
FAULTY = """
import sys
if any("models/tensorboard_pytorch" in each for each in sys.orig_argv):
    import numpy as np
    from torch.utils.tensorboard import SummaryWriter
    scalar, histogram = SummaryWriter.add_scalar, SummaryWriter.add_histogram
    SummaryWriter.add_scalar = lambda self, tag, value, step: scalar(
        self, tag, np.nextafter(value, np.float32(9)), step)
    SummaryWriter.add_histogram = lambda self, tag, values, step: histogram(self, tag, values[:-1], step)
elif any("models/tensorboard_tensorflow" in each for each in sys.orig_argv):
    import tensorflow as tf
    tf.summary.graph = lambda graph: None
elif any("probe.py" in each for each in sys.orig_argv):
    sys.modules["playwright"] = None
"""
# Every installation of TensorFlow brings TensorBoard, as up to 2.20.
BRINGS = """
import importlib.metadata
plain = importlib.metadata.requires
importlib.metadata.requires = lambda name: [
    *(plain(name) or []), *(["tensorboard~=2.20"] if name == "keras" else [])]
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """The finding on the frameworks as they are."""
    return observe("tensorboard_events")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The finding on faulty frameworks, where there is no browser."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "sitecustomize.py").write_text(FAULTY, encoding="utf-8")
    return observe("tensorboard_events", BRINGS, environment={"PYTHONPATH": str(folder)})


def verdict(claim: str, found: dict[str, Any]) -> Verdict:
    """Return what a record's expectations make of a finding."""
    return judge_finding(load_library(ROOT).record(claim).claim.expect, found).verdict


@pytest.mark.slow
def test_tensorboard_has_what_both_frameworks_wrote(found: dict[str, Any]) -> None:
    assert found["failures"] == {}
    for kind in ("scalars", "histograms", "graphs"):
        assert found[f"{kind}_read"] == found[f"{kind}_served"] == FRAMEWORKS
    assert {run: sum(counts) for run, counts in found["histogram_counts"].items()} == dict.fromkeys(
        FRAMEWORKS, 1000
    )
    assert "encoder/MatMul (MatMul)" in found["graph_operations"]["tensorflow"]
    assert verdict(GRAPHS, found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_tensorflow_2_21_neither_brings_tensorboard_nor_logs_scalars_without_it(
    found: dict[str, Any],
) -> None:
    assert found["versions"]["tensorflow"] == "2.21.0"
    assert found["requires_tensorboard"] is False
    assert "TBNotInstalledError" in found["failure_without_tensorboard"]
    assert verdict(BOTH, found) is Verdict.INCONCLUSIVE
    assert verdict(BOTH, found | {"out_of_the_box": True, "missing": None}) is Verdict.SUPPORTED
    assert verdict(BOTH, found | {"scalars_read": ["pytorch"]}) is Verdict.REFUTED


@BROWSES
def test_a_page_that_does_not_come_up_is_not_seen_and_says_why() -> None:
    found = page("http://127.0.0.1:9/", {"tensorflow": Shown([1.0], [], [])})
    assert list(found) == ["not_seen"]
    assert "http://127.0.0.1:9/" in found["not_seen"]


@pytest.mark.slow
@BROWSES
def test_the_page_shows_the_names_of_runs_series_and_layers_and_asks_nobody_else(
    found: dict[str, Any],
) -> None:
    assert found["page_shows"] == {
        "scalars": ["loss", *FRAMEWORKS],
        "histograms": ["weights", *FRAMEWORKS],
        "graphs": ["tensorflow: encoder", "pytorch: Model"],
    }
    assert found["foreign_requests"] == []
    assert found["page_not_seen"] is None
    assert found["browser"].startswith("Chromium ")


@pytest.mark.slow
def test_frameworks_that_log_something_else_refute_both_claims(faulty: dict[str, Any]) -> None:
    assert faulty["requires_tensorboard"] is True
    assert faulty["scalars_read"] == faulty["scalars_served"] == ["tensorflow"]
    assert faulty["histograms_read"] == faulty["histograms_served"] == ["tensorflow"]
    assert faulty["graphs_read"] == faulty["graphs_served"] == ["pytorch"]
    assert verdict(BOTH, faulty) is verdict(GRAPHS, faulty) is Verdict.REFUTED


@pytest.mark.slow
def test_without_a_browser_the_server_is_asked_alone_and_the_finding_says_so(faulty: dict[str, Any]) -> None:
    assert faulty["page_shows"] is faulty["foreign_requests"] is faulty["browser"] is None
    assert faulty["page_not_seen"].startswith("needs playwright; install it with: pip install playwright==")


def test_a_histogram_agrees_only_with_joined_buckets_that_count_every_value() -> None:
    values = np.array([0.5, 1.5, 1.6, 2.0])
    good = [[0.0, 1.0, 1.0], [1.0, 2.0, 3.0]]
    assert Shown([], good, []).has_histogram(values)
    for bad in (
        [],
        [[0.0, 1.0, 1.0], [1.0, 2.0, 2.0]],
        [[0.0, 1.0, 2.0], [1.0, 2.0, 2.0]],
        [[0.0, 1.0, 1.0], [1.5, 2.0, 3.0]],
        [[0.0, 1.0, 1.0]],
        [[0.0, 1.0, 1.0], [1.0, 0.5, 3.0]],
    ):
        assert not Shown([], bad, []).has_histogram(values)


def test_a_graph_agrees_only_with_each_layers_product_and_the_relu() -> None:
    nodes = [("encoder/MatMul", "MatMul"), ("decoder/MatMul", "MatMul"), ("encoder/Relu", "Relu")]
    assert Shown([], [], nodes).has_graph()
    for gone in range(3):
        assert not Shown([], [], nodes[:gone] + nodes[gone + 1 :]).has_graph()
    assert not Shown([], [], [("encoder/Add", "Add"), *nodes[1:]]).has_graph()


@pytest.mark.slow
def test_a_framework_that_cannot_log_is_a_failure_and_refutes(tmp_path: Path) -> None:
    fault = """
import sys
if any("models/tensorboard_" in each for each in sys.orig_argv):
    sys.modules["torch"] = sys.modules["tensorflow"] = None
"""
    (tmp_path / "sitecustomize.py").write_text(fault, encoding="utf-8")
    found = observe("tensorboard_events", environment={"PYTHONPATH": str(tmp_path)})
    assert list(found["failures"]) == FRAMEWORKS
    assert "import of torch halted" in found["failures"]["pytorch"]
    assert found["graphs_read"] == found["scalars_served"] == []
    assert verdict(GRAPHS, found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["raise MemoryError", "import os; os.kill(os.getpid(), 9)"])
def test_a_fault_of_the_machine_is_an_error_and_no_finding(tmp_path: Path, fault: str) -> None:
    for name in ("tensorflow", "torch"):
        (tmp_path / f"{name}.py").write_text(fault, encoding="utf-8")
    with pytest.raises(RuntimeError, match="RuntimeError: tensorflow's logging ended with status"):
        observe("tensorboard_events", environment={"PYTHONPATH": str(tmp_path)})


def test_a_server_that_does_not_come_up_is_an_error_and_no_finding(tmp_path: Path) -> None:
    fault = """
import sys
if any("models/tensorboard_" in each for each in sys.orig_argv):
    sys.modules["torch"] = sys.modules["tensorflow"] = None
elif "tensorboard.main" in sys.orig_argv:
    sys.exit("no port")
"""
    (tmp_path / "sitecustomize.py").write_text(fault, encoding="utf-8")
    said = r"RuntimeError: TensorBoard did not start within 90 s: (.|\n)*no port"
    with pytest.raises(RuntimeError, match=said):
        observe("tensorboard_events", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["tensorflow", "torch", "tensorboard"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("tensorboard_events", f"import sys; sys.modules[{package!r}] = None")
