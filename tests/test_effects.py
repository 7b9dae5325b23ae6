"""From bursts to one effect a block."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import bursts, plan_of

from kb.effects import COLUMNS, Sample, as_columns, block_values, from_columns, trend_values
from kb.words import Effect

PLAN = plan_of((1.5, 2.5))
COUNTS = st.integers(1, 2**40)


def sample(block=1, side="of", cost=1, steps=1, turn=0, position=0, place=0, pair=0) -> Sample:
    arm = PLAN.pairs[pair][side == "against"]
    return Sample(block, place, turn, position, side, arm, steps, cost, cost, 0)


def one_block(of: int, against: int) -> list[Sample]:
    return [sample(cost=of), sample(side="against", cost=against)]


def test_a_speedup_is_the_baseline_s_time_over_the_treatment_s():
    assert block_values(PLAN, one_block(100, 200))[0, 0] == pytest.approx([math.log(2)])


def test_a_ratio_is_the_treatment_s_quantity_over_the_baseline_s():
    plan = replace(PLAN, effect=Effect.RATIO)
    assert block_values(plan, one_block(100, 200))[0, 0] == pytest.approx([math.log(0.5)])


def test_costs_are_compared_per_step():
    rows = [sample(cost=300, steps=3), sample(side="against", cost=800, steps=4)]
    assert block_values(PLAN, rows)[0, 0] == pytest.approx([math.log(2)])


def test_bursts_of_one_round_are_summed_and_a_block_is_the_median_of_its_rounds():
    rows = []
    for turn, ratio in enumerate((2, 3, 100)):
        for position, side in enumerate(("of", "against", "against", "of")):
            cost = 100 + position if side == "of" else 103 * ratio + 2 * (position - 1)
            rows.append(sample(side=side, cost=cost, turn=turn, position=position))
    expected = math.log((103 * 3 + 103 * 3 + 2) / (100 + 103))
    assert block_values(PLAN, rows)[0, 0] == pytest.approx([expected])


def test_an_incomplete_block_gives_no_value_and_leaves_the_others():
    rows = [
        *one_block(1, 2),
        sample(block=2),
        sample(block=3, cost=1),
        sample(block=3, side="against", cost=4),
    ]
    assert block_values(PLAN, rows)[0, 0] == pytest.approx([math.log(2), math.log(4)])


def test_no_bursts_give_no_values_for_every_cell():
    assert block_values(plan_of((1.5, None), cells=2), []) == {(0, 0): [], (0, 1): []}


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_the_order_in_which_bursts_are_listed_does_not_matter(costs, random):
    rows = [
        sample(block=block, side=side, cost=cost)
        for block, pair in enumerate(costs, start=1)
        for side, cost in zip(("of", "against"), pair, strict=True)
    ]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert block_values(PLAN, shuffled) == block_values(PLAN, rows)


@given(st.lists(st.tuples(COUNTS, COUNTS), max_size=5))
def test_columns_and_samples_are_two_forms_of_the_same(costs):
    rows = [sample(block=block, cost=cost, position=cpu % 4) for block, (cost, cpu) in enumerate(costs)]
    columns = as_columns(rows)
    assert tuple(columns) == COLUMNS
    assert from_columns(columns) == rows


def test_columns_of_unequal_length_are_refused():
    columns = as_columns(one_block(1, 2))
    with pytest.raises(ValueError, match="shorter"):
        from_columns({**columns, "cost": columns["cost"][:1]})


def trend_plan():
    return plan_of(
        (None, 0.0),
        effect=Effect.TREND,
        settings=[{"batch": b} for b in (1, 2, 8)],
        deciding=[[place, 0] for place in range(3)],
        along="batch",
        declared=3,
    )


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.25])
def test_a_trend_is_the_slope_of_the_absolute_log_effect_per_doubling(slope):
    plan = trend_plan()
    values = {(place, 0): [1.0 + slope * doubling] * 4 for place, doubling in enumerate((0, 1, 3))}
    assert trend_values(plan, block_values(plan, bursts(plan, values)), 0) == pytest.approx(
        [slope] * 4, abs=1e-8
    )


def test_a_gap_that_changes_sides_counts_by_its_size():
    plan = trend_plan()
    values = {(0, 0): [-0.3], (1, 0): [0.2], (2, 0): [0.0]}
    assert trend_values(plan, values, 0) == pytest.approx([-0.1])
