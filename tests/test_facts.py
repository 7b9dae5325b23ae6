"""Documented claims that texts settle: what sources say and deny, and trends of one population."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.citation import Citation, Fact, Trend
from kb.claim import Claim
from kb.documents import judge_documents
from kb.facts import rule_fact, rule_trend
from kb.words import Kind, Reason, Verdict

FACT = Fact(name="origin", says="it comes from there")
TREND = Trend(figure="share", population="papers", direction="falling")


def text(
    bears: str | None = "for", read: str = "primary", figure: str = "origin", date: str = "2020"
) -> Citation:
    return Citation(
        source="a",
        figure=figure,
        bears=bears,
        text="So.",
        population="it",
        date=date,
        locator="p. 1",
        read=read,
    )


def figure(date: str, value: float | None, **given: str) -> Citation:
    stated = {
        "source": "a",
        "figure": "share",
        "population": "papers",
        "locator": "p. 1",
        "read": "primary",
        **given,
    }
    return Citation(**stated, date=date, value=value)


@pytest.mark.parametrize(
    ("citations", "verdict"),
    [
        ([text()], Verdict.SUPPORTED),
        ([text("against")], Verdict.REFUTED),
        ([text(), text("against")], Verdict.INCONCLUSIVE),
        ([text(read="secondary")], Verdict.SUPPORTED),
        ([], Verdict.UNTESTED),
        ([text(read="memory")], Verdict.UNTESTED),
        ([text(), text("against", read="memory")], Verdict.SUPPORTED),
        ([text(None)], Verdict.UNTESTED),
        ([text(figure="other")], Verdict.UNTESTED),
    ],
)
def test_a_fact_is_what_sources_that_were_read_say_of_it(citations, verdict):
    assert rule_fact(FACT, citations).verdict is verdict


def test_a_fact_that_no_primary_source_states_says_so():
    assert "second hand" in rule_fact(FACT, [text(read="secondary")]).because
    assert "second hand" not in rule_fact(FACT, [text(), text(read="secondary")]).because


@pytest.mark.parametrize(
    ("series", "verdict"),
    [
        ([("2020", 30), ("2021", 20), ("2022", 10)], Verdict.SUPPORTED),
        ([("2022", 10), ("2020", 30), ("2021", 20)], Verdict.SUPPORTED),
        ([("2020", 30), ("2021", 10), ("2022", 20)], Verdict.INCONCLUSIVE),
        ([("2020", 30), ("2021", 30), ("2022", 20)], Verdict.INCONCLUSIVE),
        ([("2020", 10), ("2021", 20), ("2022", 30)], Verdict.REFUTED),
        ([("2020", 10), ("2021", 5), ("2022", 10)], Verdict.REFUTED),
        ([("2020", 30), ("2021", 20)], Verdict.UNTESTED),
        ([("2020", 30), ("2020", 20), ("2021", 10)], Verdict.UNTESTED),
        ([("2020", 30), ("2021", None), ("2022", 10)], Verdict.UNTESTED),
    ],
)
def test_a_trend_goes_one_way_over_three_dates_or_more(series, verdict):
    assert rule_trend(TREND, [figure(*each) for each in series]).verdict is verdict


@pytest.mark.parametrize("other", [{"population": "books"}, {"read": "memory"}, {"figure": "count"}])
def test_what_is_no_figure_of_the_trend_has_no_part_in_it(other):
    series = [figure("2020", 30), figure("2021", 20), figure("2022", 10)]
    assert rule_trend(TREND, [*series, figure("2023", 40, **other)]) == rule_trend(TREND, series)


@given(st.lists(st.integers(0, 50), min_size=3, max_size=6))
def test_the_opposite_trend_has_the_opposite_verdict_wherever_there_is_one(values):
    series = [figure(str(2000 + year), value) for year, value in enumerate(values)]
    falling, rising = (
        rule_trend(TREND.model_copy(update={"direction": way}), series).verdict
        for way in ("falling", "rising")
    )
    assert not falling is rising is Verdict.SUPPORTED
    if falling is Verdict.SUPPORTED:
        assert rising is Verdict.REFUTED


def claim(*names: str, citations: list[Citation], **more: object) -> Claim:
    return Claim(
        title="It comes from there",
        kind=Kind.DOCUMENTED,
        statement="It comes from there.",
        favours="neither",
        stated_in=[{"source": "a", "quote": "from there"}],
        as_of=2020,
        facts=[Fact(name=name, says=f"{name} holds") for name in names] or None,
        citations=citations,
        **more,
    )


@pytest.mark.parametrize(
    ("second", "verdict", "reason"),
    [
        ([text(figure="two")], Verdict.SUPPORTED, Reason.SOURCES_AGREE),
        ([text("against", figure="two")], Verdict.REFUTED, Reason.SOURCES_DIFFER),
        ([text(figure="two"), text("against", figure="two")], Verdict.INCONCLUSIVE, Reason.NO_DATA),
        ([], Verdict.UNTESTED, Reason.NO_DATA),
    ],
)
def test_a_claim_of_several_facts_holds_if_all_do_and_says_which_lacks_a_source(second, verdict, reason):
    found = judge_documents(claim("origin", "two", citations=[text(), *second]))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert [each["name"] for each in found.readings] == ["origin", "two"]
    if verdict is Verdict.UNTESTED:
        assert found.because == "two: no source was read that says whether two holds"


def test_a_trend_decides_a_claim_that_states_no_figure():
    series = [figure("2020", 30), figure("2021", 20), figure("2022", 10)]
    found = judge_documents(claim(citations=series, trend=TREND))
    assert (found.verdict, found.reason) == (Verdict.SUPPORTED, Reason.SOURCES_AGREE)
    assert found.because == "share: of papers: 30 (2020), 20 (2021), 10 (2022)"
