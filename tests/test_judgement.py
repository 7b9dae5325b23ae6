"""What is stored of a judgement: rounded alike on every machine, open edges as null."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import noisy, plan_of

from kb.judgement import DIGITS, beside_result, cell_result, rounded, rounded_interval
from kb.regions import Interval
from kb.rulings import evidence_of
from kb.words import Effect

PLAN = plan_of((1.5, 2.5), beside=["three/n"])


@given(st.floats(1e-9, 1e12))
def test_figures_are_rounded_to_so_many_digits_once_and_for_all(value):
    found = rounded(value)
    assert found == pytest.approx(value, rel=10 ** (1 - DIGITS))
    assert rounded(found) == found == json.loads(json.dumps(found))


def test_what_is_not_known_stays_so():
    assert rounded(None) is None
    assert rounded_interval(Interval(low=1 / 3)) == [0.333333, None]


@pytest.mark.parametrize("effect", [Effect.SPEEDUP, Effect.TREND])
def test_a_cell_is_stored_as_a_ratio_even_where_the_claim_is_about_a_slope(effect):
    plan = plan_of((1.5, 2.5), effect=effect)
    found = cell_result(plan, (0, 0), evidence_of(plan, noisy(2.0, 16)))
    assert (found.estimate, found.mean) == pytest.approx((2.0, 2.0), rel=1e-3)
    assert found.interval[0] <= 2.0 <= found.interval[1]
    assert found.mean_interval[0] <= 2.0 <= found.mean_interval[1]
    assert (found.blocks, found.deciding, found.trouble) == (16, True, "")


def test_a_cell_without_blocks_has_neither_estimate_nor_bounds():
    found = cell_result(PLAN, (0, 0), evidence_of(PLAN, []))
    assert (found.estimate, found.mean, found.blocks) == (None, None, 0)
    assert found.interval == found.mean_interval == [None, None]


def test_what_drifts_is_said_beside_its_cell():
    rising = [math.log(2) + 0.001 * block for block in range(14)]
    assert cell_result(PLAN, (0, 0), evidence_of(PLAN, rising)).trouble == "dependence"


def test_an_arm_beside_is_stored_with_what_it_was_held_against():
    key = (0, "three/n", "two/m0")
    found = beside_result(PLAN, key, dict(enumerate(noisy(3.0, 16), start=1)))
    assert (found.place, found.of, found.against, found.blocks) == (*key, 16)
    assert found.estimate == pytest.approx(3.0, rel=1e-3)
    assert found.interval[0] <= 3.0 <= found.interval[1]
    assert beside_result(PLAN, key, {}).interval == [None, None]
