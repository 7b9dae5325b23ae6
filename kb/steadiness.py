"""Whether an arm had settled: its first bursts in a process against its last."""

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from kb.effects import Sample
from kb.sequences import sign_interval

DRIFT = math.log(1.05)
"""Change of pace within a process that counts as none: 5% (measurement.md section 3.3)."""
FIRST_WINDOWS = 2
SPREADS = 2.0
"""How many times the tail's widest distance counts as noise: as far as it alone, half of all flat runs go."""


def drifts(samples: Iterable[Sample]) -> dict[tuple[int, str], list[float]]:
    """Return, for each (place, arm), the log of later over earlier cost per step, one a process.

    Parameters
    ----------
    samples : iterable of Sample
        All bursts; a process with a single burst of an arm says nothing about it.
    """
    bursts: dict[tuple[int, str, int, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        bursts[sample.place, sample.arm, sample.block, sample.side].append(sample)
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for (place, arm, _, _), own in bursts.items():
        paces = [each.cost / each.steps for each in sorted(own, key=lambda each: (each.round, each.position))]
        half = len(paces) // 2
        if half:
            found[place, arm].append(math.log(median(paces[-half:]) / median(paces[:half])))
    return dict(found)


def unsteady(drifted: dict[tuple[int, str], list[float]], alpha: float) -> set[tuple[int, str]]:
    """Return the arms, with their places, whose typical process was still getting faster or slower.

    An arm is, where the interval of its median drift lies wholly beyond 5% either way. One process whose
    halves differ says nothing on a machine whose bursts differ by more than that.

    Parameters
    ----------
    drifted : dict
        What `drifts` returned.
    alpha : float
        Error probability, shared by all arms.
    """
    shared = alpha / max(len(drifted), 1)
    intervals = {key: sign_interval(values, shared) for key, values in drifted.items()}
    return {key for key, found in intervals.items() if found.low > DRIFT or found.high < -DRIFT}


def settled_after(times: list[int], tolerance: float = 0.02) -> int | None:
    """Return after how many steps every later window keeps within a tolerance of the tail.

    Windows are a twentieth of the steps, at least five; the tail is the last half. Where twice the widest
    distance of the tail's own windows is more, it takes the tolerance's place, so that noise is not warm-up.
    None where there are too few steps to tell.

    Parameters
    ----------
    times : list of int
        Wall time of each step since the first call, in ns.
    tolerance : float
        Relative distance of a window's median from the tail's.
    """
    size = max(5, len(times) // 20)
    windows = [median(times[start : start + size]) for start in range(0, len(times) - size + 1, size)]
    if len(windows) < 2 * FIRST_WINDOWS:
        return None
    tail = windows[len(windows) // 2 :]
    level = median(tail)
    allowed = max(tolerance, *(SPREADS * abs(each / level - 1) for each in tail))
    late = [place for place, each in enumerate(windows) if abs(each / level - 1) > allowed]
    return (late[-1] + 1) * size if late else 0
