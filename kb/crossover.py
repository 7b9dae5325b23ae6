"""Where the lead changes hands as a swept setting grows; shown beside a verdict, never one."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """What one arm pair came to along a setting, all other settings being equal.

    Attributes
    ----------
    pair : list of str
        The arms [of, against].
    settings : dict
        The other settings.
    sizes : list of float
        The swept values at which something was measured, growing.
    leads : list of int
        At each size 1 where the first arm is ahead (its 95% interval lies above 1), -1 where the second is, 0
        where neither is shown.
    crossing : tuple of float, or None
        The last size before, and the first after, the lead changed hands for the last time.
    estimate : float or None
        Where the effect passes 1 in between, interpolated on log scales between the sizes around it.
    """

    pair: Sequence[str]
    settings: Mapping[str, Any]
    sizes: Sequence[float]
    leads: Sequence[int]
    crossing: tuple[float, float] | None
    estimate: float | None


def sweeps(found: Json) -> list[Sweep]:
    """Return, for every arm pair of a measured outcome, its sweep along the plan's setting `along`.

    Each interval is the 95% sequence of its own cell: over many sizes one of them may err.
    """
    plan, along = found["plan"], found["plan"]["along"]
    if along is None:
        return []
    groups: dict[tuple[Any, ...], list[tuple[float, Json]]] = defaultdict(list)
    for cell in found["cells"]:
        if cell["estimate"] is not None:
            settings = dict(plan["settings"][cell["place"]])
            size = float(settings.pop(along))
            groups[cell["pair"], *settings.items()].append((size, cell))
    return [
        _sweep(plan["pairs"][pair], dict(settings), sorted(cells, key=lambda each: each[0]))
        for (pair, *settings), cells in groups.items()
        if len(cells) > 1
    ]


def _sweep(pair: Sequence[str], settings: Json, cells: Sequence[tuple[float, Json]]) -> Sweep:
    leads = [_lead(cell) for _, cell in cells]
    shown = [place for place, lead in enumerate(leads) if lead]
    changes = [(before, after) for before, after in pairwise(shown) if leads[before] != leads[after]]
    sizes = [size for size, _ in cells]
    if not changes:
        return Sweep(pair, settings, sizes, leads, None, None)
    before, after = changes[-1]
    crossings = list(_crossings(cells[before : after + 1]))
    return Sweep(pair, settings, sizes, leads, (sizes[before], sizes[after]), crossings[-1])


def _lead(cell: Json) -> int:
    low, high = cell["interval"]
    if low is not None and low > 1:
        return 1
    return -1 if high is not None and high < 1 else 0


def _crossings(cells: Sequence[tuple[float, Json]]) -> Iterator[float]:
    """Yield where the log estimate passes 0, linear in the log of the size between neighbours."""
    logs = [(math.log(size), math.log(cell["estimate"])) for size, cell in cells]
    for (left, one), (right, other) in pairwise(logs):
        if one == 0 or one * other < 0:
            yield math.exp(left + (right - left) * one / (one - other if one != other else 1))
