"""The probe of community packages, on the real ones, and on one that computes wrongly and one that is broken."""

from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

FAULTY = """
import torch_geometric.nn, transformers
plain = torch_geometric.nn.GCNConv.forward
torch_geometric.nn.GCNConv.forward = lambda *given: 1.1 * plain(*given)
def broken(config):
    raise NotImplementedError("no models here")
transformers.GPT2LMHeadModel = broken
"""


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    return judge_finding(
        load_library(ROOT).record("huggingface-pyg-pytorch-packages").claim.expect, found
    ).verdict


def test_a_language_model_and_a_graph_layer_compute_as_numpy_does_and_learn() -> None:
    found = observe("pytorch_community_packages")
    assert found["failures"] == {}
    assert found["worked"] == found["loss_fell_in"] == ["transformers", "torch_geometric"]
    assert 0 < found["largest_difference"] < 1e-5
    assert judged(found) is Verdict.SUPPORTED


def test_a_wrong_layer_shows_as_a_difference_and_a_broken_package_as_a_failure() -> None:
    found = observe("pytorch_community_packages", FAULTY)
    assert found["worked"] == ["torch_geometric"]
    assert found["failures"] == {"transformers": "NotImplementedError: no models here"}
    assert 0.01 < found["largest_difference"] < 1
    assert judged(found) is Verdict.REFUTED
    assert judged(found | {"worked": ["transformers", "torch_geometric"]}) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["MemoryError()", "OSError(28, 'no space left')"])
def test_a_fault_of_the_machine_is_an_error_and_no_finding(tmp_path: Path, fault: str) -> None:
    (tmp_path / "transformers.py").write_text(f"raise {fault}", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"MemoryError|no space left"):
        observe("pytorch_community_packages", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["torch", "transformers", "torch_geometric"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install"):
        observe("pytorch_community_packages", f"import sys; sys.modules[{package!r}] = None")
