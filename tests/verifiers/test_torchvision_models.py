"""The listing of pretrained models: of planted libraries, and, slowly, of the released ones."""

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

VERIFIER = ROOT / "verifiers" / "torchvision_models.py"
VISION = """
from types import SimpleNamespace
import torch
def list_models():
    return [f"net{i}" for i in range(30)] + ["bare"] + [f"quantized_net{i}" for i in range(40)]
def get_model_weights(name):
    return [] if name == "bare" else [SimpleNamespace(url=f"{name}-v{i}") for i in (1, 2)]
def get_model(name, weights):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(10))
"""
BUNDLE = """
T5_{number} = T5Bundle(
    _path=urljoin(_TEXT_BUCKET, "t5.{number}.pt"),
)
T5_{number}.__doc__ = ""
"""
BROKEN = "raise OSError('not loaded') from OSError('undefined symbol: old')"


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    return judge_finding(
        load_library(ROOT).record("torchvision-torchtext-50-models").claim.expect, found
    ).verdict


def planted(folder: Path, text: str = "", vision: str = VISION) -> dict[str, str]:
    """Return the variables with which planted libraries are found; TorchText has 25 models."""
    bundles = "".join(BUNDLE.format(number=number) for number in range(25))
    files = {
        "torchvision/__init__.py": "__version__ = '9.9'",
        "torchvision/_C.so": "no library",
        "torchvision/models.py": vision,
        "torchtext/__init__.py": text,
        "torchtext/models/t5/bundler.py": bundles,
        "torchtext-9.9.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: torchtext\nVersion: 9.9\nRequires-Dist: torch>=2.3\nRequires-Dist: tqdm\n"
        ),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "KB_PYTHON_TORCHVISION": sys.executable}


def test_fifty_models_of_both_libraries_are_enough_where_both_import(tmp_path: Path) -> None:
    found = observe("torchvision_models", environment=planted(tmp_path))
    assert found["torchvision_models"] == 30
    assert found["torchvision_quantized_models"] == 40
    assert found["torchvision_weight_files"] == 140
    assert found["torchvision_without_weights"] == ["bare"]
    assert found["torchtext_models"] == 25
    assert found["torchtext_requires"] == ["torch>=2.3"]
    assert found["torchtext_imports"] is True
    assert found["models_that_import"] == 55
    assert judged(found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_the_models_of_a_library_that_does_not_import_do_not_count(tmp_path: Path) -> None:
    found = observe("torchvision_models", environment=planted(tmp_path, BROKEN))
    assert found["torchtext_imports"] is False
    assert found["torchtext_error"] == "OSError: not loaded; OSError: undefined symbol: old"
    assert (found["torchtext_models"], found["models_that_import"]) == (25, 30)
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "vision", "said"),
    [
        ("raise MemoryError", VISION, "TorchText's import met a fault of the machine"),
        ("", "raise ImportError('gone')", "torchvision_listing.py ended with status 1(.|\n)*gone"),
        ("", "import os; os.kill(os.getpid(), 9)", "torchvision_listing.py ended with status -9"),
    ],
)
def test_a_fault_of_the_machine_or_no_list_is_an_error_and_no_finding(
    tmp_path: Path, text: str, vision: str, said: str
) -> None:
    with pytest.raises(RuntimeError, match=f"RuntimeError: {said}"):
        observe("torchvision_models", environment=planted(tmp_path, text, vision))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KB_PYTHON_TORCHVISION": ""}, "Unavailable: needs its environment 'torchvision'"),
        ({"KB_REFUSED_TORCHVISION": "they do not install together"}, "Refused: they do not install together"),
    ],
)
def test_without_its_environment_the_probe_says_why(variables: dict[str, str], said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        observe("torchvision_models", environment=variables)


@pytest.mark.slow
def test_torchvision_lists_over_a_hundred_models_and_torchtext_does_not_import() -> None:
    python = isolated(environments(VERIFIER)["torchvision"]).path
    found = observe("torchvision_models", environment={"KB_PYTHON_TORCHVISION": str(python)})
    assert found["torchvision_models"] == 109
    assert found["torchvision_without_weights"] == []
    assert found["torchtext_models"] == 32
    assert found["torchtext_imports"] is False
    assert "undefined symbol" in found["torchtext_error"]
    assert judged(found) is Verdict.SUPPORTED
