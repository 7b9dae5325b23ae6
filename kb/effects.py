"""From raw bursts to one effect a block, on the log scale.

The pair of fresh processes is the unit of replication: bursts inside a block are reduced to one value.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from kb.plan import Plan
from kb.words import Effect

SIDES = ("of", "against")
COLUMNS = ("block", "place", "round", "position", "side", "arm", "steps", "cost", "cpu", "start")


@dataclass(frozen=True)
class Sample:
    """One timed burst, or one weighed process.

    Attributes
    ----------
    block : int
        1-based number of the pair of fresh processes.
    place : int
        Index of the settings in the plan.
    round : int
        Which ABBA group of the block.
    position : int
        Place in the order of the round.
    side : str
        `of` or `against`.
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
    return [Sample(*row) for row in zip(*(columns[name] for name in COLUMNS), strict=True)]


def block_values(plan: Plan, samples: Iterable[Sample]) -> dict[tuple[int, int], list[float]]:
    """Return, for each cell (place, pair), one log effect a block, in the order of the blocks.

    For every round d = log(cost per step of one arm / of the other); the block's value is the median of its
    rounds. A speed-up is against over of, a ratio of over against. A block in which a cell is incomplete
    gives no value for it.

    Parameters
    ----------
    plan : Plan
        Names the cells and the effect.
    samples : iterable of Sample
        All bursts of the run.
    """
    sums: dict[tuple[int, int, int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for sample in samples:
        key = (sample.block, sample.place, sample.round, sample.side, sample.arm)
        sums[key][0] += sample.cost
        sums[key][1] += sample.steps
    per_step = {key: cost / steps for key, (cost, steps) in sums.items()}
    sign = 1 if plan.effect is Effect.RATIO else -1
    values: dict[tuple[int, int], list[float]] = {}
    blocks = sorted({key[0] for key in per_step})
    rounds = sorted({key[2] for key in per_step})
    for place in range(len(plan.settings)):
        for index, (of, against) in enumerate(plan.pairs):
            values[place, index] = [
                median(logs)
                for block in blocks
                if (
                    logs := [
                        sign
                        * math.log(
                            per_step[block, place, turn, "of", of]
                            / per_step[block, place, turn, "against", against]
                        )
                        for turn in rounds
                        if (block, place, turn, "of", of) in per_step
                        and (block, place, turn, "against", against) in per_step
                    ]
                )
            ]
    return values


def trend_values(plan: Plan, values: Mapping[tuple[int, int], list[float]], index: int) -> list[float]:
    """Return, for one arm pair, the slope of |log effect| per doubling of the swept setting, one a block.

    Least squares over log2 of the setting, weights equal; 0 means the gap stays, below 0 that it shrinks.

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
    return [
        sum(weight * abs(value) for weight, value in zip(weights, row, strict=True)) / scale
        for row in zip(*columns, strict=False)
    ]
