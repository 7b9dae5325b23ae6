"""Watching a real machine: another process is seen, one's own work and that of the workers is not."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from kb import interference
from kb.interference import Watch, throttled

NANO = 10**9
TICKS = NANO // 10
"""Ten ticks of the kernel's clock: the counts of several cores and of processes end at different ones."""


@contextmanager
def spinning() -> Iterator[psutil.Process]:
    """Run a process that computes all the time."""
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.wait()


def used(process: psutil.Process) -> int:
    times = process.cpu_times()
    return round((times.user + times.system) * NANO)


def wait_until(process: psutil.Process, spent: int) -> None:
    """Look until the process has used so much processor time; it always will, so there is no limit."""
    while used(process) < spent:
        time.sleep(0.01)


def busy_of_machine() -> int:
    waited = ("idle", "iowait", "steal", "guest", "guest_nice")
    times = psutil.cpu_times()
    return round((sum(times) - sum(getattr(times, name, 0.0) for name in waited)) * NANO)


def test_another_process_is_seen_unless_it_is_one_of_the_workers():
    with spinning() as child:
        before = used(child)
        outside, inside = Watch([]), Watch([before])
        wait_until(child, before + NANO // 2)
        after = used(child)
        as_worker = inside.end(1, [after], 0, 0, 0)
        as_other = outside.end(1, [], 0, 0, 0)
    spent = after - before
    assert as_other.others >= spent - TICKS
    assert as_other.others - as_worker.others >= spent - TICKS
    assert as_other.cores >= 1
    assert as_other.others <= as_other.cores * as_other.wall + TICKS


def test_one_s_own_work_is_not_that_of_others():
    machine, own = busy_of_machine(), time.process_time_ns()
    watch = Watch([])
    while time.process_time_ns() - own < NANO // 2:
        pass
    found = watch.end(1, [], 0, 0, 0)
    assert found.others <= busy_of_machine() - machine - NANO // 2 + TICKS


def test_what_was_summed_over_the_bursts_is_passed_on():
    found = Watch([5]).end(7, [5], bursts=3, partner=2, switches=1)
    assert (found.block, found.bursts, found.partner, found.switches) == (7, 3, 2, 1)
    assert found.wall > 0
    assert min(found.others, found.stolen, found.throttled) >= 0


@pytest.mark.parametrize(
    ("text", "name", "unit", "expected"),
    [
        ("usage_usec 9\nnr_throttled 4\nthrottled_usec 12\n", "throttled_usec", 1000, 12_000),
        ("nr_periods 0\nthrottled_time 12\n", "throttled_time", 1, 12),
        ("usage_usec 9\n", "throttled_usec", 1000, 0),
        ("throttled_usec many\n", "throttled_usec", 1000, 0),
    ],
)
def test_a_quota_is_read_where_the_kernel_accounts_it(tmp_path, monkeypatch, text, name, unit, expected):
    (tmp_path / "cpu.stat").write_text(text, encoding="ascii")
    places = ((tmp_path / "absent", "throttled_usec", 1000), (tmp_path / "cpu.stat", name, unit))
    monkeypatch.setattr(interference, "THROTTLED", places)
    assert throttled() == expected


def test_without_a_quota_nothing_was_throttled(tmp_path, monkeypatch):
    monkeypatch.setattr(interference, "THROTTLED", ((tmp_path / "absent", "throttled_usec", 1000),))
    assert throttled() == 0
