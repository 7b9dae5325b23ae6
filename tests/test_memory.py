"""The meter is tried in fresh processes that take known amounts; what no machine here has is stood in for."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from kb.memory import MIB, Meter, weight
from kb.verifier import Unavailable

ROOT = Path(__file__).parent.parent
EXACTNESS = 0.01
PREAMBLE = """
import gc, json, sys, threading
from pathlib import Path
import numpy as np
from kb import memory
from kb.memory import MIB, Meter

def take(mib):
    taken = np.empty(mib * MIB, np.uint8)
    taken[:] = 1
    return taken

def report(meter):
    json.dump(meter.stop(), sys.stdout)
"""
UNRESETTABLE = """
def refuse(*_, **__):
    raise PermissionError("clear_refs")
Path.write_text = refuse
"""


def measured(script: str) -> dict[str, int]:
    """Run a script after the preamble in a fresh interpreter and return what it reported."""
    ended = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, int] = json.loads(ended.stdout)
    return found


def about(mib: int):
    return pytest.approx(mib * MIB, rel=EXACTNESS)


@pytest.mark.parametrize("mib", [64, 256, 512])
def test_what_is_held_is_both_peak_and_live_to_one_percent(mib):
    found = measured(f"meter = Meter('numpy', 'cpu'); meter.start(); held = take({mib}); report(meter)")
    assert found["peak"] == about(mib)
    assert found["live"] == about(mib)
    assert weight(found, "cpu") == found["peak"]


@pytest.mark.parametrize("mib", [64, 256, 512])
def test_what_was_freed_before_the_end_is_peak_but_not_live(mib):
    found = measured(f"meter = Meter('numpy', 'cpu'); meter.start(); take({mib}); report(meter)")
    assert found["peak"] == about(mib)
    assert abs(found["live"]) < EXACTNESS * mib * MIB


def test_cycles_that_only_the_collector_frees_are_not_live():
    found = measured("""
gc.disable()
meter = Meter('numpy', 'cpu'); meter.start()
cycle = [take(256)]; cycle.append(cycle); del cycle
report(meter)
""")
    assert found["peak"] == about(256)
    assert found["live"] < EXACTNESS * 256 * MIB


def test_what_many_threads_touch_on_all_processors_is_counted_to_one_percent():
    found = measured("""
meter = Meter('numpy', 'cpu'); meter.start()
taken = np.empty((8, 32 * MIB), np.uint8)
threads = [threading.Thread(target=row.fill, args=(1,)) for row in taken]
[each.start() for each in threads]; [each.join() for each in threads]
del taken, threads
report(meter)
""")
    assert found["peak"] == about(256)


def test_what_was_held_before_the_start_is_baseline_and_no_part_of_the_peak():
    found = measured(
        "before = take(256); meter = Meter('numpy', 'cpu'); meter.start(); take(128); report(meter)"
    )
    assert found["baseline"] > 256 * MIB
    assert found["peak"] == about(128)


def test_a_higher_peak_before_the_start_is_forgotten():
    found = measured("take(512); meter = Meter('numpy', 'cpu'); meter.start(); take(256); report(meter)")
    assert found["peak"] == about(256)


def test_a_peak_that_cannot_be_reset_and_was_not_surpassed_is_never_the_steps():
    found = measured(
        UNRESETTABLE
        + "take(512); meter = Meter('numpy', 'cpu'); meter.start(); held = take(256); report(meter)"
    )
    assert "peak" not in found
    assert found["live"] == about(256)
    with pytest.raises(Unavailable, match="clear_refs") as lacking:
        weight(found, "cpu")
    assert lacking.value.reason == "no-software"


def test_a_peak_that_cannot_be_reset_counts_once_the_step_surpasses_it():
    found = measured(
        UNRESETTABLE + "take(256); meter = Meter('numpy', 'cpu'); meter.start(); take(512); report(meter)"
    )
    assert found["peak"] == about(512)


def test_a_step_that_takes_nothing_weighs_next_to_nothing():
    found = measured("meter = Meter('numpy', 'cpu'); meter.start(); report(meter)")
    assert abs(found["live"]) < MIB
    assert found.get("peak", 0) < MIB


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="the system has no ps")
def test_where_there_is_no_proc_the_resident_size_comes_from_ps():
    found = measured("""
memory.STATUS = memory.ROLLUP = "/nonexistent"
meter = Meter('numpy', 'cpu'); meter.start(); held = take(256); report(meter)
""")
    assert found["live"] == about(256)


def test_a_torch_tensor_weighs_its_size_and_importing_torch_weighs_nothing():
    found = measured("""
import torch
meter = Meter('pytorch', 'cpu'); meter.start()
held = torch.ones(128 * MIB, dtype=torch.float32)
report(meter)
""")
    assert found["peak"] == about(512)
    assert found["live"] == about(512)
    assert found["baseline"] > 100 * MIB


@pytest.mark.parametrize(
    ("framework", "module"), [("pytorch", "torch"), ("tensorflow", "tensorflow"), ("jax", "jax")]
)
def test_an_accelerator_that_is_not_there_yields_no_figure_and_no_weight(framework, module):
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    found = measured(f"""
import os
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["JAX_PLATFORMS"] = "cpu"
import {module}
meter = Meter('{framework}', 'cuda'); meter.start(); held = take(64); report(meter)
""")
    assert {name for name in found if name.startswith(("allocated", "reserved", "device"))} == set()
    with pytest.raises(Unavailable, match="allocated on cuda"):
        weight(found, "cuda")


def test_on_an_accelerator_what_the_host_holds_does_not_decide():
    found = {"baseline": 1, "live": 2, "peak": 900 * MIB, "peak_error": 800 * MIB, "allocated_peak": 7 * MIB}
    assert weight(found, "cuda") == 7 * MIB


@pytest.mark.parametrize(
    ("found", "device", "reason"),
    [
        ({"peak": 100, "swapped": 4}, "cpu", "no-hardware"),
        ({"peak": 100, "peak_error": 4}, "cpu", "no-hardware"),
        ({"peak": 0}, "cpu", "no-software"),
        ({"peak": 100}, "cuda", "no-software"),
        ({"peak": 100, "allocated_peak": 0}, "cuda", "no-software"),
        ({"peak": 100, "allocated_live": 50}, "mps", "no-software"),
    ],
)
def test_a_doubtful_peak_is_refused_with_its_reason(found, device, reason):
    with pytest.raises(Unavailable) as lacking:
        weight(found, device)
    assert lacking.value.reason == reason


def test_an_error_within_three_percent_is_accepted():
    assert weight({"peak": 100, "peak_error": 3, "swapped": 3}, "cpu") == 100


class StandInForCuda:
    """torch.cuda with a caching allocator of which the peaks can be reset."""

    def __init__(self, held: int) -> None:
        self.held = self.peak = held

    def is_initialized(self) -> bool:
        return self.held > 0

    is_available = staticmethod(lambda: True)

    def reset_peak_memory_stats(self) -> None:
        self.peak = self.held

    def allocate_and_free(self, size: int) -> None:
        self.peak = max(self.peak, self.held + size)

    def memory_stats(self) -> dict[str, int]:
        if not self.peak:
            return {}
        return {"allocated_bytes.all.peak": self.peak, "reserved_bytes.all.peak": 2 * self.peak}


def test_torchs_earlier_peak_and_what_it_held_are_left_out(monkeypatch):
    cuda = StandInForCuda(held=100)
    cuda.allocate_and_free(5000)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    meter = Meter("pytorch", "cuda")
    meter.start()
    cuda.allocate_and_free(30)
    found = meter.stop()
    assert (found["allocated_peak"], found["reserved_peak"]) == (30, 60)


def test_a_device_that_torch_never_used_yields_no_zero(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=StandInForCuda(held=0)))
    meter = Meter("pytorch", "cuda")
    meter.start()
    assert "allocated_peak" not in meter.stop()


@pytest.mark.parametrize(
    ("stats", "told"),
    [
        ({"bytes_in_use": 5, "peak_bytes_in_use": 9, "peak_pool_bytes": 16}, {"allocated_peak": 9, "reserved_peak": 16}),
        ({"bytes_in_use": 5, "peak_bytes_in_use": 9, "peak_pool_bytes": -1}, {"allocated_peak": 9}),
        ({"bytes_in_use": 5, "peak_bytes_in_use": -1}, {}),
        (None, {}),
    ],
)  # fmt: skip
def test_jax_tells_what_xla_knows_and_nothing_else(monkeypatch, stats, told):
    device = SimpleNamespace(memory_stats=lambda: stats)
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(local_devices=lambda backend: [device]))
    meter = Meter("jax", "tpu")
    meter.start()
    found = meter.stop()
    assert {name: found[name] for name in found if name.startswith(("allocated", "reserved"))} == told


@pytest.mark.parametrize("own", [True, False])
def test_the_driver_is_believed_about_this_process_only(monkeypatch, tmp_path, own):
    pid = os.getpid() if own else os.getppid()
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{pid}1, 9'\necho '{pid}, 512'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    meter = Meter("numpy", "cuda")
    meter.start()
    assert meter.stop().get("device_live") == (512 * MIB if own else None)
