"""The verdict rule of documented and logical claims."""

import itertools
import json

import pytest

from kb.citation import Check
from kb.claim import Claim
from kb.documents import checked, holds, judge_documents

BASE = {
    "title": "A share of 40%",
    "kind": "documented",
    "statement": "The share is 40%.",
    "favours": "neither",
    "stated_in": [{"source": "article", "quote": "40%"}],
    "as_of": 2023,
    "period": "2023",
    "figures": [{"name": "share", "value": 40, "unit": "%", "population": "papers"}],
    "readings": [{"name": "whole percent", "rounded_to": {"share": 1}}],
}


def cited(value, **more):
    return {
        "source": "census",
        "figure": "share",
        "value": value,
        "unit": "%",
        "population": "papers",
        "date": "2023-06",
        "locator": "table 1",
        "read": "primary",
        **more,
    }


def judged(*citations, **more):
    data = {**BASE, "citations": list(citations), **more}
    return judge_documents(Claim.model_validate_json(json.dumps(data)))


@pytest.mark.parametrize(
    ("value", "verdict"), [(39.5, "supported"), (40.5, "supported"), (39.49, "refuted"), (40.51, "refuted")]
)
def test_a_figure_agrees_within_half_of_its_last_printed_digit(value, verdict):
    found = judged(cited(value))
    assert found.verdict == verdict
    assert found.reason == {"supported": "figures-agree", "refuted": "figures-differ"}[verdict]
    assert found.readings[0]["verdict"] == verdict
    assert f"{value:g}" in found.because


@pytest.mark.parametrize(
    "other",
    [
        {"population": "papers that name a framework"},
        {"date": "2022-12-31"},
        {"date": "2024"},
        {"read": "memory"},
        {"figure": "another"},
        {"value": None, "text": "about two fifths"},
        {"unit": "papers"},
    ],
    ids=str,
)
@pytest.mark.parametrize("value", [40, 10])
def test_what_is_not_the_same_figure_settles_nothing(other, value):
    found = judged({**cited(value), **other})
    assert (found.verdict, found.reason) == ("untested", "no-data")
    alongside = judged(cited(40.2), {**cited(value), **other})
    assert alongside.verdict == "supported"


def test_a_figure_through_a_third_party_settles_as_well():
    assert judged(cited(40, read="secondary")).verdict == "supported"


def test_without_a_period_the_year_of_the_claim_counts():
    assert judged(cited(40), period=None).verdict == "supported"
    assert judged(cited(40, date="2022"), period=None).verdict == "untested"


def test_one_reading_that_agrees_is_enough_and_all_must_differ_to_refute():
    coarse = {"name": "to ten", "rounded_to": {"share": 10}}
    assert judged(cited(43), readings=[*BASE["readings"], coarse]).verdict == "supported"
    assert judged(cited(46), readings=[*BASE["readings"], coarse]).verdict == "refuted"


def test_a_reading_s_own_edges_judge_the_figure():
    edges = [{"name": "most", "low": 30, "high": 50}]
    assert judged(cited(31), readings=edges).verdict == "supported"
    assert judged(cited(51), readings=edges).verdict == "refuted"


@pytest.mark.parametrize(
    ("values", "more", "verdict"),
    [
        ((40, 40), {}, "supported"),
        ((40, 50), {}, "inconclusive"),
        ((50, 60), {}, "refuted"),
        ((40, 50), {"quantifier": "some"}, "supported"),
        ((50, 60), {"quantifier": "some"}, "inconclusive"),
        ((50, 60), {"quantifier": "some", "complete": True}, "refuted"),
    ],
)
def test_several_dates_decide_as_the_quantifier_and_completeness_say(values, more, verdict):
    dates = ("2023-01", "2023-12")
    found = judged(*(cited(value, date=date) for value, date in zip(values, dates, strict=True)), **more)
    assert found.verdict == verdict


def test_two_figures_count_only_on_dates_that_have_both():
    figures = [*BASE["figures"], {"name": "other", "value": 60, "unit": "%", "population": "papers"}]
    readings = [{"name": "both", "rounded_to": {"share": 1, "other": 1}}]
    other = cited(60, figure="other", date="2023-07")
    assert judged(cited(40), other, figures=figures, readings=readings).verdict == "untested"
    both = judged(cited(40), {**other, "date": "2023-06"}, figures=figures, readings=readings)
    assert both.verdict == "supported"
    one_off = judged(cited(40), {**other, "date": "2023-06", "value": 61}, figures=figures, readings=readings)
    assert one_off.verdict == "refuted"


def test_citations_that_contradict_each_other_decide_nothing_in_whatever_order():
    citations = [cited(40), cited(70, source="other-census"), cited(40, source="third")]
    found = {judged(*order).verdict.value for order in itertools.permutations(citations)}
    assert len(found) == 1
    assert found <= {"untested", "inconclusive"}


DIFFERENCE = {
    "figures": [],
    "difference": {"of": "a", "against": "b", "unit": "point"},
    "readings": [{"name": "slightly ahead", "low": 0, "high": 2}],
}


@pytest.mark.parametrize(
    ("gap", "verdict"), [(1, "supported"), (2, "supported"), (3, "refuted"), (-1, "refuted")]
)
def test_a_difference_is_judged_by_the_gap(gap, verdict):
    assert judged(cited(10 + gap, figure="a"), cited(10, figure="b"), **DIFFERENCE).verdict == verdict


def test_a_difference_is_taken_only_within_one_population_and_date():
    a, b = cited(11, figure="a"), cited(10, figure="b")
    for other in ({"population": "professionals"}, {"date": "2023-07"}, {"read": "memory"}):
        assert judged(a, {**b, **other}, **DIFFERENCE).verdict == "untested"
    professionals = [{**cited(v, figure=f), "population": "professionals"} for f, v in (("a", 15), ("b", 10))]
    assert judged(a, b, *professionals, **DIFFERENCE).verdict == "inconclusive"


# ------------------------------------------------------------------------------------------------------ logic


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ({"rule": "quotient", "left": 50, "right": 35, "stated": 1.43, "digits": 2}, True),
        ({"rule": "quotient", "left": 50, "right": 35, "stated": 1.4, "digits": 1}, True),
        ({"rule": "quotient", "left": 50, "right": 35, "stated": 1.5, "digits": 1}, False),
        ({"rule": "quotient", "left": 1200, "right": 1140, "stated": 1.05, "digits": 2}, True),
        ({"rule": "quotient", "left": 1200, "right": 1140, "stated": 1.06, "digits": 2}, False),
        ({"rule": "quotient", "left": 3, "right": 2, "stated": 2, "digits": 0}, True),
        ({"rule": "subset", "left": 3, "right": 3}, True),
        ({"rule": "subset", "left": 4, "right": 3}, False),
        ({"rule": "label", "left": "static", "right": "dynamic", "label": "define-by-run"}, False),
        ({"rule": "label", "left": "dynamic", "right": "dynamic", "label": "define-by-run"}, True),
    ],
    ids=str,
)
def test_a_piece_of_logic_holds_or_does_not(check, expected):
    assert holds(Check.model_validate_json(json.dumps({**check, "because": "logic"}))) is expected


TRUE = {"rule": "subset", "left": 1, "right": 2, "because": "a part is no more than its whole"}
FALSE = {"rule": "subset", "left": 2, "right": 1, "because": "a part is more than its whole"}


def test_failing_logic_refutes_a_claim_of_any_kind_and_says_why():
    for kind in ("documented", "logical"):
        found = judged(cited(40), kind=kind, logic=[TRUE, FALSE])
        assert (found.verdict, found.reason) == ("refuted", "contradicts-itself")
        assert found.because == FALSE["because"]


def test_logic_that_holds_supports_a_logical_claim_and_leaves_a_documented_one_to_its_figures():
    logical = judged(kind="logical", logic=[TRUE], figures=[], readings=[])
    assert (logical.verdict, logical.reason) == ("supported", "holds-logically")
    assert judged(logic=[TRUE]).verdict == "untested"
    assert judged(cited(50), logic=[TRUE]).verdict == "refuted"


def test_every_piece_of_logic_is_reported_with_whether_it_holds():
    claim = Claim.model_validate_json(json.dumps({**BASE, "logic": [TRUE, FALSE]}))
    assert [check["holds"] for check in checked(claim)] == [True, False]
