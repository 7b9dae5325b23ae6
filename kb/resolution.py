"""What a pilot foretells: how many rounds a block should have, and the smallest effect a run can resolve."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

from kb.regions import NEGLIGIBLE
from kb.sequences import sign_rank

POWER = 0.8


def variances(blocks: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the variance within and between blocks of round-by-round log effects.

    One-way analysis of variance: the mean of the variances within, and what the variance of the block means
    has beyond its share of that, at least zero.

    Parameters
    ----------
    blocks : sequence of sequence of float
        At least two blocks; one log effect a round.
    """
    inner = [variance(rounds) for rounds in blocks if len(rounds) > 1]
    within = fmean(inner) if inner else 0.0
    means = [fmean(rounds) for rounds in blocks]
    turns = fmean(len(rounds) for rounds in blocks)
    return within, max(0.0, variance(means) - within / turns) if len(means) > 1 else 0.0


def rounds_per_block(block_cost: float, round_cost: float, within: float, between: float, most: int) -> int:
    """Return how many rounds a block should have: ceil(sqrt(c2 / c1 * T1^2 / T2^2)).

    Kalibera and Jones 2013 (Rigorous benchmarking in reasonable time, ISMM, section 5): repeat where the
    variance is, weighed against what repeating costs.

    Parameters
    ----------
    block_cost, round_cost : float
        Seconds to start and warm a block's processes (c2), and to run one more round in them (c1).
    within, between : float
        Variance of a round within its block (T1^2), and of blocks (T2^2).
    most : int
        Upper bound; taken where blocks do not differ by more than their rounds explain.
    """
    if not between or not round_cost:
        return most if within else 1
    wanted = math.ceil(math.sqrt(block_cost / round_cost * within / between))
    return max(1, min(most, wanted))


def smallest_effect(blocks: int, deviation: float, alpha: float) -> float | None:
    """Return the smallest effect whose direction so many blocks show in four runs out of five.

    The sign interval of n blocks ends at their k-th order statistic, on average k / (n + 1) quantiles away
    from the median, which itself errs by about 1.2533 s / sqrt(n); beyond both must lie the negligible
    margin. What fewer blocks show stays shown, so the nearest of their reaches counts. Normal noise is
    assumed: a forecast, on which no verdict rests.

    Parameters
    ----------
    blocks : int
        Measured blocks that fit the budget.
    deviation : float
        Standard deviation of a block's log effect.
    alpha : float
        Error probability of the sequence.

    Returns
    -------
    float or None
        As a share: 0.06 for 6%. None where so few blocks bound nothing.
    """
    reaches = [_reach(rank, count) for count in range(blocks + 1) if (rank := sign_rank(count, alpha))]
    return math.expm1(math.log(1 + NEGLIGIBLE) + min(reaches) * deviation) if reaches else None


def _reach(rank: int, blocks: int) -> float:
    normal = NormalDist()
    return -normal.inv_cdf(rank / (blocks + 1)) + normal.inv_cdf(POWER) * math.sqrt(math.pi / 2 / blocks)
