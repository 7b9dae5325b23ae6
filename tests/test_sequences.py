"""Confidence sequences: known values, and what they promise however often one looks."""

import math
from itertools import pairwise

import numpy as np
import pytest
from binomial import upper_bound
from hypothesis import given
from hypothesis import strategies as st

from kb.regions import Interval
from kb.sequences import (
    EVERYTHING,
    sign_evidence,
    sign_interval,
    sign_path,
    sign_sequence,
    t_interval,
    t_sequence,
)

RUNS, LONGEST, ALLOWED = 600, 40, 0.06
VALUES = st.lists(st.floats(-5, 5), min_size=1, max_size=30)


def noise(family: str) -> tuple[np.ndarray, float]:
    """Return runs of blocks and the median that they are drawn about."""
    rng = np.random.default_rng(20261121)
    shape = (RUNS, LONGEST)
    draws = {
        "normal": (rng.standard_normal(shape), 0.0),
        "t3": (rng.standard_t(3, shape), 0.0),
        "skewed": (rng.exponential(1.0, shape), math.log(2)),
    }
    return draws[family]


def naive_t(values, alpha: float) -> Interval:
    """The fixed-size t interval, which does not know that one has looked before."""
    from statistics import NormalDist

    n = len(values)
    if n < 8:
        return EVERYTHING
    z = NormalDist().inv_cdf(1 - alpha / 2)
    quantile = z + (z**3 + z) / (4 * (n - 1)) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * (n - 1) ** 2)
    half = quantile * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(float(np.mean(values)) - half, float(np.mean(values)) + half)


def misses(interval, runs, truth: float) -> int:
    """Return in how many runs the interval excluded the truth at any look."""
    return sum(
        any(
            not found.low <= truth <= found.high
            for found in (interval(run[:blocks], 0.05) for blocks in range(1, LONGEST + 1))
        )
        for run in runs.tolist()
    )


@pytest.mark.parametrize(
    ("above", "blocks", "expected"),
    [
        (0, 1, 1.0),
        (0, 2, 4 * 3 / 8),
        (1, 2, 4 * 1 / 8),
        (0, 7, 128 * math.gamma(7.5) * math.sqrt(math.pi) / math.factorial(7) / math.pi),
        (20, 40, 2**40 * math.gamma(20.5) ** 2 / math.factorial(40) / math.pi),
    ],
)
def test_sign_evidence_has_its_known_values(above, blocks, expected):
    assert sign_evidence(above, blocks) == pytest.approx(expected, rel=1e-12)


def test_sign_evidence_is_a_martingale_under_the_median():
    for blocks in range(30):
        for above in range(blocks + 1):
            after = (sign_evidence(above, blocks + 1) + sign_evidence(above + 1, blocks + 1)) / 2
            assert after == pytest.approx(sign_evidence(above, blocks), rel=1e-9)


def test_the_sign_interval_is_finite_from_seven_blocks_on():
    values = [3.0, 1.0, 2.0, 7.0, 5.0, 4.0, 6.0]
    assert sign_interval(values[:6], 0.05) == EVERYTHING
    assert sign_interval(values, 0.05) == Interval(1.0, 7.0)
    assert sign_evidence(0, 7) > 20 > sign_evidence(1, 7)


@given(VALUES)
def test_the_sign_interval_keeps_exactly_the_medians_that_are_not_rejected(values):
    interval = sign_interval(values, 0.05)
    for candidate in [*values, min(values) - 1, max(values) + 1]:
        above = sum(value > candidate for value in values)
        below = sum(value < candidate for value in values)
        ties = len(values) - above - below
        kept = any(sign_evidence(above + tie, len(values)) < 20 for tie in range(ties + 1))
        assert kept == (interval.low <= candidate <= interval.high)


@pytest.mark.parametrize("blocks", [2, 3, 8, 17, 40])
def test_the_t_interval_is_where_the_mixture_has_not_rejected(blocks):
    rng = np.random.default_rng(blocks)
    values = rng.normal(1.0, 2.0, blocks).tolist()
    interval = t_interval(values, 0.05)

    def evidence(mean: float) -> float:
        """Bayes factor of a standardised mean with variance g = 1 against 0 (Rouder et al. 2009, eq. 1)."""
        nu, n = blocks - 1, blocks
        t2 = n * (np.mean(values) - mean) ** 2 / np.var(values, ddof=1)
        return (1 + n) ** -0.5 * ((1 + t2 / (nu * (1 + n))) / (1 + t2 / nu)) ** (-(nu + 1) / 2)

    if math.isinf(interval.high):
        assert evidence(np.mean(values) + 1e9) < 20
    else:
        assert evidence(interval.high) == pytest.approx(20, rel=1e-6)
        assert evidence(interval.low) == pytest.approx(20, rel=1e-6)


@pytest.mark.parametrize("sequence", [sign_sequence, t_sequence])
@pytest.mark.parametrize("centre", [0.0, 1e6])
def test_a_sequence_is_the_intersection_of_its_intervals(sequence, centre):
    interval = {sign_sequence: sign_interval, t_sequence: t_interval}[sequence]
    values = np.random.default_rng(3).normal(centre, 1, 25).tolist()
    each = [interval(values[:blocks], 0.05) for blocks in range(1, 26)]
    found = sequence(values, 0.05)
    expected = max(i.low for i in each), min(i.high for i in each)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@given(VALUES)
def test_a_path_only_narrows_and_ends_where_the_sequence_is(values):
    path = sign_path(values, 0.05)
    assert len(path) == len(values)
    assert path[-1] == sign_sequence(values, 0.05)
    assert all(later.low >= earlier.low and later.high <= earlier.high for earlier, later in pairwise(path))


@given(st.lists(st.integers(-5000, 5000), min_size=1, max_size=30))
def test_turning_the_sign_of_every_block_turns_both_sequences(thousandths):
    values = [each / 1000 for each in thousandths]
    for sequence in (sign_sequence, t_sequence):
        one, other = sequence(values, 0.05), sequence([-value for value in values], 0.05)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


@given(VALUES, st.permutations(range(30)))
def test_the_order_of_blocks_does_not_move_the_interval_of_one_look(values, order):
    shuffled = [values[place] for place in order if place < len(values)]
    assert sign_interval(shuffled, 0.05) == sign_interval(values, 0.05)


@given(VALUES)
def test_a_smaller_alpha_gives_a_wider_sequence(values):
    narrow, wide = sign_interval(values, 0.05), sign_interval(values, 0.01)
    assert narrow.inside(wide)


def test_blocks_that_contradict_each_other_leave_nothing():
    found = sign_sequence([0.0] * 12 + [1.0] * 40, 0.05)
    assert found.low > found.high


def test_no_blocks_say_nothing():
    assert sign_sequence([], 0.05) == t_sequence([], 0.05) == EVERYTHING


@pytest.mark.parametrize("family", ["normal", "t3", "skewed"])
def test_the_sign_sequence_misses_the_median_in_at_most_five_percent_of_runs(family):
    runs, truth = noise(family)
    missed = sum(not (s := sign_sequence(run, 0.05)).low <= truth <= s.high for run in runs.tolist())
    assert upper_bound(missed, RUNS) <= ALLOWED


def test_the_t_sequence_misses_the_mean_in_at_most_five_percent_of_normal_runs():
    runs, truth = noise("normal")
    assert upper_bound(misses(t_interval, runs[:300], truth), 300) <= ALLOWED


def test_the_same_test_catches_a_t_interval_that_is_looked_at_again_and_again():
    runs, truth = noise("normal")
    assert upper_bound(misses(naive_t, runs[:300], truth), 300) > ALLOWED


def test_the_upper_bound_of_a_probability_is_that_of_clopper_and_pearson():
    assert upper_bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100), rel=1e-9)
    stats = pytest.importorskip("scipy.stats")
    assert upper_bound(7, 300) == pytest.approx(float(stats.beta.ppf(0.95, 8, 293)), rel=1e-9)
