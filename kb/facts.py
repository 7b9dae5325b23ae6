"""The verdict rules of documented claims that texts settle: facts that sources state or deny, and trends.

What is cited from memory settles nothing. A source of the second hand settles, and the ruling says that no
better one was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kb.citation import Citation, Fact, Trend
from kb.words import Verdict

SETTLING = ("primary", "secondary")
FEWEST_DATES = 3
"""Two dates are a difference, no trend."""


@dataclass(frozen=True)
class FactRuling:
    """What citations came to for one fact, or for a trend."""

    name: str
    verdict: Verdict
    because: str


def rule_fact(fact: Fact, citations: Sequence[Citation]) -> FactRuling:
    """Rule over one fact: held where sources state it and none denies it, refuted the other way round.

    Parameters
    ----------
    fact : Fact
        What has to be so.
    citations : sequence of Citation
        All of the claim; those count that bear the fact's name, and say whether they speak for or against it.
    """
    own = [each for each in citations if each.figure == fact.name and each.read in SETTLING]
    sides = {side: [each for each in own if each.bears == side] for side in ("for", "against")}
    if all(sides.values()):
        because = f"{_named(sides['for'])} against {_named(sides['against'])}"
        return FactRuling(fact.name, Verdict.INCONCLUSIVE, because)
    for side, verdict in (("for", Verdict.SUPPORTED), ("against", Verdict.REFUTED)):
        if sides[side]:
            return FactRuling(fact.name, verdict, _named(sides[side]))
    return FactRuling(fact.name, Verdict.UNTESTED, f"no source was read that says whether {fact.says}")


def rule_trend(trend: Trend, citations: Sequence[Citation]) -> FactRuling:
    """Rule over a trend: held where each date's figure is beyond the one before, refuted where it turned.

    Parameters
    ----------
    trend : Trend
        Which figure of which population goes which way.
    citations : sequence of Citation
        All of the claim; those count that have the trend's figure and population.
    """
    own = [
        each
        for each in citations
        if each.figure == trend.figure and each.population == trend.population and each.read in SETTLING
    ]
    series = sorted((each.date, each.value) for each in own if each.value is not None)
    if len({date for date, _ in series}) < max(FEWEST_DATES, len(series)):
        because = f"needs one figure on each of {FEWEST_DATES} dates or more, found {len(series)}"
        return FactRuling(trend.figure, Verdict.UNTESTED, because)
    sign = 1 if trend.direction == "rising" else -1
    steps = [sign * (later - sooner) for (_, sooner), (_, later) in pairwise(series)]
    shown = ", ".join(f"{value:g} ({date})" for date, value in series)
    said = f"of {trend.population}: {shown}{_level(own)}"
    if all(step > 0 for step in steps):
        return FactRuling(trend.figure, Verdict.SUPPORTED, said)
    if sum(steps) <= 0:
        return FactRuling(trend.figure, Verdict.REFUTED, said)
    return FactRuling(trend.figure, Verdict.INCONCLUSIVE, said)


def together(rulings: Sequence[FactRuling]) -> tuple[Verdict, str]:
    """Return the verdict over facts that all must hold, and why: one that fails refutes."""
    for verdict in (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.UNTESTED):
        found = [each for each in rulings if each.verdict is verdict]
        if found:
            return verdict, "; ".join(f"{each.name}: {each.because}" for each in found)
    return Verdict.SUPPORTED, "; ".join(f"{each.name}: {each.because}" for each in rulings)


def _named(citations: Sequence[Citation]) -> str:
    said = ", ".join(f"{each.source} ({each.date})" for each in citations)
    return f"{said}{_level(citations)}"


def _level(citations: Sequence[Citation]) -> str:
    return "" if any(each.read == "primary" for each in citations) else ", at second hand alone"
