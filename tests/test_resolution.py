"""What a pilot foretells: variances, rounds a block, and an effect that is then resolved about as often."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.regions import NEGLIGIBLE
from kb.resolution import rounds_per_block, smallest_effect, variances
from kb.sequences import sign_sequence

POSITIVE = st.floats(1e-6, 1e3)


def test_variances_within_and_between_blocks_have_their_known_values():
    # within: (2 + 8) / 2; means 2 and 10, variance 32, of which 5 / 2 is the rounds' share
    assert variances([[1.0, 3.0], [8.0, 12.0]]) == pytest.approx((5.0, 32 - 2.5))


def test_blocks_that_differ_no_more_than_their_rounds_explain_have_no_variance_between():
    assert variances([[0.0, 10.0], [1.0, 9.0]]) == (pytest.approx(41.0), 0.0)


@pytest.mark.parametrize(
    ("blocks", "expected"), [([[1.0], [3.0]], (0.0, 2.0)), ([[1.0, 3.0]], (2.0, 0.0)), ([[4.0]], (0.0, 0.0))]
)
def test_variances_need_neither_several_rounds_nor_several_blocks(blocks, expected):
    assert variances(blocks) == pytest.approx(expected)


def test_planted_variances_are_found_again():
    rng = np.random.default_rng(20261121)
    shape = (4000, 3)
    draws = rng.normal(0, 2.0, (shape[0], 1)) + rng.normal(0, 3.0, shape)
    assert variances(draws.tolist()) == pytest.approx((9.0, 4.0), rel=0.1)


@pytest.mark.parametrize(
    ("block_cost", "round_cost", "within", "between", "rounds"),
    [
        (16.0, 1.0, 1.0, 1.0, 4),  # sqrt(16 * 1)
        (16.0, 1.0, 4.0, 1.0, 8),  # sqrt(16 * 4)
        (10.0, 1.0, 1.0, 1.0, 4),  # sqrt(10), upward
        (1.0, 16.0, 1.0, 1.0, 1),
        (1e6, 1.0, 1.0, 1.0, 20),  # at most
        (1.0, 1.0, 0.0, 1.0, 1),
        (1.0, 1.0, 1.0, 0.0, 20),  # blocks are alike: repeat inside them
        (1.0, 1.0, 0.0, 0.0, 1),
        (1.0, 0.0, 1.0, 1.0, 20),  # rounds cost nothing
    ],
)
def test_rounds_a_block_follow_kalibera_and_jones(block_cost, round_cost, within, between, rounds):
    assert rounds_per_block(block_cost, round_cost, within, between, 20) == rounds


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.integers(1, 30))
def test_no_other_number_of_rounds_gives_less_variance_for_its_cost(
    block_cost, round_cost, within, between, most
):
    rounds = rounds_per_block(block_cost, round_cost, within, between, most)
    assert 1 <= rounds <= most

    def price(turns: int) -> float:
        """Variance of a block's mean, times what such a block costs: what n blocks of it have for a budget."""
        return (between + within / turns) * (block_cost + turns * round_cost)

    best = min(range(1, most + 1), key=price)
    assert rounds - best in (0, 1) or price(rounds) == pytest.approx(price(best))


@pytest.mark.parametrize("blocks", range(7))
def test_too_few_blocks_resolve_nothing(blocks):
    assert smallest_effect(blocks, 0.05, 0.05) is None


@given(st.integers(7, 39), st.floats(0.001, 0.5), st.floats(1.01, 3.0))
def test_noise_costs_resolution_and_blocks_buy_it(blocks, deviation, factor):
    effect = smallest_effect(blocks, deviation, 0.05)
    assert effect > NEGLIGIBLE
    assert smallest_effect(blocks, deviation * factor, 0.05) > effect
    assert smallest_effect(blocks, 0.0, 0.05) == pytest.approx(NEGLIGIBLE)
    assert (
        smallest_effect(blocks, deviation, 0.01) is None or smallest_effect(blocks, deviation, 0.01) >= effect
    )
    assert smallest_effect(4 * blocks, deviation, 0.05) < effect


def test_no_block_more_ever_costs_resolution():
    effects = [smallest_effect(blocks, 0.05, 0.05) for blocks in range(7, 41)]
    assert effects == sorted(effects, reverse=True)
    assert len(set(effects)) > 5


@pytest.mark.parametrize("blocks", [12, 20, 40])
def test_the_smallest_effect_is_resolved_in_about_four_runs_out_of_five(blocks):
    deviation, runs = 0.05, 300
    effect = smallest_effect(blocks, deviation, 0.05)
    rng = np.random.default_rng(20261121)
    draws = math.log1p(effect) + deviation * rng.standard_normal((runs, blocks))
    margin = math.log(1 + NEGLIGIBLE)
    shown = sum(sign_sequence(run, 0.05).low > margin for run in draws.tolist())
    assert 0.65 < shown / runs < 0.95
