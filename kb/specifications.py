"""The specification curve: what a run would have said under every other defensible choice.

Cells (mode, batch, threads, layout), the statistic of a block, and which bursts count as warmed up are
crossed. The primary specification alone gives the verdict; the curve shows how much hangs on the choice
(Simonsohn, Simmons and Nelson 2020, doi 10.1038/s41562-020-0912-z; Steegen et al. 2016).
"""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kb.effects import SIDES, Sample, Series, contrast_values, trend_values
from kb.judgement import rounded
from kb.plan import Plan
from kb.regions import Interval
from kb.rulings import evidence_of
from kb.words import Effect

FLIPS = 499
TIE = 1e-9
"""Relative distance within which two flips tie, so that rounding decides nothing."""
STATISTICS = ("median", "mean", "least")
BURSTS = ("all", "later half")
Paces: TypeAlias = dict[tuple[int, int, str, str], dict[int, list[float]]]
"""Cost per step of every burst by block, place, side and arm, then by round."""


@dataclass(frozen=True)
class Specification:
    """One choice, and the log effect (or slope) of each block under it."""

    place: int
    pair: int
    statistic: str
    bursts: str
    values: Series


def curve(plan: Plan, samples: Iterable[Sample], context: Iterable[Sample] = ()) -> dict[str, Any]:
    """Return every specification with its effect, and per reading how many lie inside its region.

    Parameters
    ----------
    plan : Plan
        What was fixed beforehand.
    samples : iterable of Sample
        All bursts; those of control blocks and of arms beside are left out.
    context : iterable of Sample
        Bursts of the cells that decide nothing.

    Returns
    -------
    dict
        `columns`: place, pair, statistic, bursts, estimate, low, high, one entry a specification.
        `readings`: name, inside, outside, undecided, by the 95% sequence of each. `chance`: how often labels
        flipped at random within blocks give a median specification of the deciding cells as far from none;
        None for a trend, or where these share no blocks. Empty for a narrowing, which is not made from one
        series of blocks.
    """
    if plan.effect is Effect.NARROWING:
        return {}
    decisive = [each for each in _specifications(plan, samples) if each.values]
    known = {(each.place, each.pair) for each in decisive}
    around = [each for each in _specifications(plan, context) if (each.place, each.pair) not in known]
    found = decisive + [each for each in around if each.values]
    if not found:
        return {}
    intervals = [_interval(plan, each) for each in found]
    return {
        "columns": {
            "place": [each.place for each in found],
            "pair": [each.pair for each in found],
            "statistic": [each.statistic for each in found],
            "bursts": [each.bursts for each in found],
            "estimate": [rounded(_estimate(plan, each)) for each in found],
            "low": [rounded(interval.as_json()[0]) for interval in intervals],
            "high": [rounded(interval.as_json()[1]) for interval in intervals],
        },
        "readings": [
            {"name": reading.name, **_counted(reading.region, intervals)} for reading in plan.readings
        ],
        "chance": None if plan.effect is Effect.TREND else _chance(decisive, plan.seed),
    }


def _counted(region: Interval, intervals: Sequence[Interval]) -> dict[str, int]:
    inside = sum(interval.inside(region) for interval in intervals)
    outside = sum(interval.disjoint(region) for interval in intervals)
    return {"inside": inside, "outside": outside, "undecided": len(intervals) - inside - outside}


def _interval(plan: Plan, each: Specification) -> Interval:
    """Return what a specification leaves possible; everything, where its blocks contradict each other."""
    found = evidence_of(plan, list(each.values.values())).own
    return Interval() if found.empty else found


def _estimate(plan: Plan, each: Specification) -> float:
    middle = median(each.values.values())
    return middle if plan.effect is Effect.TREND else math.exp(middle)


def _specifications(plan: Plan, samples: Iterable[Sample]) -> list[Specification]:
    paces: Paces = defaultdict(lambda: defaultdict(list))
    for sample in sorted(samples, key=lambda each: (each.block, each.round, each.position)):
        if sample.side in SIDES and not plan.is_control(sample.block):
            key = (sample.block, sample.place, sample.side, sample.arm)
            paces[key][sample.round].append(sample.cost / sample.steps)
    blocks = sorted({key[0] for key in paces})
    several = any(len(rounds) > 1 for rounds in paces.values())
    return [
        specification
        for statistic in STATISTICS
        for bursts in (BURSTS if several else BURSTS[:1])
        for specification in _of_choice(plan, paces, blocks, statistic, bursts)
    ]


def _of_choice(
    plan: Plan, paces: Paces, blocks: list[int], statistic: str, bursts: str
) -> list[Specification]:
    values = {
        (place, pair): {
            block: log
            for block in blocks
            if (log := _log(plan, paces, (block, place, pair), statistic, bursts)) is not None
        }
        for place in range(len(plan.settings))
        for pair in range(len(plan.pairs))
    }
    if plan.effect is Effect.TREND:
        values = {(0, pair): trend_values(plan, values, pair) for pair in range(len(plan.pairs))}
    elif plan.effect.over_pairs:
        values = {(place, 0): contrast_values(values, place) for place in range(len(plan.settings))}
    return [Specification(*cell, statistic, bursts, series) for cell, series in values.items()]


def _log(plan: Plan, paces: Paces, cell: tuple[int, int, int], statistic: str, bursts: str) -> float | None:
    """Return one block's log effect under a choice; None where the block lacks the cell."""
    block, place, pair = cell
    sides = [
        paces.get((block, place, side, arm), {}) for side, arm in zip(SIDES, plan.pairs[pair], strict=True)
    ]
    turns = sorted(set(sides[0]) & set(sides[1]))
    if not turns:
        return None
    kept = turns[len(turns) // 2 :] if bursts == BURSTS[1] else turns
    of, against = ([side[turn] for turn in kept] for side in sides)
    log = _LOGS[statistic](of, against)
    return log if plan.effect is Effect.RATIO else -log


def _of_medians(of: list[list[float]], against: list[list[float]]) -> float:
    pairs = zip(of, against, strict=True)
    return median(math.log(math.fsum(ours) / math.fsum(theirs)) for ours, theirs in pairs)


def _of_means(of: list[list[float]], against: list[list[float]]) -> float:
    return math.log(math.fsum(map(math.fsum, of)) / math.fsum(map(math.fsum, against)))


def _of_least(of: list[list[float]], against: list[list[float]]) -> float:
    return math.log(min(map(min, of)) / min(map(min, against)))


_LOGS: dict[str, Callable[[list[list[float]], list[list[float]]], float]] = dict(
    zip(STATISTICS, (_of_medians, _of_means, _of_least), strict=True)
)


def _chance(found: Sequence[Specification], seed: int) -> float | None:
    """Return the permutation test of the curve: labels of the two arms flipped within blocks.

    The statistic is the distance from none of the median specification's mean block; a median over blocks
    would hardly move under flips where all blocks agree. The run as it was counts as one of the permutations
    (Phipson and Smyth 2010), so the least value is 1 / 500.
    """
    shared = sorted(set.intersection(*(set(each.values) for each in found))) if found else []
    if not shared:
        return None
    table = np.array([[each.values[block] for block in shared] for each in found])
    drawn = random.Random(seed)  # noqa: S311 - must be drawn again alike
    seen = _distance(table, np.ones(len(shared))) * (1 - TIE)
    extreme = 1
    for _ in range(FLIPS):
        extreme += _distance(table, np.array([drawn.choice((-1.0, 1.0)) for _ in shared])) >= seen
    return extreme / (FLIPS + 1)


def _distance(table: NDArray[np.float64], signs: NDArray[np.float64]) -> float:
    return abs(float(np.median((table * signs).mean(axis=1))))
