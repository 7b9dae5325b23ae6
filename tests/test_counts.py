"""Numbers that are counted, not sampled, held against the regions of the readings."""

import json

import pytest

from kb.claim import Claim
from kb.counts import judge_count

CLAIM = {
    "title": "A tenth of the claims is outdated",
    "kind": "measured",
    "statement": "A tenth of the claims is outdated.",
    "favours": "neither",
    "stated_in": [{"source": "article", "quote": "a tenth"}],
    "as_of": 2026,
    "estimand": {
        "quantity": "claims",
        "unit": "1",
        "effect": "ratio",
        "of": "outdated",
        "against": "all",
        "field": "share",
    },
    "quantifier": "typical",
    "readings": [{"name": "some", "low": 0.02}, {"name": "about a tenth", "low": 0.08, "high": 0.12}],
    "scope": {"hardware": ["any"], "stated": True},
}


def judged(share, **changed):
    claim = Claim.model_validate_json(json.dumps({**CLAIM, **changed}))
    return judge_count(
        claim, {"share": share, "missing": None if share is not None else "no wheel was found"}
    )


@pytest.mark.parametrize(
    ("share", "verdict", "readings"),
    [
        (0.1, "supported", ["supported", "supported"]),
        (0.08, "supported", ["supported", "supported"]),
        (0.5, "supported", ["supported", "refuted"]),
        (0.01, "refuted", ["refuted", "refuted"]),
        (0, "refuted", ["refuted", "refuted"]),
    ],
)
def test_a_number_is_inside_a_region_or_it_is_not(share, verdict, readings):
    found = judged(share)
    assert (found.verdict, [each["verdict"] for each in found.readings]) == (verdict, readings)
    assert (found.estimate, found.interval) == (share, [share, share])
    assert found.reason == "finding"


def test_outside_it_is_said_on_which_side():
    assert [each["tag"] for each in judged(0.01).readings] == ["smaller", "smaller"]
    assert judged(0.5).readings[1]["tag"] == "larger"


def test_a_number_that_is_not_to_be_had_is_no_verdict():
    found = judged(None)
    assert (found.verdict, found.reason, found.because) == ("untested", "no-data", "no wheel was found")
    assert {each["verdict"] for each in found.readings} == {"untested"}
    assert found.estimate is None


@pytest.mark.parametrize("share", [float("nan"), float("inf"), True, "0.1"])
def test_what_is_no_number_is_never_held_against_a_region(share):
    with pytest.raises(ValueError, match="expected a finite number"):
        judged(share)


def test_without_a_stated_figure_no_magnitude_is_judged():
    assert judged(0.1).magnitude.verdict == "untested"
    region = {"low": 0.02, "because": "the hull"}
    assert judged(0.1, region=region).magnitude.verdict == "supported"
