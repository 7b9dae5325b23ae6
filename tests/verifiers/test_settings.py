"""What a framework says is in force is what is in force, also where it was changed behind the cell's back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMMON = {
    "arm", "version", "threads", "device", "dtype", "tf32", "onednn", "layout", "allocator", "deterministic",
    "cudnn_benchmark",
}  # fmt: skip
SCRIPT = """
import json, sys
from kb.verifier import Cell, Unavailable
from models import settings

arm, change = sys.argv[1:]
apply = getattr(settings, arm.partition("/")[0])
cell = Cell(arm, threads=1)
framework = apply(cell)
found = {"applied": settings.observed(cell), "lacking": {}}
for device in ("cuda", "rocm", "mps", "xpu", "tpu"):
    try:
        apply(Cell(arm, threads=1, device=device))
    except Unavailable as lack:
        found["lacking"][device] = [lack.reason, str(lack)]
exec(change)
found["changed"] = settings.observed(cell)
print(json.dumps(found))
"""
CHANGES = {
    "pytorch/eager": """
framework.set_num_threads(2)
framework.set_default_dtype(framework.float64)
framework.backends.cudnn.allow_tf32 = True
framework.use_deterministic_algorithms(True)
framework.backends.mkldnn.enabled = False
""",
    "tensorflow/function": """
import keras
keras.config.set_dtype_policy("float64")
keras.config.set_image_data_format("channels_first")
framework.config.experimental.enable_tensor_float_32_execution(True)
framework.config.experimental.enable_op_determinism()
""",
    "jax/jit": """
framework.config.update("jax_enable_x64", True)
framework.config.update("jax_default_matmul_precision", "default")
""",
}


@pytest.fixture(scope="module")
def said() -> dict[str, dict[str, Any]]:
    """What each framework says in a process of its own, once as applied and once as changed."""
    path = f"{ROOT}:{ROOT / 'verifiers'}"
    environment = {
        "PYTHONPATH": path,
        "PATH": "/usr/bin:/bin",
        "LD_PRELOAD": "",
        "TF_GPU_ALLOCATOR": "as set",
    }
    processes = {
        arm: subprocess.Popen(
            [sys.executable, "-c", SCRIPT, arm, change],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arm, change in CHANGES.items()
    }
    found = {}
    for arm, process in processes.items():
        printed, errors = process.communicate(timeout=240)
        assert process.returncode == 0, f"{arm}: {errors[-2000:]}"
        found[arm] = json.loads(printed.splitlines()[-1])
    return found


@pytest.mark.parametrize("arm", CHANGES)
def test_the_names_common_to_all_frameworks_are_there_and_as_the_cell_asks(said, arm) -> None:
    found = said[arm]["applied"]
    assert set(found) >= COMMON
    wanted = {"threads": 1, "device": "cpu", "dtype": "float32", "tf32": False, "deterministic": False}
    assert {name: found[name] for name in wanted} == wanted
    assert found["allocator"]["TF_GPU_ALLOCATOR"] == "as set"


@pytest.mark.parametrize(
    ("arm", "changed"),
    [
        (
            "pytorch/eager",
            {"threads": 2, "dtype": "float64", "tf32": True, "deterministic": True, "onednn": False},
        ),
        (
            "tensorflow/function",
            {"dtype": "float64", "tf32": True, "deterministic": True, "layout": "NCHW"},
        ),
        ("jax/jit", {"dtype": "float64", "tf32": True, "x64": True}),
    ],
)
def test_what_was_changed_behind_the_cells_back_is_observed(said, arm, changed) -> None:
    applied, found = said[arm]["applied"], said[arm]["changed"]
    assert {name: found[name] for name in changed} == changed
    assert all(applied[name] != found[name] for name in changed)


@pytest.mark.parametrize("device", ["cuda", "rocm", "mps", "xpu", "tpu"])
@pytest.mark.parametrize("arm", CHANGES)
def test_a_device_that_is_not_here_is_said_to_be_needed(said, arm, device) -> None:
    reason, sentence = said[arm]["lacking"][device]
    assert reason == "no-hardware"
    assert sentence.startswith(f"needs a {device} device that {arm.partition('/')[0]}")


def test_pytorch_for_rocm_says_cuda_and_is_called_rocm(monkeypatch) -> None:
    """Without such a build here, only its one mark is set: a version of HIP."""
    from types import SimpleNamespace

    monkeypatch.syspath_prepend(str(ROOT / "verifiers"))
    from kb.verifier import Cell
    from models import places

    for hip, name in ((None, "cuda"), ("6.2.0", "rocm")):
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(version=SimpleNamespace(hip=hip)))
        assert places.named("pytorch", "cuda") == name
        assert places.named("pytorch", "cpu") == "cpu"
    assert places.place(Cell("pytorch/eager", device="rocm")) == "cuda"
    assert places.place(Cell("pytorch/eager", device="xpu")) == "xpu"
