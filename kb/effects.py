"""From raw bursts to one effect a block, on the log scale.

The pair of fresh processes is the unit of replication: bursts inside a block are reduced to one value.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

from kb.plan import Plan
from kb.words import Effect

SIDES = ("of", "against")
BESIDE = "beside"
COLUMNS = ("block", "place", "round", "position", "side", "arm", "steps", "cost", "cpu", "start")
Series: TypeAlias = dict[int, float]
"""One log effect a block, by the block's number, in the order of measurement."""
SideArm: TypeAlias = tuple[str, str]
"""A side and an arm that its process hosts."""


@dataclass(frozen=True)
class Sample:
    """One timed burst, or one weighed process.

    Attributes
    ----------
    block : int
        1-based number of the block.
    place : int
        Index of the settings in the plan.
    round : int
        Which ABBA group of the block.
    position : int
        Place in the order of the round.
    side : str
        `of` or `against`: which process of the pair; `beside` for arms that are shown and never judged. In
        a control block both processes of the pair host the same arms.
    arm : str
        Framework and mode.
    steps : int
        Steps in the burst.
    cost : int
        Wall time of the burst in ns, or peak memory in bytes.
    cpu : int
        Processor time of the worker during the burst, in ns.
    start : int
        Start of the burst in ns since the run began.
    """

    block: int
    place: int
    round: int
    position: int
    side: str
    arm: str
    steps: int
    cost: int
    cpu: int
    start: int


def as_columns(samples: Iterable[Sample]) -> dict[str, list[Any]]:
    """Return samples as columns, the compact form in which an outcome keeps them."""
    rows = list(samples)
    return {name: [getattr(row, name) for row in rows] for name in COLUMNS}


def from_columns(columns: Mapping[str, list[Any]]) -> list[Sample]:
    """Return the samples that `as_columns` wrote."""
    return [Sample(*row) for row in zip(*(columns[name] for name in COLUMNS), strict=True)] if columns else []


class Costs:
    """Cost per step of every round, found by block, place, side and arm.

    Parameters
    ----------
    samples : iterable of Sample
        All bursts of a run, in any order.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        sums: dict[tuple[int, int, str, str], dict[int, list[int]]] = defaultdict(dict)
        for sample in samples:
            rounds = sums[sample.block, sample.place, sample.side, sample.arm]
            spent = rounds.setdefault(sample.round, [0, 0])
            spent[0] += sample.cost
            spent[1] += sample.steps
        self._rounds = {
            key: {turn: cost / steps for turn, (cost, steps) in sorted(rounds.items())}
            for key, rounds in sums.items()
        }
        self.blocks = sorted({key[0] for key in self._rounds})

    def logs(self, block: int, place: int, one: SideArm, other: SideArm) -> list[float]:
        """Return the log ratio of the costs of two sides and arms in every round that has both."""
        ours = self._rounds.get((block, place, *one), {})
        theirs = self._rounds.get((block, place, *other), {})
        return [math.log(cost / theirs[turn]) for turn, cost in ours.items() if turn in theirs]

    def series(self, plan: Plan, place: int, one: SideArm, other: SideArm, control: bool = False) -> Series:
        """Return the median over the rounds of each block, of the control blocks or of all but them."""
        chosen = (block for block in self.blocks if plan.is_control(block) is control)
        return {block: median(logs) for block in chosen if (logs := self.logs(block, place, one, other))}


def block_values(plan: Plan, costs: Costs) -> dict[tuple[int, int], Series]:
    """Return, for each cell (place, pair), one log effect a block.

    For every round d = log(cost per step of one arm / of the other); the block's value is the median of its
    rounds. A speed-up is against over of, a ratio of over against. A block in which a cell is incomplete
    gives no value for it, nor does a control block.

    Parameters
    ----------
    plan : Plan
        Names the cells and the effect.
    costs : Costs
        All bursts of the run.
    """
    found = {}
    for place in range(len(plan.settings)):
        for index, (of, against) in enumerate(plan.pairs):
            one, other = _ordered(plan, ("of", of), ("against", against))
            found[place, index] = costs.series(plan, place, one, other)
    return found


def beside_values(plan: Plan, costs: Costs) -> dict[tuple[int, str, str], Series]:
    """Return, for each (place, arm beside, arm of the first deciding pair), one log effect a block.

    The effect is that of the arm beside over the other, in the claim's own sense; it is shown, never judged.
    """
    pair = plan.pairs[plan.deciding[0][1]] if plan.deciding else []
    return {
        (place, arm, other): costs.series(plan, place, *_ordered(plan, (BESIDE, arm), (side, other)))
        for place in range(len(plan.settings))
        for arm in plan.beside
        for side, other in zip(SIDES, pair, strict=False)
    }


def control_values(plan: Plan, costs: Costs) -> dict[tuple[int, str], Series]:
    """Return, for each (place, arm), the log ratio of the arm to itself, one a control block.

    The process on the side `of` is held against the one on the side `against`; both host the same arm.
    """
    arms = sorted({arm for pair in plan.pairs for arm in pair})
    found = {
        (place, arm): costs.series(plan, place, ("of", arm), ("against", arm), control=True)
        for place in range(len(plan.settings))
        for arm in arms
    }
    return {key: series for key, series in found.items() if series}


def _ordered(plan: Plan, of: SideArm, against: SideArm) -> tuple[SideArm, SideArm]:
    return (of, against) if plan.effect is Effect.RATIO else (against, of)


def trend_values(plan: Plan, values: Mapping[tuple[int, int], Series], index: int) -> Series:
    """Return, for one arm pair, the slope of |log effect| per doubling of the swept setting, one a block.

    Least squares over log2 of the setting, weights equal; 0 means the gap stays, below 0 that it shrinks.
    Blocks that lack a place give no slope.

    Parameters
    ----------
    plan : Plan
        Names the setting in `along`.
    values : mapping
        What `block_values` returned.
    index : int
        Which pair.
    """
    along = plan.along or ""
    doublings = [math.log2(settings[along]) for settings in plan.settings]
    centre = sum(doublings) / len(doublings)
    weights = [doubling - centre for doubling in doublings]
    scale = sum(weight**2 for weight in weights)
    columns = [values[place, index] for place in range(len(plan.settings))]
    return {
        block: sum(weight * abs(each[block]) for weight, each in zip(weights, columns, strict=True)) / scale
        for block in _common(columns)
    }


def contrast_values(values: Mapping[tuple[int, int], Series], place: int) -> Series:
    """Return, for one place, how much the first arm pair exceeds the second, one log value a block.

    Blocks that lack a pair give no value.

    Parameters
    ----------
    values : mapping
        What `block_values` returned, of a plan with two arm pairs.
    place : int
        Which settings.
    """
    first, second = values[place, 0], values[place, 1]
    return {block: first[block] - second[block] for block in _common([first, second])}


def typical_values(values: Mapping[tuple[int, int], Series], cells: Iterable[tuple[int, int]]) -> Series:
    """Return the median over the cells of each block that has them all: the usual case, one value a block."""
    columns = [values[cell] for cell in cells]
    return {block: median(each[block] for each in columns) for block in _common(columns)}


def _common(columns: list[Series]) -> list[int]:
    """Return the blocks that all series have."""
    shared = set.intersection(*(set(each) for each in columns)) if columns else set()
    return sorted(shared)
