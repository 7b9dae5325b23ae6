"""From bursts to one effect a block."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import besides, bursts, controls, noisy, plan_of

from kb.effects import (
    COLUMNS,
    Costs,
    Sample,
    as_columns,
    beside_values,
    block_values,
    contrast_values,
    control_values,
    from_columns,
    trend_values,
    typical_values,
)
from kb.words import Effect

PLAN = plan_of((1.5, 2.5))
COUNTS = st.integers(1, 2**40)


def sample(block=1, side="of", cost=1, steps=1, turn=0, position=0, place=0, pair=0) -> Sample:
    arm = PLAN.pairs[pair][side == "against"]
    return Sample(block, place, turn, position, side, arm, steps, cost, cost, 0)


def listed(plan, rows, cell=(0, 0)) -> list[float]:
    return list(block_values(plan, Costs(rows))[cell].values())


def one_block(of: int, against: int) -> list[Sample]:
    return [sample(cost=of), sample(side="against", cost=against)]


def test_a_speedup_is_the_baseline_s_time_over_the_treatment_s():
    assert listed(PLAN, one_block(100, 200)) == pytest.approx([math.log(2)])


def test_a_ratio_is_the_treatment_s_quantity_over_the_baseline_s():
    plan = replace(PLAN, effect=Effect.RATIO)
    assert listed(plan, one_block(100, 200)) == pytest.approx([math.log(0.5)])


def test_costs_are_compared_per_step():
    rows = [sample(cost=300, steps=3), sample(side="against", cost=800, steps=4)]
    assert listed(PLAN, rows) == pytest.approx([math.log(2)])


def test_bursts_of_one_round_are_summed_and_a_block_is_the_median_of_its_rounds():
    rows = []
    for turn, ratio in enumerate((2, 3, 100)):
        for position, side in enumerate(("of", "against", "against", "of")):
            cost = 100 + position if side == "of" else 103 * ratio + 2 * (position - 1)
            rows.append(sample(side=side, cost=cost, turn=turn, position=position))
    expected = math.log((103 * 3 + 103 * 3 + 2) / (100 + 103))
    assert listed(PLAN, rows) == pytest.approx([expected])


def test_an_incomplete_block_gives_no_value_and_leaves_the_others():
    rows = [
        *one_block(1, 2),
        sample(block=2),
        sample(block=3, cost=1),
        sample(block=3, side="against", cost=4),
    ]
    found = block_values(PLAN, Costs(rows))[0, 0]
    assert found == pytest.approx({1: math.log(2), 3: math.log(4)})


def test_no_bursts_give_no_values_for_every_cell():
    assert block_values(plan_of((1.5, None), cells=2), Costs([])) == {(0, 0): {}, (0, 1): {}}


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_the_order_in_which_bursts_are_listed_does_not_matter(costs, random):
    rows = [
        sample(block=block, side=side, cost=cost)
        for block, pair in enumerate(costs, start=1)
        for side, cost in zip(("of", "against"), pair, strict=True)
    ]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert block_values(PLAN, Costs(shuffled)) == block_values(PLAN, Costs(rows))


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
    found = trend_values(plan, block_values(plan, Costs(bursts(plan, values))), 0)
    assert found == pytest.approx(dict.fromkeys((1, 2, 3, 4), slope), abs=1e-8)


def test_a_gap_that_changes_sides_counts_by_its_size():
    plan = trend_plan()
    values = {(0, 0): {1: -0.3}, (1, 0): {1: 0.2}, (2, 0): {1: 0.0}}
    assert trend_values(plan, values, 0) == pytest.approx({1: -0.1})


def test_a_block_that_lacks_a_place_gives_no_slope():
    plan = trend_plan()
    values = {(0, 0): {1: 0.1, 2: 0.1}, (1, 0): {2: 0.2, 3: 0.2}, (2, 0): {2: 0.4, 3: 0.4}}
    assert trend_values(plan, values, 0) == pytest.approx({2: 0.1})


def test_the_usual_case_is_the_median_over_the_cells_of_each_block_that_has_them_all():
    values = {(0, 0): {1: 1.0, 2: 5.0, 3: 9.0}, (0, 1): {1: 2.0, 2: 4.0}, (0, 2): {1: 9.0, 2: 0.0}}
    assert typical_values(values, list(values)) == {1: 2.0, 2: 4.0}
    assert typical_values(values, []) == {}


def test_a_contrast_is_how_much_the_first_pair_exceeds_the_second():
    values = {(0, 0): {1: 0.5, 2: -0.1, 3: 0.2}, (0, 1): {1: 0.2, 2: 0.3}}
    assert contrast_values(values, 0) == pytest.approx({1: 0.3, 2: -0.4})


# ------------------------------------------------------------------------------- control blocks and arms beside

CONTROLLED = plan_of((1.5, 2.5), control_every=4, beside=["three/n"])


@given(st.lists(st.floats(-3, 3), max_size=4), st.lists(st.floats(-3, 3), max_size=12))
def test_neither_control_blocks_nor_arms_beside_enter_the_values_of_any_cell(biases, logs):
    plain = bursts(CONTROLLED, {(0, 0): noisy(2.0, 9)})
    more = [*plain, *controls(CONTROLLED, biases), *besides(CONTROLLED, logs)]
    assert block_values(CONTROLLED, Costs(more)) == block_values(CONTROLLED, Costs(plain))
    assert sorted(block_values(CONTROLLED, Costs(more))[0, 0]) == [1, 2, 3, 5, 6, 7, 9, 10, 11]


def test_a_control_block_that_happens_to_hold_both_arms_of_a_pair_is_no_block_of_it():
    chained = replace(CONTROLLED, pairs=[["one/a", "one/b"], ["one/b", "one/c"]])
    assert block_values(chained, Costs(controls(chained, [1.0] * 4))) == {(0, 0): {}, (0, 1): {}}
    assert set(control_values(chained, Costs(controls(chained, [1.0] * 4)))) == {
        (0, arm) for arm in ("one/a", "one/b", "one/c")
    }


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=6))
def test_a_control_holds_each_arm_against_itself_and_measured_blocks_never_enter_it(biases):
    rows = [*controls(CONTROLLED, biases), *bursts(CONTROLLED, {(0, 0): noisy(2.0, 9)})]
    found = control_values(CONTROLLED, Costs(rows))
    together = {block: log for series in found.values() for block, log in series.items()}
    assert together == pytest.approx({4 * n: bias for n, bias in enumerate(biases, start=1)}, abs=1e-8)
    assert set(found[0, "two/m0"]) == set(range(4, 4 * len(biases) + 1, 8))


def test_without_controls_nothing_is_held_against_itself():
    assert control_values(PLAN, Costs(bursts(PLAN, {(0, 0): noisy(2.0, 9)}))) == {}


@pytest.mark.parametrize(("effect", "sign"), [(Effect.SPEEDUP, -1), (Effect.RATIO, 1)])
def test_an_arm_beside_is_held_against_both_arms_of_the_deciding_pair_in_the_claim_s_own_sense(effect, sign):
    plan = replace(CONTROLLED, effect=effect)
    rows = bursts(plan, {(0, 0): [-sign * math.log(2)] * 3})  # the treatment takes half a second
    found = beside_values(plan, Costs([*rows, *besides(plan, [math.log(3)] * 3)]))
    against = {key[2]: series for key, series in found.items()}
    assert against["two/m0"] == pytest.approx(dict.fromkeys((1, 2, 3), sign * math.log(3)), abs=1e-8)
    assert against["one/m0"] == pytest.approx(dict.fromkeys((1, 2, 3), sign * math.log(6)), abs=1e-8)


def test_a_plan_without_a_deciding_pair_shows_nothing_beside_it():
    assert beside_values(replace(CONTROLLED, deciding=[]), Costs([])) == {}
