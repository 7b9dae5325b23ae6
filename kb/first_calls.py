"""First calls apart: what an arm costs before its steady step, and after how many steps that pays."""

import math
from collections.abc import Mapping

START = ("build_ns", "cold_ns")
"""What a user waits for once, with empty caches: building the model, and the first call, which compiles."""


def break_even(of: Mapping[str, float], against: Mapping[str, float]) -> float | None:
    """Return after how many steps the arm that starts more slowly has caught up.

    (C_B - C_A) / (t_A - t_B), with C what starting costs and t the time of a steady step
    (measurement.md, F7). 0 where the arm with the faster step also starts no later.

    Parameters
    ----------
    of, against : mapping of str to int
        First calls of two arms at one place: `build_ns`, `cold_ns`, `typical_ns`.

    Returns
    -------
    float or None
        Steps, rounded up; None where neither step is faster, so that it never pays.
    """
    starts = [sum(arm[name] for name in START) for arm in (of, against)]
    saved = of["typical_ns"] - against["typical_ns"]
    if not saved:
        return None
    steps = (starts[1] - starts[0]) / saved
    return max(0.0, math.ceil(steps))
