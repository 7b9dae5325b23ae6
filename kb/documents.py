"""The verdict rules of documented and logical claims: pure functions of a record's figures and citations.

A stated figure is compared, as printed and rounded, with cited figures of the same population and period.
What is cited from memory never settles anything, and neither does another population or year.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from kb.citation import Check, Citation, Figure
from kb.claim import Claim
from kb.estimand import Reading
from kb.facts import SETTLING, rule_fact, rule_trend, together
from kb.regions import Interval, region_of
from kb.words import Kind, Quantifier, Reason, Verdict

OF_TEXTS = {
    Verdict.SUPPORTED: Reason.SOURCES_AGREE,
    Verdict.REFUTED: Reason.SOURCES_DIFFER,
    Verdict.INCONCLUSIVE: Reason.NO_DATA,
    Verdict.UNTESTED: Reason.NO_DATA,
}


@dataclass(frozen=True)
class DocumentJudgement:
    """What citations and logic came to."""

    verdict: Verdict
    reason: Reason
    because: str
    readings: list[dict[str, object]]


def judge_documents(claim: Claim) -> DocumentJudgement:
    """Judge a documented or logical claim.

    A failing piece of logic refutes; holding logic supports only a logical claim. Else the readings decide:
    supported if one agrees with the citations, refuted if all disagree, untested if nothing matches. Where a
    claim states no figure, facts or a trend take their place.

    Parameters
    ----------
    claim : Claim
        With its figures, citations and checks.
    """
    failed = [check.because for check in claim.logic if not holds(check)]
    rulings = [(reading.name, *_read(claim, reading)) for reading in claim.readings]
    texts = [rule_fact(fact, claim.citations) for fact in claim.facts or ()]
    texts += [rule_trend(claim.trend, claim.citations)] if claim.trend else []
    rulings += [(each.name, each.verdict, each.because) for each in texts]
    readings: list[dict[str, object]] = [
        {"name": name, "verdict": verdict.value, "because": because} for name, verdict, because in rulings
    ]
    if failed:
        verdict, reason, because = Verdict.REFUTED, Reason.CONTRADICTS_ITSELF, "; ".join(failed)
    elif claim.kind is Kind.LOGICAL and claim.logic:
        verdict, reason = Verdict.SUPPORTED, Reason.HOLDS_LOGICALLY
        because = "; ".join(check.because for check in claim.logic)
    elif texts:
        verdict, because = together(texts)
        reason = OF_TEXTS[verdict]
    else:
        verdict, reason, because = _combine(rulings)
    return DocumentJudgement(verdict, reason, because, readings)


def checked(claim: Claim) -> list[dict[str, object]]:
    """Return every piece of logic of a claim of any kind, with whether it holds."""
    return [
        {
            "rule": check.rule,
            "left": check.left,
            "right": check.right,
            "stated": check.stated,
            "holds": holds(check),
            "because": check.because,
        }
        for check in claim.logic
    ]


def holds(check: Check) -> bool:
    """Tell whether a piece of arithmetic or set logic holds; see `Check` for the rules."""
    if check.rule == "label" or isinstance(check.left, str) or isinstance(check.right, str):
        return check.left == check.right
    if check.rule in ("subset", "range"):
        return check.left <= check.right
    half = 0.5 * 10.0 ** -(check.digits or 0)
    return math.isclose(check.left / check.right, check.stated or 0.0, rel_tol=1e-12, abs_tol=half)


def _combine(rulings: Sequence[tuple[str, Verdict, str]]) -> tuple[Verdict, Reason, str]:
    for name, verdict, because in rulings:
        if verdict is Verdict.SUPPORTED:
            return verdict, Reason.FIGURES_AGREE, f"{name}: {because}"
    decided = [ruling for ruling in rulings if ruling[1] is Verdict.REFUTED]
    if decided and len(decided) == len(rulings):
        because = "; ".join(f"{name}: {because}" for name, _, because in decided)
        return Verdict.REFUTED, Reason.FIGURES_DIFFER, because
    if any(verdict is Verdict.INCONCLUSIVE for _, verdict, _ in rulings) or decided:
        because = "; ".join(f"{name}: {because}" for name, _, because in rulings)
        return Verdict.INCONCLUSIVE, Reason.NO_DATA, because
    because = rulings[0][2] if rulings else "no figure of the claim can be held against a citation"
    return Verdict.UNTESTED, Reason.NO_DATA, because


def _read(claim: Claim, reading: Reading) -> tuple[Verdict, str]:
    """Judge one reading on every date for which all its figures are cited."""
    if claim.difference is not None:
        return _compare(claim, reading)
    regions = stated_region(claim, reading)
    dated = _by_date(claim, list(regions))
    if not regions or not dated:
        return Verdict.UNTESTED, _nothing(claim)
    agree = {
        date: all(Interval(found[name], found[name]).inside(region) for name, region in regions.items())
        for date, found in dated.items()
    }
    return _over_dates(claim, agree, dated)


def stated_region(claim: Claim, reading: Reading) -> dict[str, Interval]:
    """Return where each figure must lie: within half a printed step, or the reading's edges."""
    if reading.rounded_to is None:
        return {figure.name: region_of(reading) for figure in claim.figures}
    stated = {figure.name: figure.value for figure in claim.figures}
    return {
        name: Interval(stated[name] - step / 2, stated[name] + step / 2)
        for name, step in reading.rounded_to.items()
    }


def _compare(claim: Claim, reading: Reading) -> tuple[Verdict, str]:
    difference = claim.difference
    if difference is None:
        return Verdict.UNTESTED, _nothing(claim)
    dated = _by_date(claim, [difference.of, difference.against])
    if not dated:
        return Verdict.UNTESTED, _nothing(claim)
    region = region_of(reading)
    found = {date: figures[difference.of] - figures[difference.against] for date, figures in dated.items()}
    agree = {date: Interval(gap, gap).inside(region) for date, gap in found.items()}
    return _over_dates(claim, agree, dated)


def _over_dates(
    claim: Claim, agree: dict[str, bool], dated: dict[str, dict[str, float]]
) -> tuple[Verdict, str]:
    """Decide from the dates of the period: one is enough for "some", all must agree otherwise."""
    some = claim.quantifier is Quantifier.SOME
    dates = [date for date, ok in agree.items() if ok]
    count = f"{len(dates)} of {len(agree)} cited dates agree"
    if dates and (some or len(dates) == len(agree)):
        return Verdict.SUPPORTED, f"{count}, the first on {dates[0]}: {_figures(dated[dates[0]])}"
    if some and not claim.complete:
        return Verdict.INCONCLUSIVE, f"{count}, but the citations do not cover all of {claim.period}"
    if dates and not some:
        return Verdict.INCONCLUSIVE, count
    shown = sorted(dated)
    ends = " and ".join(f"{date}: {_figures(dated[date])}" for date in {shown[0]: 0, shown[-1]: 0})
    return Verdict.REFUTED, f"{count}; {ends}"


def _figures(found: dict[str, float]) -> str:
    return ", ".join(
        f"{name} {value:,g}" if value < 1e6 else f"{name} {value:,.0f}" for name, value in found.items()
    )


def _nothing(claim: Claim) -> str:
    period = claim.period or claim.as_of
    return f"no readable figure of the same population for {period} is cited; citing one would settle it"


def _by_date(claim: Claim, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the figures cited for each date of the period, where all names are cited for that date.

    Citations that contradict each other settle nothing; figures without a population of their own are
    compared only with those cited for the same one.
    """
    figures = {figure.name: figure for figure in claim.figures}
    dated: dict[str, dict[str, float]] = defaultdict(dict)
    contradicted: set[str] = set()
    for citation in claim.citations:
        known = figures.get(citation.figure)
        if citation.value is None or citation.figure not in names or not _matches(citation, claim, known):
            continue
        group = citation.date if known else f"{citation.date} ({citation.population})"
        if dated[group].setdefault(citation.figure, citation.value) != citation.value:
            contradicted.add(group)
    return {
        date: found
        for date, found in sorted(dated.items())
        if set(found) == set(names) and date not in contradicted
    }


def _matches(citation: Citation, claim: Claim, figure: Figure | None) -> bool:
    same_period = citation.date.startswith(claim.period or str(claim.as_of))
    same_population = figure is None or citation.population == figure.population
    same_unit = figure is None or citation.unit in (None, figure.unit)
    return citation.read in SETTLING and same_period and same_population and same_unit
