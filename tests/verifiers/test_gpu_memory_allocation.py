"""The GPU memory probe: its rule on planted readings, and its processes against a GPU that is made up.

There is no GPU here. A stand-in for TensorFlow and PyTorch counts what it would hold in files, and a stand-in
for nvidia-smi adds up those of living processes; how much is taken by default is the stand-in's to choose.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.vendors import nvidia
from kb.verification import Options, verify
from kb.words import Budget, Reason, Verdict

sys.path.insert(0, str(ROOT / "verifiers"))
from gpu_memory_allocation import judged

PREALLOCATES, COLLIDES, CONTROLS = CLAIMS = (
    "tensorflow-preallocates-gpu-memory",
    "tensorflow-fragmentation-multiprocess",
    "tensorflow-fine-grained-memory-control",
)
MIB = 2**20
POOL = """
import os, pathlib
folder, total = pathlib.Path(os.environ["GPU_FOLDER"]), 16384 * 2**20
def living(path):
    try:
        os.kill(int(path.name), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
def free():
    return total - sum(int(path.read_text() or 0) for path in folder.iterdir() if living(path))
def hold(size):
    if size > free():
        raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
    path = folder / str(os.getpid())
    held = int(path.read_text()) if path.exists() else 0
    path.write_text(str(held + size))
"""
SMI = f"""#!{sys.executable}
import sys
sys.path.insert(0, {{folder!r}})
import pool
known = {{{{"uuid": "GPU-1", "name": "Made-up GPU", "memory.total": pool.total // 2**20,
         "memory.free": pool.free() // 2**20}}}}
fields = next(each for each in sys.argv if each.startswith("--query-gpu=")).partition("=")[2].split(",")
print(", ".join(str(known[field]) for field in fields))
"""
TENSORFLOW = """
import contextlib, os, types
import pool
if os.environ.get("GPU_FAULT"):
    exec(os.environ["GPU_FAULT"])
share, keeps = float(os.environ["GPU_SHARE"]), os.environ["GPU_KEEPS"] == "yes"
state = {"growth": False, "limits": [], "capacity": None, "used": 0}
def logical(kind):
    if state["capacity"] is None:
        limits = state["limits"] if keeps else []
        grows = state["growth"] and keeps
        pool.hold(400 * 2**20)
        state["capacity"] = sum(limits) * 2**20 or (0 if grows else int(share * pool.free()))
        pool.hold(state["capacity"])
    return ["GPU"] * max(len(state["limits"]), 1)
def fill(shape, value):
    size = 4 * shape[0]
    limited = state["limits"] and keeps
    room = state["limits"][0] * 2**20 if limited else state["capacity"]
    if state["used"] + size > room:
        if limited or size > pool.free():
            raise RuntimeError("ResourceExhaustedError: OOM when allocating tensor")
        pool.hold(size)
    state["used"] += size
    return [value]
config = types.SimpleNamespace(
    list_physical_devices=lambda kind: ["GPU:0"] if os.environ.get("GPU_SEEN", "yes") == "yes" else [],
    list_logical_devices=logical,
    LogicalDeviceConfiguration=lambda memory_limit: memory_limit,
    set_logical_device_configuration=lambda gpu, limits: state.update(limits=limits),
    experimental=types.SimpleNamespace(set_memory_growth=lambda gpu, enable: state.update(growth=enable)),
)
def device(name):
    return contextlib.nullcontext()
"""
TORCH = """
import types
import pool
def full(shape, value, device):
    pool.hold(400 * 2**20 + 4 * shape[0])
    return [value]
cuda = types.SimpleNamespace(is_available=lambda: True, device_count=lambda: 1)
"""


def reading(
    taken: float, second: list[Any] | None, refused: list[Any] | None = None, devices: int = 1
) -> dict:
    """Return what a process showed that took this share of 16 GiB."""
    before = 16384 * MIB
    return {
        "before": before,
        "during": int(before * (1 - taken)),
        "sees_gpu": True,
        "devices": devices,
        "refused": [None] if refused is None else refused,
        "second_refused": second,
    }


def as_documented() -> dict[str, dict[str, Any]]:
    """Return readings as TensorFlow's guide would have them."""
    return {
        "tensorflow/default": reading(0.96, ["OOM"]),
        "tensorflow/growth": reading(0.03, [None]),
        "tensorflow/limit": reading(0.03 + 1536 / 16384, None, [None, "OOM"], devices=2),
        "pytorch/default": reading(0.03, [None]),
    }


def verdict(claim: str, found: dict[str, Any]) -> Verdict:
    """Return what a record's expectations make of a finding."""
    return judge_finding(load_library(ROOT).record(claim).claim.expect, found).verdict


def machine(folder: Path, **settings: str) -> dict[str, str]:
    """Make up a GPU and frameworks; return the variables under which a process has them."""
    (folder / "held").mkdir()
    (folder / "bin").mkdir()
    for name, code in {"pool": POOL, "tensorflow": TENSORFLOW, "torch": TORCH}.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    smi = folder / "bin" / "nvidia-smi"
    smi.write_text(SMI.format(folder=str(folder)), encoding="utf-8")
    smi.chmod(0o755)
    return {
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(folder),
        "GPU_FOLDER": str(folder / "held"),
        "GPU_SHARE": "0.96",
        "GPU_KEEPS": "yes",
        **settings,
    }


def test_readings_as_the_guide_describes_them_support_all_three_claims() -> None:
    found = judged(as_documented())
    assert found["tensorflow_share"] == pytest.approx(0.96)
    assert found["growth_over_default"] == pytest.approx(0.03 / 0.96)
    assert found["pytorch_share"] == pytest.approx(0.03)
    assert [verdict(claim, found) for claim in CLAIMS] == [Verdict.SUPPORTED] * 3


@pytest.mark.parametrize(
    ("claim", "arm", "changed"),
    [
        (PREALLOCATES, "tensorflow/default", reading(0.85, ["OOM"])),
        (COLLIDES, "tensorflow/default", reading(0.96, [None])),
        (COLLIDES, "tensorflow/growth", reading(0.03, ["OOM"])),
        (CONTROLS, "tensorflow/growth", reading(0.5, [None])),
        (CONTROLS, "tensorflow/limit", reading(0.5, None, [None, "OOM"], devices=2)),
        (CONTROLS, "tensorflow/limit", reading(0.12, None, [None, None], devices=2)),
        (CONTROLS, "tensorflow/limit", reading(0.12, None, ["OOM", "OOM"], devices=2)),
        (CONTROLS, "tensorflow/limit", reading(0.12, None, [None, "OOM"], devices=1)),
    ],
)
def test_one_reading_that_denies_a_claim_refutes_it(claim: str, arm: str, changed: dict[str, Any]) -> None:
    assert verdict(claim, judged(as_documented() | {arm: changed})) is Verdict.REFUTED


def test_a_pytorch_without_cuda_leaves_its_own_fields_empty_and_the_claims_decided() -> None:
    blind = reading(0.0, None, []) | {"sees_gpu": False}
    found = judged(as_documented() | {"pytorch/default": blind})
    assert found["pytorch_share"] is found["second_computes_in_pytorch"] is None
    assert [verdict(claim, found) for claim in CLAIMS] == [Verdict.SUPPORTED] * 3


def test_a_first_process_without_room_for_a_tiny_tensor_is_an_error_and_no_finding() -> None:
    with pytest.raises(RuntimeError, match=r"tensorflow/growth found no room for 4096 bytes: \['OOM'\]"):
        judged(as_documented() | {"tensorflow/growth": reading(0.03, [None], ["OOM"])})


def test_a_framework_that_preallocates_is_read_by_the_drivers_count(tmp_path: Path) -> None:
    found = observe("gpu_memory_allocation", environment=machine(tmp_path))
    assert found["gpu"] == "Made-up GPU, 16384 MiB"
    assert found["tensorflow_share"] == pytest.approx(0.96, abs=0.01)
    assert found["growth_share"] == found["pytorch_share"] == pytest.approx(400 / 16384, abs=0.01)
    assert found["second_computes_by_default"] is False
    assert found["second_computes_with_growth"] is found["second_computes_in_pytorch"] is True
    assert "OOM when allocating" in found["readings"]["tensorflow/limit"]["refused"][1]
    assert [verdict(claim, found) for claim in CLAIMS] == [Verdict.SUPPORTED] * 3


def test_a_framework_that_takes_little_and_ignores_limits_refutes_all_three(tmp_path: Path) -> None:
    environment = machine(tmp_path, GPU_SHARE="0.05", GPU_KEEPS="no")
    found = observe("gpu_memory_allocation", environment=environment)
    assert found["tensorflow_share"] < 0.1
    assert found["second_computes_by_default"] is True
    assert found["limit_kept"] is False
    assert [verdict(claim, found) for claim in CLAIMS] == [Verdict.REFUTED] * 3


def test_a_tensorflow_that_sees_no_gpu_lacks_software(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Unavailable: needs a TensorFlow that sees the GPU: pip install"):
        observe("gpu_memory_allocation", environment=machine(tmp_path, GPU_SEEN="no"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("os.kill(os.getpid(), 9)", "tensorflow/default ended with status -9"),
        (
            "raise OSError('disk')",
            "tensorflow/default ended with status 1 before it held anything: (.|\n)*disk",
        ),
        (
            "pool.pathlib.Path(os.environ['GPU_FOLDER'], '1').write_text(str(2**32))",
            "others use Made-up GPU: 16384 MiB free before tensorflow, 12288 after",
        ),
    ],
)
def test_a_fault_of_the_machine_is_an_error_and_no_finding(tmp_path: Path, fault: str, said: str) -> None:
    with pytest.raises(RuntimeError, match=f"RuntimeError: {said}"):
        observe("gpu_memory_allocation", environment=machine(tmp_path, GPU_FAULT=fault))


@pytest.mark.skipif(bool(nvidia()), reason="there is an NVIDIA GPU here")
def test_without_a_gpu_the_claims_are_untested_and_the_interface_is_told() -> None:
    library = load_library(ROOT)
    found = verify(library, library.record(CONTROLS), Options(budget=Budget.SMOKE))
    assert (found.verdict, found.reason) == (Verdict.UNTESTED, Reason.NO_HARDWARE)
    assert "needs an NVIDIA GPU; this machine has none" in found.because
    assert "set_memory_growth, set_logical_device_configuration, LogicalDeviceConfiguration" in found.because
