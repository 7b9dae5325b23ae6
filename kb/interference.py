"""Watching the machine while bursts run: what others used of our cores, and what was kept from us."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from kb.watched import Watched

NANO = 1e9
THROTTLED = (
    (Path("/sys/fs/cgroup/cpu.stat"), "throttled_usec", 1000),
    (Path("/sys/fs/cgroup/cpu/cpu.stat"), "throttled_time", 1),
)
"""Where a processor quota is accounted (cgroup v2, v1), under which name, and ns per unit."""


class Watch:
    """Counts processor time from its making to `end`, over the cores that this process may use."""

    def __init__(self, used: Iterable[int]) -> None:
        self._cores = _cores()
        self._before = self._now(used)

    def end(self, block: int, used: Iterable[int], bursts: int, partner: int, switches: int) -> Watched:
        """Return what was watched.

        Parameters
        ----------
        block : int
            Number of the block.
        used : iterable of int
            Processor time of each worker so far, in ns; at the making of the watch, too.
        bursts, partner, switches : int
            What was summed over the bursts in between; see `Watched`.
        """
        wall, busy, stolen, throttled, ours = (
            now - then for now, then in zip(self._now(used), self._before, strict=True)
        )
        others = max(0, busy - ours)
        return Watched(
            block, len(self._cores), wall, bursts, partner, others, max(0, stolen), throttled, switches
        )

    def _now(self, used: Iterable[int]) -> tuple[int, int, int, int, int]:
        times = psutil.cpu_times(percpu=True)
        mine = [times[core] for core in self._cores if core < len(times)]
        waited = ("idle", "iowait", "steal", "guest", "guest_nice")
        busy = sum(sum(each) - sum(getattr(each, name, 0.0) for name in waited) for each in mine)
        stolen = sum(getattr(each, "steal", 0.0) for each in mine)
        ours = sum(used) + time.process_time_ns()
        return time.monotonic_ns(), round(busy * NANO), round(stolen * NANO), throttled(), ours


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def throttled() -> int:
    """Return how long a processor quota has stopped this group of processes, in ns; 0 without a quota."""
    for path, name, unit in THROTTLED:
        try:
            pairs = (line.split() for line in path.read_text(encoding="ascii").splitlines())
            return next((int(value) * unit for field, value in pairs if field == name), 0)
        except (OSError, ValueError):
            continue
    return 0
