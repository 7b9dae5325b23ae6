"""The specification curve: what is in it, that it agrees with the verdict's own cell, and its chance."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import besides, bursts, controls, noisy, plan_of

from kb.effects import Sample
from kb.specifications import FLIPS, curve
from kb.verdict import judge
from kb.words import Effect

PLAN = plan_of((1.5, 2.5), (1.1, 1.4), control_every=4, beside=["three/n"])


def rounds_of(plan, costs, pair=0, place=0) -> list[Sample]:
    """Return blocks from costs[block][round] = (of, against), each arm twice a round."""
    return [
        Sample(block, place, turn, position, side, plan.pairs[pair][side == "against"], 1, cost, cost, 0)
        for block, turns in enumerate(costs, start=1)
        for turn, (of, against) in enumerate(turns)
        for position, (side, cost) in enumerate(
            (("of", of), ("against", against), ("against", against), ("of", of))
        )
    ]


def rows_of(found: dict) -> list[dict]:
    columns = found["columns"]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def one(found: dict, statistic: str, bursts_kept: str = "all") -> float:
    rows = [row for row in rows_of(found) if (row["statistic"], row["bursts"]) == (statistic, bursts_kept)]
    assert len(rows) == 1
    return rows[0]["estimate"]


@pytest.mark.parametrize(("turns", "bursts_kept"), [(1, 1), (2, 2), (5, 2)])
@pytest.mark.parametrize(("places", "pairs"), [(1, 1), (2, 1), (2, 3)])
def test_cells_statistics_and_bursts_are_crossed(turns, bursts_kept, places, pairs):
    plan = plan_of((1.5, 2.5), cells=pairs, settings=[{"batch": 2**place} for place in range(places)])
    rows = [
        row
        for place in range(places)
        for pair in range(pairs)
        for row in rounds_of(plan, [[(100, 200)] * turns] * 9, pair, place)
    ]
    found = curve(plan, rows)
    size = places * pairs * 3 * bursts_kept
    assert {len(column) for column in found["columns"].values()} == {size}
    assert len({tuple(row.values())[:4] for row in rows_of(found)}) == size
    assert found["readings"] == [{"name": "reading 0", "inside": size, "outside": 0, "undecided": 0}]


@pytest.mark.parametrize("effect", [Effect.SPEEDUP, Effect.RATIO])
@pytest.mark.parametrize("turns", [1, 3])
def test_the_primary_specification_is_the_cell_s_own_estimate(effect, turns):
    plan = plan_of((1.5, 2.5), effect=effect)
    drawn = np.random.default_rng(turns).integers(10**8, 2 * 10**8, (12, turns, 2)).tolist()
    rows = rounds_of(plan, drawn)
    primary = rows_of(curve(plan, rows))[0]
    cell = judge(plan, rows).cells[0]
    assert (primary["statistic"], primary["bursts"]) == ("median", "all")
    assert primary["estimate"] == cell.estimate
    assert [primary["low"], primary["high"]] == cell.interval


def test_a_slow_burst_moves_the_mean_alone():
    usual, slow = (100, 200), (100, 2000)
    found = curve(PLAN, rounds_of(PLAN, [[usual, usual, usual, slow, usual]] * 3))
    assert (one(found, "median"), one(found, "least")) == (2.0, 2.0)
    assert one(found, "mean") == pytest.approx((4 * 200 + 2000) / 500)


def test_a_fast_burst_moves_the_least_and_hardly_the_mean():
    usual, fast = (100, 200), (10, 200)
    found = curve(PLAN, rounds_of(PLAN, [[usual, fast, usual]] * 3))
    assert (one(found, "median"), one(found, "least")) == (2.0, 20.0)
    assert one(found, "mean") == pytest.approx(600 / 210, abs=1e-5)


def test_the_later_half_leaves_out_what_was_slow_at_first():
    cold, warm = (100, 500), (100, 200)
    found = curve(PLAN, rounds_of(PLAN, [[cold, cold, warm, warm]] * 3))
    assert one(found, "median", "later half") == 2.0
    assert one(found, "mean", "later half") == 2.0
    assert one(found, "mean") == pytest.approx(3.5)


@given(st.lists(st.floats(-3, 3), max_size=4), st.lists(st.floats(-3, 3), max_size=12))
@settings(max_examples=15)
def test_neither_control_blocks_nor_arms_beside_enter_the_curve(biases, logs):
    plain = bursts(PLAN, {(0, 0): noisy(2.0, 9)})
    assert curve(PLAN, [*plain, *controls(PLAN, biases), *besides(PLAN, logs)]) == curve(PLAN, plain)


def test_a_control_block_that_happens_to_hold_both_arms_of_a_pair_has_no_specification():
    chained = replace(PLAN, pairs=[["one/a", "one/b"], ["one/b", "one/c"]])
    assert curve(chained, controls(chained, [1.0] * 4)) == {}


def test_arms_beside_that_are_timed_more_often_add_no_specifications():
    plain = bursts(PLAN, {(0, 0): noisy(2.0, 9)})
    often = [replace(row, round=turn) for row in besides(PLAN, [0.1] * 9) for turn in range(3)]
    assert curve(PLAN, [*plain, *often]) == curve(PLAN, plain)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_curve_is_json_that_listing_order_does_not_change(random):
    rows = rounds_of(PLAN, np.random.default_rng(3).integers(10**8, 2 * 10**8, (9, 2, 2)).tolist())
    first = json.dumps(curve(PLAN, rows), allow_nan=False)
    random.shuffle(rows)
    assert json.dumps(curve(PLAN, rows), allow_nan=False) == first


@pytest.mark.parametrize("scale", [2, 1000])
def test_other_units_change_nothing(scale):
    rows = rounds_of(PLAN, np.random.default_rng(3).integers(10**8, 2 * 10**8, (9, 2, 2)).tolist())
    assert curve(PLAN, [replace(row, cost=row.cost * scale) for row in rows]) == curve(PLAN, rows)


def test_every_specification_is_counted_once_for_every_reading():
    rows = rounds_of(PLAN, np.random.default_rng(3).integers(10**8, 3 * 10**8, (30, 2, 2)).tolist())
    found = curve(PLAN, rows)
    for reading in found["readings"]:
        assert reading["inside"] + reading["outside"] + reading["undecided"] == 6
        assert min(reading["inside"], reading["outside"], reading["undecided"]) >= 0


def test_blocks_that_contradict_each_other_are_undecided():
    plan = plan_of((2.1, 2.6), (1.9, 2.2))
    early, late = noisy(2.0, 16), noisy(3.0, 40)
    found = curve(plan, bursts(plan, {(0, 0): early + late}))
    assert [reading["undecided"] for reading in found["readings"]] == [3, 3]
    assert {row["low"] for row in rows_of(found)} == {None}


def test_no_samples_have_no_curve():
    assert curve(PLAN, []) == curve(PLAN, controls(PLAN, [0.1] * 3)) == {}


# ------------------------------------------------------------------------------------------- the curve's chance


@pytest.mark.parametrize("logs", [noisy(2.0, 24), noisy(1.05, 24, spread=0.02), [math.log(2)] * 24])
def test_a_clear_effect_is_as_far_from_chance_as_so_many_flips_can_tell(logs):
    assert curve(PLAN, bursts(PLAN, {(0, 0): logs}))["chance"] == 1 / (FLIPS + 1) == 1 / 500


def test_few_blocks_cannot_be_far_from_chance():
    # of 2 ** 5 flips, all alike and all turned are as far as what was seen
    found = curve(PLAN, bursts(PLAN, {(0, 0): [0.7, 0.1, 0.3, 0.6, 0.2]}))["chance"]
    assert found == pytest.approx(2 / 2**5, abs=0.035)


def test_no_effect_at_all_is_chance():
    assert curve(PLAN, bursts(PLAN, {(0, 0): [0.0] * 24}))["chance"] == 1.0


def test_an_effect_that_reverses_from_block_to_block_is_chance():
    logs = [(-1) ** block * (0.3 + 0.01 * block) for block in range(24)]
    assert curve(PLAN, bursts(PLAN, {(0, 0): logs}))["chance"] > 0.5


def test_an_arm_against_itself_has_every_chance_alike():
    rng = np.random.default_rng(20261121)
    chances = []
    for seed in range(120):
        plan = replace(PLAN, seed=seed)
        logs = (0.05 * rng.standard_normal(15)).tolist()
        chances.append(curve(plan, bursts(plan, {(0, 0): logs}))["chance"])
    assert min(chances) >= 1 / 500
    assert np.mean(chances) == pytest.approx(0.5, abs=0.1)
    assert sum(chance <= 0.05 for chance in chances) <= 14  # 6 are expected; 15 have a chance of 1 in 1000
    assert 40 <= sum(chance <= 0.5 for chance in chances) <= 80


def test_swapping_the_arms_keeps_the_chance():
    logs = [0.02 + 0.05 * math.sin(7 * block) for block in range(15)]
    swapped = [-log for log in logs]
    both = [curve(PLAN, bursts(PLAN, {(0, 0): each}))["chance"] for each in (logs, swapped)]
    assert both[0] == both[1]


def test_specifications_that_share_no_block_have_no_chance():
    plan = plan_of((1.5, 2.5), cells=2)
    rows = [
        replace(row, block=row.block + 20 * (row.arm in plan.pairs[1]))
        for row in bursts(plan, {(0, 0): noisy(2.0, 9), (0, 1): noisy(2.0, 9)})
    ]
    assert curve(plan, rows)["chance"] is None


def test_a_trend_has_slopes_and_no_chance():
    plan = plan_of(
        (None, 0.0),
        effect=Effect.TREND,
        settings=[{"batch": 2**place} for place in range(3)],
        deciding=[[place, 0] for place in range(3)],
        along="batch",
        declared=3,
    )
    logs = {(place, 0): noisy(math.exp(1 - 0.3 * place), 12) for place in range(3)}
    found = curve(plan, bursts(plan, logs))
    assert found["chance"] is None
    assert [row["estimate"] for row in rows_of(found)] == pytest.approx([-0.3] * 3, abs=0.01)
    assert found["readings"] == [{"name": "reading 0", "inside": 3, "outside": 0, "undecided": 0}]
