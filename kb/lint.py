"""Checks over records that were read: what each must have for its kind, and what they say of each other.

A rule is a function from a library to faults; its id stands in `RULES` with the sentence that explains it.
"""

from collections.abc import Callable, Iterator

from kb.errors import Fault
from kb.grids import grid
from kb.library import Library, Record
from kb.regions import hull, region_of
from kb.words import Kind, Quantifier, Reason
from kb.yaml_lines import Location

QUOTE_WORDS = 15
REGION_DIGITS = 1e-3
Rule = Callable[[Library, Record], Iterator[tuple[Location, str]]]


def lint(library: Library) -> list[Fault]:
    """Return every fault of every record, sorted by place."""
    faults = list(library.faults)
    for record in library.records.values():
        for name, (rule, _) in RULES.items():
            for location, message in rule(library, record):
                field = ".".join(str(part) for part in location)
                line = record.document.line(location)
                faults.append(Fault(record.path, line, field, name, message))
    return sorted(faults)


def _cross_references(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    claim = record.claim
    for index, mention in enumerate(claim.stated_in):
        if mention.source not in library.sources:
            yield ("stated_in", index, "source"), f"no record data/sources/{mention.source}.yaml"
    for index, citation in enumerate(claim.citations):
        if citation.source not in library.sources:
            yield ("citations", index, "source"), f"no record data/sources/{citation.source}.yaml"
    for index, published in enumerate(claim.published or ()):
        if published.source not in library.sources:
            yield ("published", index, "source"), f"no record data/sources/{published.source}.yaml"
    for index, relation in enumerate(claim.relates):
        name, other = relation.target()
        if other not in library.records:
            yield ("relates", index, name), f"no claim has the id {other!r}"
        elif other == record.id:
            yield ("relates", index, name), "a claim cannot stand in relation to itself"


def _quotes(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    for index, mention in enumerate(record.claim.stated_in):
        words = len(mention.quote.split())
        if words > QUOTE_WORDS:
            yield ("stated_in", index, "quote"), f"has {words} words; at most {QUOTE_WORDS} locate a claim"


def _kind_fields(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    claim = record.claim
    needed = {
        Kind.MEASURED: ("estimand", "quantifier", "scope", "readings", "conditions"),
        Kind.CAPABILITY: ("scope",),
        Kind.DOCUMENTED: (),
        Kind.LOGICAL: ("logic",),
        Kind.JUDGEMENT: ("untested",),
    }[claim.kind]
    for name in needed:
        if not getattr(claim, name):
            yield (name,), f"is missing; a {claim.kind} claim needs it"
    if claim.kind is Kind.JUDGEMENT and claim.untested and claim.untested.reason is not Reason.NOT_TESTABLE:
        yield ("untested", "reason"), f"a judgement is untested because {Reason.NOT_TESTABLE}"


def _settled_somehow(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    claim = record.claim
    by_rule = claim.kind in (Kind.DOCUMENTED, Kind.LOGICAL)
    if claim.verifier is None and claim.untested is None and not by_rule:
        yield (), "needs `verifier`, or `untested` with the reason why there is none"
    if claim.verifier and claim.untested and claim.untested.reason is not Reason.NO_VERIFIER:
        yield ("untested",), "has a verifier, so only no-verifier (not written yet) can stand here"
    if claim.verifier is None or claim.untested is not None:
        return
    path = library.verifier_path(claim.verifier)
    if not path.is_file():
        yield (
            ("verifier",),
            f"no script verifiers/{claim.verifier}.py; add it, or say `untested: no-verifier`",
        )


def _verifier_fields(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    claim = record.claim
    if claim.verifier is None or claim.untested is not None:
        return
    if claim.kind is Kind.CAPABILITY and not claim.expect:
        yield ("expect",), "is missing; a capability is judged by what its finding must say"
    counted = claim.estimand is not None and claim.estimand.field is not None
    if claim.kind is Kind.MEASURED and not counted:
        if claim.cells is None:
            yield ("cells",), "is missing; a measured claim with a verifier declares its cells"
        elif claim.primary is None and claim.quantifier is Quantifier.TYPICAL:
            yield ("primary",), "is missing; a typical claim is judged by one primary cell"
        else:
            yield from grid(library, claim)


def _region_is_hull(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    claim = record.claim
    if claim.kind is not Kind.MEASURED or claim.region is None or not claim.readings:
        return
    expected = hull([region_of(reading) for reading in claim.readings])
    stated = region_of(_Edges(claim.region.low, claim.region.high))
    for name, found, wanted in (("low", stated.low, expected.low), ("high", stated.high, expected.high)):
        if found != wanted and not abs(found - wanted) <= REGION_DIGITS:
            yield ("region", name), f"found {found:g}, but the readings reach to {wanted:.4f}"


class _Edges:
    def __init__(self, low: float | None, high: float | None) -> None:
        self.value, self.low, self.high = None, low, high


def _figures(library: Library, record: Record) -> Iterator[tuple[Location, str]]:
    claim = record.claim
    names = {figure.name for figure in claim.figures}
    for index, reading in enumerate(claim.readings):
        for name in sorted(set(reading.rounded_to or {}) - names):
            yield ("readings", index, "rounded_to"), f"no figure of this claim is named {name!r}"
    if claim.kind is Kind.DOCUMENTED and claim.figures and not claim.readings:
        yield ("readings",), "is missing; figures are judged by at least one reading"
    for index, citation in enumerate(claim.citations):
        if citation.bears is not None and citation.figure not in {fact.name for fact in claim.facts or ()}:
            yield (
                ("citations", index, "figure"),
                f"bears on {citation.figure!r}, which is no fact of this claim",
            )
    if (claim.facts or claim.trend) and (claim.kind is not Kind.DOCUMENTED or claim.readings):
        yield ("facts" if claim.facts else "trend",), "stand in documented claims without readings alone"
    if claim.figures and claim.period is None:
        yield ("period",), "is missing; figures are compared with citations of that period"


RULES: dict[str, tuple[Rule, str]] = {
    "cross-reference": (_cross_references, "a source or claim that is named has a record"),
    "quote": (_quotes, "a quote is the shortest phrase that locates the claim"),
    "kind-fields": (_kind_fields, "a claim has what its kind needs"),
    "settled-somehow": (
        _settled_somehow,
        "a claim has a verifier that exists, or the reason why there is none",
    ),
    "verifier-fields": (_verifier_fields, "cells, primary and arms agree with each other and the verifier"),
    "region-hull": (_region_is_hull, "the region is the hull of its readings"),
    "figures": (_figures, "figures, readings and period of a documented claim agree"),
}
"""Rules over records by id; the loader's own are syntax, duplicate-key, unknown-key, missing-key, type,
value, topic, unique-id, too-large, unreadable."""
