"""The probe of what the frameworks have for TPUs, with stand-ins for the packages beside PyTorch."""

import sys
from pathlib import Path

import pytest
from probe import observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

CLAIM = "tpu-native-tensorflow-bridge-pytorch"

BRIDGE = """#!{python}
import json, sys
{fault}
found = dict(bridge_version="1", bridge_error={error!r}, added={added}, version="2.13.0")
open(sys.argv[4], "w").write(json.dumps(found))
"""


def verdict(found: dict) -> Verdict:
    expected = load_library(Path(__file__).resolve().parents[2]).record(CLAIM).claim.expect
    return judge_finding(expected, found).verdict


def bridge(folder: Path, error: str | None = None, added: int = 0, fault: str = "") -> str:
    python = folder / f"python{added}"
    python.write_text(BRIDGE.format(python=sys.executable, error=error, added=added, fault=fault))
    python.chmod(0o755)
    return str(python)


def test_tensorflow_has_an_interface_of_its_own_and_a_bridge_adds_kernels_to_pytorch(tmp_path: Path) -> None:
    found = observe(
        "tpu_support",
        environment={"KB_PYTHON_TORCH_TPU": bridge(tmp_path, added=3), "KB_REFUSED_TORCH_XLA": "no release"},
    )
    assert found["tensorflow_alone_knows_tpu"] is True
    assert found["tensorflow_alone_starts_tpu"] is False
    assert found["torch_alone_knows_tpu"] is False
    assert "NotImplementedError" in found["torch_devices"]["xla"]
    assert found["bridges"]["torch_xla"]["error"] == "no release"
    assert found["bridges_that_work"] == ["torch_tpu"]
    assert verdict(found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_where_no_package_gives_pytorch_the_device_the_claim_is_refuted(tmp_path: Path) -> None:
    found = observe(
        "tpu_support",
        environment={
            "KB_PYTHON_TORCH_TPU": bridge(tmp_path, error="undefined symbol"),
            "KB_REFUSED_TORCH_XLA": "no release",
        },
    )
    assert verdict(found) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "fault"), [("MemoryError", ""), (None, "import os; os.kill(os.getpid(), 9)")]
)
def test_a_fault_of_the_machine_is_no_finding_about_a_bridge(
    tmp_path: Path, error: str | None, fault: str
) -> None:
    with pytest.raises(RuntimeError, match=r"fault of the machine|ended with status -9"):
        observe("tpu_support", environment={"KB_PYTHON_TORCH_XLA": bridge(tmp_path, error, fault=fault)})


@pytest.mark.parametrize("package", ["tensorflow", "torch"])
def test_without_a_framework_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install"):
        observe("tpu_support", f"import sys; sys.modules[{package!r}] = None")
