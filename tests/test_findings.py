"""The verdict rule of capability claims."""

import pytest

from kb.claim import Expectation
from kb.findings import judge_finding


def expectation(**rule) -> Expectation:
    return Expectation.model_validate({"field": "f", **rule})


@pytest.mark.parametrize(
    ("rule", "holds", "fails"),
    [
        ({"is": True}, True, False),
        ({"is": True}, True, 1),
        ({"is": 1}, 1, True),
        ({"is": 1}, 1, 1.0),
        ({"is": "a"}, "a", "A"),
        ({"is": ["a", "b"]}, ["a", "b"], ["b", "a"]),
        ({"is": False}, False, None),
        ({"at_least": 2}, 2, 1.99),
        ({"at_least": 2}, 3.5, "3"),
        ({"at_least": 0}, 0, True),
        ({"at_least": 0}, 0, float("nan")),
        ({"at_most": 2}, 2, 2.01),
        ({"at_most": 2}, -1, None),
        ({"contains": "a"}, ["a", "b"], ["b"]),
        ({"contains": "a"}, {"a": 1}, {"b": "a"}),
        ({"contains": "ab"}, "cabd", "ba"),
        ({"contains": "a"}, "a", None),
        ({"contains": 1}, [1, 2], 12),
        ({"contains": 1}, [1], "12"),
    ],
    ids=str,
)
def test_an_expectation_holds_for_one_finding_and_fails_for_another(rule, holds, fails):
    assert judge_finding([expectation(**rule)], {"f": holds}).verdict == "supported"
    refuted = judge_finding([expectation(**rule)], {"f": fails})
    assert (refuted.verdict, refuted.reason) == ("refuted", "finding")
    assert refuted.because.startswith("f is ")
    assert "expected" in refuted.because


def test_all_expectations_must_hold_and_only_the_failed_ones_are_named():
    rules = [expectation(**{"is": 1}), Expectation.model_validate({"field": "g", "at_most": 2})]
    found = judge_finding(rules, {"f": 1, "g": 3, "more": "ignored"})
    assert found.verdict == "refuted"
    assert found.because == "g is 3, expected at most 2"
    assert [(held.field, held.holds) for held in found.expectations] == [("f", True), ("g", False)]


def test_a_field_that_the_finding_lacks_is_an_error_and_no_verdict():
    with pytest.raises(KeyError, match="f"):
        judge_finding([expectation(**{"is": 1})], {"g": 1})


def test_a_value_that_the_finding_says_is_missing_settles_nothing_and_its_reason_is_told():
    expected = [expectation(**{"is": "a"}), Expectation.model_validate({"field": "g", "at_least": 1})]
    found = judge_finding(expected, {"f": None, "g": 2, "missing": "the counts disagree"})
    assert (found.verdict, found.reason, found.because) == (
        "inconclusive",
        "undecided",
        "the counts disagree",
    )
    assert judge_finding(expected, {"f": None, "g": 0, "missing": "the counts disagree"}).verdict == "refuted"
    assert judge_finding(expected, {"f": None, "g": 2, "missing": None}).verdict == "refuted"
    assert judge_finding(expected, {"f": "b", "g": 2, "missing": "the counts disagree"}).verdict == "refuted"
    assert judge_finding(expected, {"f": "a", "g": 2, "missing": "something else"}).verdict == "supported"
