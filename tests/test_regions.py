"""Regions from wording: the worked examples of the measurement report, section 3.2, and interval algebra."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.estimand import Reading
from kb.regions import DIRECTION, EQUAL, Interval, hull, region_of, union

EDGES = st.floats(-10, 10)


@st.composite
def intervals(draw):
    low, high = sorted((draw(EDGES), draw(EDGES)))
    return Interval(low, high)


@pytest.mark.parametrize(
    ("wording", "value", "low", "high"),
    [
        ("25% faster, as a rate", 1.25, 1.1875, 1.3125),
        ("up to 3x", 3.0, 2.25, 3.75),
        ("about 15% more memory", 1.15, 1.1125, 1.1875),
        ("5% faster", 1.05, 1.0375, 1.0625),
        ("twice", 2.0, 1.5, 2.5),
        ("10% less", 0.9, 0.875, 0.925),
        ("90% faster", 1.9, 1.675, 2.125),
        ("half", 0.5, 0.375, 0.625),
    ],
)
def test_a_worded_effect_is_met_within_a_quarter_of_itself(wording, value, low, high):
    region = region_of(Reading(name=wording, value=value))
    assert (region.low, region.high) == pytest.approx((low, high))


def test_the_two_readings_of_25_percent_faster_span_the_report_s_region():
    rate = Reading(name="rate", value=1.25)
    time = Reading(name="time", value=1 / 0.75, low=1 / (1 - 0.25 * 0.75), high=1 / (1 - 0.25 * 1.25))
    region = hull([region_of(rate), region_of(time)])
    assert (region.low, region.high) == pytest.approx((1.1875, 1.4545), abs=1e-4)


def test_given_edges_outweigh_the_policy_and_a_missing_edge_is_open():
    assert region_of(Reading(name="at least", value=3.0, low=2.25)) == Interval(2.25, math.inf)
    assert region_of(Reading(name="at most", high=2.0)) == Interval(-math.inf, 2.0)


def test_direction_begins_where_equal_ends_and_equal_is_symmetric():
    assert DIRECTION.low == EQUAL.high == 1.02
    assert EQUAL.low * EQUAL.high == pytest.approx(1)


def test_open_edges_are_null_in_json():
    assert Interval().as_json() == [None, None]
    assert Interval(1.0).as_json() == [1.0, None]


@given(intervals(), intervals())
def test_inside_and_disjoint_exclude_each_other_and_disjoint_is_mutual(one, two):
    assert not (one.inside(two) and one.disjoint(two))
    assert one.disjoint(two) == two.disjoint(one)
    assert one.inside(one)
    assert not one.disjoint(one)


@given(st.lists(intervals(), min_size=1, max_size=6), EDGES)
def test_a_union_covers_exactly_its_parts_in_order_without_overlap(parts, point):
    merged = union(parts)
    assert any(part.low <= point <= part.high for part in parts) == any(
        part.low <= point <= part.high for part in merged
    )
    assert all(left.high < right.low for left, right in itertools.pairwise(merged))
    assert (merged[0].low, merged[-1].high) == (hull(parts).low, hull(parts).high)


@given(intervals(), intervals(), EDGES)
def test_what_two_intervals_share_is_what_lies_in_both(one, two, point):
    met = one.meet(two)
    assert (met.low <= point <= met.high) == (one.low <= point <= one.high and two.low <= point <= two.high)
    assert met.empty == one.disjoint(two)
