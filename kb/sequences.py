"""Confidence sequences: intervals that stay valid however often one looks, and whenever one stops.

`sign_sequence` is primary: exact for independent blocks of any distribution, about their median. `t_sequence`
is its companion for the mean, under normality. Both take one value a block, in the order of measurement.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from kb.regions import Interval

EVERYTHING = Interval()


def sign_evidence(above: int, blocks: int) -> float:
    """Return the e-value against a median, from how many of the blocks lie above it.

    E_n = 2^n B(k + 1/2, n - k + 1/2) / B(1/2, 1/2): the likelihood ratio of a Jeffreys mixture of sign
    probabilities against a fair coin, a martingale under the median (Robbins 1970; Howard and Ramdas 2022,
    Sequential estimation of quantiles, arXiv:1906.09712).

    Parameters
    ----------
    above : int
        Blocks above the candidate.
    blocks : int
        Blocks altogether.
    """
    log_beta = math.lgamma(above + 0.5) + math.lgamma(blocks - above + 0.5) - math.lgamma(blocks + 1)
    return math.exp(blocks * math.log(2) + log_beta - math.log(math.pi))


def sign_interval(values: Sequence[float], alpha: float) -> Interval:
    """Return all medians that the sign e-process has not rejected at this number of blocks.

    An order-statistic interval [D_(k), D_(n+1-k)], closed because ties count in favour of the candidate,
    where k is the smallest count with E_n(k) < 1/alpha; unbounded while k is 0.

    Parameters
    ----------
    values : sequence of float, shape (n_blocks,)
        One value a block.
    alpha : float
        Error probability over the whole sequence.
    """
    ordered = sorted(values)
    blocks = len(ordered)
    rank = next((k for k in range(blocks // 2 + 1) if sign_evidence(k, blocks) < 1 / alpha), 0)
    return Interval(ordered[rank - 1], ordered[blocks - rank]) if rank else EVERYTHING


def t_interval(values: Sequence[float], alpha: float, prior: float = 1.0) -> Interval:
    """Return all means that the scale-invariant t-mixture has not rejected at this number of blocks.

    With nu = n - 1 and c = ((1 + n g) / alpha^2)^(1 / (nu + 1)), the half-width is
    s / sqrt(n) * sqrt(nu (c - 1) / (1 - c / (1 + n g))) where c < 1 + n g, else infinite
    (Lai 1976; Wang and Ramdas 2023, arXiv:2310.03722).

    Parameters
    ----------
    values : sequence of float, shape (n_blocks,)
        One value a block.
    alpha : float
        Error probability over the whole sequence.
    prior : float
        g, variance of the mixture over the standardised mean.
    """
    blocks = len(values)
    spread = 1 + blocks * prior
    bound = (spread / alpha**2) ** (1 / max(blocks, 1))
    if blocks < 2 or bound >= spread:
        return EVERYTHING
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = deviation / math.sqrt(blocks) * math.sqrt((blocks - 1) * (bound - 1) / (1 - bound / spread))
    return Interval(mean - half, mean + half)


def sign_sequence(values: Sequence[float], alpha: float) -> Interval:
    """Return the running intersection of `sign_interval` over the first 1, 2, ... n blocks.

    The intersection is empty (low above high) where the blocks contradict each other, as drift makes them.
    """
    return _running(sign_interval, values, alpha)


def t_sequence(values: Sequence[float], alpha: float) -> Interval:
    """Return the running intersection of `t_interval`; see `sign_sequence`."""
    return _running(t_interval, values, alpha)


def _running(
    interval: Callable[[Sequence[float], float], Interval], values: Sequence[float], alpha: float
) -> Interval:
    low, high = -math.inf, math.inf
    for blocks in range(1, len(values) + 1):
        now = interval(values[:blocks], alpha)
        low, high = max(low, now.low), min(high, now.high)
    return Interval(low, high)
