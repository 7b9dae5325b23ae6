"""Whether blocks depend on their predecessors: known values, and that dependence makes no false verdicts."""

import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tiny import bursts, noisy, plan_of

from kb.dependence import ALIKE, BIAS, STRETCH, STRONGEST, dependent, rank_autocorrelation
from kb.rulings import evidence_of
from kb.sequences import sign_interval
from kb.verdict import judge
from kb.words import Reason, Verdict

SERIES = st.lists(st.integers(-1000, 1000), max_size=30)


def autoregressive(strength: float, runs: int, blocks: int) -> np.ndarray:
    """Return series with this lag-1 autocorrelation and variance 1, started in their stationary law."""
    steps = np.random.default_rng(20261121).standard_normal((runs, blocks))
    series = steps.copy()
    for block in range(1, blocks):
        fresh = math.sqrt(1 - strength**2) * steps[:, block]
        series[:, block] = strength * series[:, block - 1] + fresh
    return series


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], 0.0, id="none"),
        pytest.param([3.0], 0.0, id="one"),
        pytest.param([5.0] * 9, 0.0, id="all-equal"),
        pytest.param([1, 2, 3, 4], 0.7, id="rising"),  # 1 - (1+1+1) / 5 / 2
        pytest.param([4, 3, 2, 1], 0.7, id="falling"),
        pytest.param([1, 4, 2, 3], -0.4, id="to-and-fro"),  # 1 - (9+4+1) / 5 / 2
        pytest.param([7, 7, 9, 9], 0.5, id="ties-share-their-rank"),  # ranks 1.5 1.5 3.5 3.5: 1 - 4 / 4 / 2
        pytest.param([7, 9, 7, 9], -0.5, id="ties-to-and-fro"),  # 1 - (4+4+4) / 4 / 2
        pytest.param(list(range(20)), 1 - 6 / (20 * 21), id="long-rise"),  # 1 - 19 * 12 / (20 * 399) / 2
    ],
)
def test_the_rank_autocorrelation_has_its_known_values(values, expected):
    assert rank_autocorrelation(values) == pytest.approx(expected, abs=1e-12)


@given(SERIES)
def test_only_the_order_of_the_values_counts_and_not_in_which_sense_or_direction(values):
    expected = pytest.approx(rank_autocorrelation(values), abs=1e-12)
    assert rank_autocorrelation([math.atan(value) * 7 + 3 for value in values]) == expected
    assert rank_autocorrelation([-value for value in values]) == expected
    assert rank_autocorrelation(values[::-1]) == expected
    assert dependent(values[::-1]) == dependent(values)


@pytest.mark.parametrize("blocks", [10, 30])
def test_shuffled_blocks_have_none_on_average_and_spread_as_bartels_says(blocks):
    rng = np.random.default_rng(blocks)
    found = [rank_autocorrelation(rng.permutation(blocks).tolist()) for _ in range(4000)]
    n = blocks
    ratio = 4 * (n - 2) * (5 * n**2 - 2 * n - 9) / (5 * n * (n + 1) * (n - 1) ** 2)
    assert fmean(found) == pytest.approx(0, abs=0.02)
    assert np.var(found) == pytest.approx(ratio / 4, rel=0.1)


@given(SERIES)
def test_blocks_depend_where_their_autocorrelation_corrected_for_bias_is_beyond_the_limit(values):
    ordered = sorted(values)
    assume(values and ordered[-1 - len(values) // 4] - ordered[len(values) // 4] >= ALIKE)
    assert dependent(values) == (rank_autocorrelation(values) > STRONGEST - BIAS / len(values))


@pytest.mark.parametrize("strength", [0.3, 0.6])
def test_the_correction_makes_up_for_what_few_blocks_understate_and_rather_more(strength):
    for blocks in (12, 40):
        found = [rank_autocorrelation(run) for run in autoregressive(strength, 1500, blocks).tolist()]
        assert fmean(found) < strength - 0.02
        assert strength - 0.05 < fmean(found) + BIAS / blocks < strength + 0.1


@pytest.mark.parametrize("blocks", [8, 12, 20, 40])
def test_blocks_that_alternate_pass(blocks):
    assert not dependent(noisy(2.0, blocks))
    assert not dependent([block % 2 for block in range(blocks)])


def test_drift_does_not_pass_where_it_moves_the_interval():
    assert dependent([2.0 + 2e-3 * block for block in range(40)])
    assert dependent([2.0 - 2e-3 * block for block in range(8)])
    assert not dependent([2.0 + 1e-9 * block for block in range(40)])


@pytest.mark.parametrize("blocks", [8, 20, 40])
def test_one_odd_block_among_equal_ones_is_no_dependence(blocks):
    assert not dependent([0.41] + [0.40] * (blocks - 1))
    assert not dependent([0.40] * (blocks - 1) + [0.41])


def test_independent_blocks_pass_the_oftener_the_more_there_are():
    white = autoregressive(0.0, 800, 40)
    flagged = [fmean(dependent(run[:blocks]) for run in white.tolist()) for blocks in (8, 12, 20, 40)]
    assert flagged == sorted(flagged, reverse=True)
    assert flagged[-1] < 0.12


def test_blocks_that_resemble_their_predecessors_are_usually_noticed():
    runs = autoregressive(0.6, 400, 40).tolist()
    assert fmean(map(dependent, runs)) > 0.9


def decided(plan, run: list[float]) -> bool:
    """Tell whether any look at the run, from the fewest blocks on, lets its lower edge decide."""
    looks = range(plan.fewest_blocks, len(run) + 1)
    return any(evidence_of(plan, run[:blocks]).trusted().own.low >= 1.2 for blocks in looks)


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.6])
def test_dependent_blocks_make_no_more_false_verdicts_than_promised_however_often_one_looks(strength):
    plan = plan_of((1.2, None))
    runs = (math.log(1.2) - 1e-6 + 0.05 * autoregressive(strength, 250, 40)).tolist()
    wrong = sum(decided(plan, run) for run in runs)
    assert wrong <= 0.06 * len(runs)


def test_without_the_gate_they_would_make_more(monkeypatch):
    monkeypatch.setattr("kb.rulings.dependent", lambda values: False)
    plan = plan_of((1.2, None))
    runs = (math.log(1.2) - 1e-6 + 0.05 * autoregressive(0.6, 250, 40)).tolist()
    assert sum(decided(plan, run) for run in runs) > 0.1 * len(runs)


def test_independent_blocks_are_still_decided():
    plan = plan_of((1.2, None))
    runs = (math.log(1.27) + 0.05 * autoregressive(0.0, 60, 40)).tolist()
    assert sum(decided(plan, run) for run in runs) >= 54


def test_the_interval_of_blocks_that_depend_on_each_other_is_stretched_about_all_of_them():
    plan = plan_of((1.5, 2.5))
    rising = [math.log(2) + 0.02 * (block - 11.5) for block in range(24)]
    found = judge(plan, bursts(plan, {(0, 0): rising}))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DEPENDENCE)
    assert {reading["verdict"] for reading in found.readings} == {"inconclusive"}
    plain = sign_interval(rising, plan.alpha)
    low, high = map(math.log, found.interval)
    assert high - low == pytest.approx(STRETCH * (plain.high - plain.low), rel=1e-3)
    assert (high + low) / 2 == pytest.approx(math.log(2), abs=1e-3)


def test_an_effect_that_dwarfs_its_drift_is_still_seen():
    plan = plan_of((1.5, 2.5))
    rising = [math.log(2) + 0.002 * (block - 11.5) for block in range(24)]
    found = judge(plan, bursts(plan, {(0, 0): rising}))
    assert (found.verdict, found.direction.verdict) == (Verdict.SUPPORTED, Verdict.SUPPORTED)


@pytest.mark.parametrize("sign", [1, -1])
def test_early_and_late_blocks_that_contradict_each_other_decide_nothing(sign):
    plan = plan_of((1.02, None))
    effects = [sign * (math.log(1.1) + 0.001 * (block % 3)) + (block >= 12) * 0.4 for block in range(40)]
    found = judge(plan, bursts(plan, {(0, 0): effects}))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DEPENDENCE)
    assert found.direction.verdict is Verdict.INCONCLUSIVE
