"""Noise of a block's log ratio, by family: median zero, since the median is what a verdict is about.

Every family has standard deviation one, but for the spiked ones: there it is that of the nine blocks in ten
without a spike, and a spike is ten times that.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.float64]
Family = Callable[[np.random.Generator, tuple[int, int]], Draws]
SPIKES, SPIKE = 0.1, 10.0
MODE = 0.95
"""Distance of each mode of the bimodal family from its median."""


def _t3(rng: np.random.Generator, shape: tuple[int, int]) -> Draws:
    return rng.standard_t(3, shape) / math.sqrt(3)


def _skewed(rng: np.random.Generator, shape: tuple[int, int]) -> Draws:
    return rng.exponential(1.0, shape) - math.log(2)


def _spiked(rng: np.random.Generator, shape: tuple[int, int]) -> Draws:
    """One block in ten is slower; the median moves to where 0.9 of a normal distribution makes a half."""
    median = NormalDist().inv_cdf(0.5 / (1 - SPIKES))
    return rng.standard_normal(shape) + SPIKE * (rng.random(shape) < SPIKES) - median


def _spiked_both(rng: np.random.Generator, shape: tuple[int, int]) -> Draws:
    signs = rng.choice((-1.0, 1.0), shape)
    return rng.standard_normal(shape) + SPIKE * signs * (rng.random(shape) < SPIKES)


def _bimodal(rng: np.random.Generator, shape: tuple[int, int]) -> Draws:
    return MODE * rng.choice((-1.0, 1.0), shape) + math.sqrt(1 - MODE**2) * rng.standard_normal(shape)


def _autoregressive(correlation: float) -> Family:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Draws:
        found = rng.standard_normal(shape)
        for block in range(1, shape[1]):
            fresh = math.sqrt(1 - correlation**2) * found[:, block]
            found[:, block] = correlation * found[:, block - 1] + fresh
        return found

    return draw


FAMILIES: dict[str, Family] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t3": _t3,
    "Laplace": lambda rng, shape: rng.laplace(0.0, math.sqrt(0.5), shape),
    "skewed": _skewed,
    "spiked": _spiked,
    "spiked both ways": _spiked_both,
    "bimodal": _bimodal,
    "AR 0.3": _autoregressive(0.3),
    "AR 0.6": _autoregressive(0.6),
}
