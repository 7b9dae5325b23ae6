"""Confidence sequences: intervals that stay valid however often one looks, and whenever one stops.

`sign_sequence` is primary: exact for independent blocks of any distribution, about their median. `t_sequence`
is its companion for the mean, under normality. Both take one value a block, in the order of measurement.
"""

import math
from bisect import insort
from collections.abc import Sequence
from functools import cache

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


@cache
def sign_rank(blocks: int, alpha: float) -> int:
    """Return which order statistic bounds the median: the smallest k with E_n(k) < 1/alpha, else 0."""
    found = (k for k in range(blocks // 2 + 1) if sign_evidence(k, blocks) < 1 / alpha)
    return next(found, 0)


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
    return _order_statistics(sorted(values), alpha)


def _order_statistics(ordered: Sequence[float], alpha: float) -> Interval:
    blocks = len(ordered)
    rank = sign_rank(blocks, alpha)
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
    mean = math.fsum(values) / len(values) if values else 0.0
    squares = math.fsum((value - mean) ** 2 for value in values)
    return _t_bounds(len(values), mean, squares, alpha, prior)


def _t_bounds(blocks: int, mean: float, squares: float, alpha: float, prior: float) -> Interval:
    spread = 1 + blocks * prior
    bound = (spread / alpha**2) ** (1 / max(blocks, 1))
    if blocks < 2 or bound >= spread:
        return EVERYTHING
    half = math.sqrt(squares / blocks * (bound - 1) / (1 - bound / spread))
    return Interval(mean - half, mean + half)


def sign_path(values: Sequence[float], alpha: float, first: int = 1) -> list[Interval]:
    """Return the sign sequence after the first 1, 2, ... n blocks: the running intersection of intervals.

    The intersection is empty (low above high) where the blocks contradict each other, as drift makes them.

    Parameters
    ----------
    values : sequence of float, shape (n_blocks,)
        One value a block.
    alpha : float
        Error probability over the whole sequence.
    first : int
        Blocks from which on intervals are intersected; before, everything is possible. Nothing that is not
        looked at needs to be bounded, and fewer looks err less where blocks depend on each other.
    """
    path, ordered, reached = list[Interval](), list[float](), EVERYTHING
    for value in values:
        insort(ordered, value)
        if len(ordered) >= first:
            reached = reached.meet(_order_statistics(ordered, alpha))
        path.append(reached)
    return path


def sign_sequence(values: Sequence[float], alpha: float, first: int = 1) -> Interval:
    """Return where the sign sequence has come to; see `sign_path`."""
    return sign_path(values, alpha, first)[-1] if values else EVERYTHING


def t_path(values: Sequence[float], alpha: float, prior: float = 1.0) -> list[Interval]:
    """Return the running intersection of `t_interval` after the first 1, 2, ... n blocks.

    Mean and sum of squares are updated block by block (Welford 1962, Technometrics 4, 419).
    """
    path, mean, squares, reached = list[Interval](), 0.0, 0.0, EVERYTHING
    for blocks, value in enumerate(values, start=1):
        step = value - mean
        mean += step / blocks
        squares += step * (value - mean)
        reached = reached.meet(_t_bounds(blocks, mean, squares, alpha, prior))
        path.append(reached)
    return path


def t_sequence(values: Sequence[float], alpha: float, prior: float = 1.0) -> Interval:
    """Return where the t sequence has come to; see `t_path`."""
    return t_path(values, alpha, prior)[-1] if values else EVERYTHING
