"""Rules that people use, planted to show that the experiment finds a rule out: each has one well-known fault.

They give ordinary 95% t intervals, which are then held against the same regions as the committed rule's.
"""

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from committed import evidence_path
from noise import Draws
from scipy import stats

from kb.plan import Plan
from kb.regions import Interval
from kb.rulings import CellEvidence, as_ratio

STEPS, WITHIN = 50, 0.03
"""Steps in a process, and the standard deviation of a step's log ratio within its process."""
BURSTS, DRIFT = 4, math.log(1.1)
"""Bursts in a block, A B B A, and how much slower the machine gets over a run."""
ABBA = np.array([-0.5, 0.5, 0.5, -0.5])


@cache
def _quantile(freedom: float) -> float:
    return float(stats.t.ppf(0.975, freedom))


def _evidence(middle: float, error: float, freedom: float) -> CellEvidence:
    half = _quantile(freedom) * error
    interval = as_ratio(Interval(middle - half, middle + half))
    return CellEvidence([middle], interval, interval, interval)


def peeking(plan: Plan, blocks: Draws, effect: float) -> Iterator[CellEvidence]:
    """Look after every block at an interval that is made for one look.

    Parameters
    ----------
    plan : Plan
        Names the fewest blocks.
    blocks : ndarray, shape (n_blocks,)
        Noise of each block's log ratio.
    effect : float
        The true log ratio.
    """
    for count in range(plan.fewest_blocks, len(blocks) + 1):
        known = blocks[:count]
        yield _evidence(effect + known.mean(), known.std(ddof=1) / math.sqrt(count), count - 1)


def processes(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> Draws:
    """Draw the log ratio of every step, shape (runs, n_blocks, STEPS): processes differ more than steps."""
    between = sd * rng.standard_normal((*shape, 1))
    return between + WITHIN * rng.standard_normal((*shape, STEPS))


def pooled_steps(plan: Plan, steps: Draws, effect: float) -> Iterator[CellEvidence]:
    """Take all steps of all processes for independent, and look once, at the end."""
    yield _evidence(effect + steps.mean(), steps.std(ddof=1) / math.sqrt(steps.size), steps.size - 1)


def block_medians(plan: Plan, steps: Draws, effect: float) -> Iterator[CellEvidence]:
    """Judge the same steps by the committed rule: one value a block."""
    return evidence_path(plan, (effect + np.median(steps, axis=1)).tolist())


def linear(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> Draws:
    """Draw the log cost of every burst, shape (runs, BURSTS * n_blocks), of a machine that slows steadily."""
    bursts = shape[1] * BURSTS
    return sd * rng.standard_normal((shape[0], bursts)) + np.linspace(0, DRIFT, bursts)


def square_wave(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> Draws:
    """Draw the same of a machine that is slower in the second half of the run."""
    bursts = shape[1] * BURSTS
    return sd * rng.standard_normal((shape[0], bursts)) + DRIFT * (np.arange(bursts) >= bursts // 2)


def one_after_the_other(plan: Plan, bursts: Draws, effect: float) -> Iterator[CellEvidence]:
    """Measure all of A and then all of B, and look once, at Welch's interval of the two means."""
    first, second = np.split(bursts, 2)
    squares = [half.var(ddof=1) / half.size for half in (first, second)]
    freedom = sum(squares) ** 2 / sum(
        square**2 / (half.size - 1) for square, half in zip(squares, (first, second), strict=True)
    )
    yield _evidence(effect + second.mean() - first.mean(), math.sqrt(sum(squares)), freedom)


def alternated(plan: Plan, bursts: Draws, effect: float) -> Iterator[CellEvidence]:
    """Judge bursts in the order A B B A on the same machine by the committed rule."""
    return evidence_path(plan, (effect + bursts.reshape(-1, BURSTS) @ ABBA).tolist())
