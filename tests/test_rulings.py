"""Rulings over cells: what one cell may decide, what needs all, and that trouble decides nothing."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import noisy, plan_of

from kb.regions import Interval
from kb.rulings import CellEvidence, as_ratio, evidence_of, rule_direction, rule_magnitude, rule_over
from kb.sequences import sign_sequence, t_sequence
from kb.words import Effect, Quantifier, Reason, Verdict

REGION = Interval(1.2, 1.5)
INSIDE, BELOW, ABOVE, ACROSS = Interval(1.3, 1.4), Interval(0.5, 1.1), Interval(1.6, 2), Interval(1.1, 1.3)


def cell(interval: Interval, mean: Interval | None = None) -> CellEvidence:
    return CellEvidence([0.0], interval, interval, mean or interval)


@pytest.mark.parametrize(
    ("quantifier", "intervals", "verdict", "tag"),
    [
        pytest.param(Quantifier.TYPICAL, [INSIDE], Verdict.SUPPORTED, "", id="typical-inside"),
        pytest.param(Quantifier.TYPICAL, [BELOW], Verdict.REFUTED, "smaller", id="typical-below"),
        pytest.param(Quantifier.TYPICAL, [ABOVE], Verdict.REFUTED, "larger", id="typical-above"),
        pytest.param(Quantifier.TYPICAL, [ACROSS], Verdict.INCONCLUSIVE, "", id="typical-across"),
        pytest.param(Quantifier.SOME, [BELOW, INSIDE], Verdict.SUPPORTED, "", id="some-one-inside"),
        pytest.param(Quantifier.SOME, [BELOW, ABOVE], Verdict.REFUTED, "", id="some-all-outside"),
        pytest.param(Quantifier.SOME, [BELOW, ACROSS], Verdict.INCONCLUSIVE, "", id="some-one-open"),
        pytest.param(Quantifier.EVERY, [INSIDE, INSIDE], Verdict.SUPPORTED, "", id="every-all-inside"),
        pytest.param(Quantifier.EVERY, [INSIDE, BELOW], Verdict.REFUTED, "", id="every-one-outside"),
        pytest.param(Quantifier.EVERY, [INSIDE, ACROSS], Verdict.INCONCLUSIVE, "", id="every-one-open"),
    ],
)
def test_a_region_is_ruled_over_cells_as_the_quantifier_asks(quantifier, intervals, verdict, tag):
    ruling = rule_over(plan_of(quantifier=quantifier), [cell(each) for each in intervals], REGION)
    assert (ruling.verdict, ruling.tag) == (verdict, tag)


def test_nothing_is_ruled_over_no_cells():
    assert rule_over(plan_of(), [], REGION).verdict is Verdict.INCONCLUSIVE


def test_an_interval_within_the_union_of_overlapping_readings_supports():
    plan = plan_of((1.1, 1.3), (1.25, 1.5))
    assert rule_magnitude(plan, [cell(Interval(1.15, 1.45))]).verdict is Verdict.SUPPORTED


def test_an_interval_across_the_gap_between_readings_does_not_support():
    plan = plan_of((1.1, 1.2), (1.4, 1.5))
    assert rule_magnitude(plan, [cell(Interval(1.15, 1.45))]).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("interval", "tag"), [(Interval(0.5, 0.9), "reverse"), (Interval(0.99, 1.01), "equal")]
)
def test_a_refuted_direction_says_on_which_side_it_lies(interval, tag):
    ruling = rule_direction(plan_of(), [cell(interval)])
    assert (ruling.verdict, ruling.tag) == (Verdict.REFUTED, tag)


def test_a_cell_whose_blocks_exclude_each_other_decides_nothing():
    torn = cell(Interval(1.4, 1.3))
    assert torn.trouble is Reason.DEPENDENCE
    assert rule_over(plan_of(), [torn.trusted()], REGION).verdict is Verdict.INCONCLUSIVE


def test_a_cell_whose_median_and_mean_exclude_each_other_decides_nothing():
    torn = cell(INSIDE, mean=BELOW)
    assert torn.trouble is Reason.ESTIMAND_SENSITIVE
    assert rule_over(plan_of(), [torn.trusted()], REGION).verdict is Verdict.INCONCLUSIVE


def test_trouble_in_one_cell_spoils_no_other():
    plan = plan_of(quantifier=Quantifier.SOME)
    cells = [each.trusted() for each in (cell(INSIDE, mean=BELOW), cell(INSIDE))]
    assert rule_over(plan, cells, REGION).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("marks", "interval", "mean", "reason"),
    [
        ({"unsteady": True, "dependent": True}, Interval(1.4, 1.3), BELOW, Reason.NO_STEADY_STATE),
        ({}, Interval(1.4, 1.3), BELOW, Reason.DEPENDENCE),
        ({}, INSIDE, BELOW, Reason.ESTIMAND_SENSITIVE),
        ({}, INSIDE, ACROSS, None),
    ],
)
def test_of_several_troubles_the_one_nearest_to_the_cause_is_named(marks, interval, mean, reason):
    found = replace(cell(interval, mean), **marks)
    assert found.trouble is reason
    assert (found.trusted() == found) is (reason is None)
    if reason is not None:
        assert found.trusted().own == found.trusted().shared == Interval()


@pytest.mark.parametrize("quantifier", Quantifier)
@pytest.mark.parametrize("interval", [INSIDE, BELOW, ABOVE, ACROSS])
def test_a_cell_in_trouble_supports_and_refutes_nothing_alone(quantifier, interval):
    troubled = replace(cell(interval), unsteady=True).trusted()
    assert rule_over(plan_of(quantifier=quantifier), [troubled], REGION).verdict is Verdict.INCONCLUSIVE
    assert rule_direction(plan_of(quantifier=quantifier), [troubled]).verdict is Verdict.INCONCLUSIVE


VALUES = st.lists(st.floats(-3, 3), max_size=40)


@given(VALUES, st.integers(1, 9))
def test_sharing_alpha_among_cells_never_narrows_and_evidence_keeps_every_value(values, cells):
    found = evidence_of(plan_of(), values, cells)
    assert found.values == values
    assert found.own.empty or found.own.inside(found.shared)
    assert evidence_of(plan_of(), values, cells, wavers=True) == replace(found, unsteady=True)


def test_independent_blocks_are_taken_as_they_are_on_the_scale_of_the_regions():
    values = noisy(2.0, 24, spread=0.1)
    ratio, slope = evidence_of(plan_of(), values), evidence_of(plan_of(effect=Effect.TREND), values)
    assert (slope.own, slope.mean) == (sign_sequence(values, 0.05), t_sequence(values, 0.05))
    assert (ratio.own, ratio.mean) == (as_ratio(slope.own), as_ratio(slope.mean))


def test_open_edges_stay_open_as_ratios():
    assert as_ratio(Interval()) == Interval()
    assert as_ratio(Interval(0.0, math.inf)) == Interval(1.0, math.inf)
