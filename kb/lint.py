"""Checks over records that were read: what each must have for its kind, and what they say of each other.

A rule is a function from a library to faults; its id stands in `RULES` with the sentence that explains it.
"""

import ast
from collections.abc import Callable, Iterator

from kb.claim import Claim
from kb.errors import Fault
from kb.estimand import Cells
from kb.library import Library, Record
from kb.regions import hull, region_of
from kb.strict import Scalar
from kb.words import Effect, Kind, Quantifier, Reason
from kb.yaml_lines import Location

QUOTE_WORDS = 15
REGION_DIGITS = 1e-3
THREADS, EVERY_THREAD = "threads", "all"
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
    if claim.kind is Kind.MEASURED:
        if claim.cells is None:
            yield ("cells",), "is missing; a measured claim with a verifier declares its cells"
        elif claim.primary is None and claim.quantifier is Quantifier.TYPICAL:
            yield ("primary",), "is missing; a typical claim is judged by one primary cell"
        else:
            yield from _grid(library, claim)


def _grid(library: Library, claim: Claim) -> Iterator[tuple[Location, str]]:
    cells, primary = claim.cells, claim.primary
    if cells is None:
        return
    arms = _arms(library, claim)
    for index, pair in enumerate(cells.arms):
        unknown = [arm for arm in pair if arms and arm not in arms]
        if unknown:
            yield (
                ("cells", "arms", index),
                f"{claim.verifier} knows no {', '.join(unknown)}; it knows {', '.join(arms)}",
            )
    yield from _beside(claim, cells, arms)
    yield from _threads(cells)
    if primary is not None:
        if primary.arms not in cells.arms:
            yield ("primary", "arms"), "is not among cells.arms"
        for name, value in primary.settings.items():
            if value not in cells.settings.get(name, []):
                yield ("primary", name), f"{value!r} is not among cells.{name}"
    trend = claim.estimand is not None and claim.estimand.effect is Effect.TREND
    if trend != (claim.along is not None) or (claim.along and claim.along not in cells.settings):
        yield ("along",), "a trend, and only a trend, names one of the swept settings"
    elif claim.along and not all(_above_zero(value) for value in cells.settings[claim.along]):
        yield ("cells", claim.along), "a trend doubles it, so it holds numbers above 0"


def _beside(claim: Claim, cells: Cells, arms: list[str]) -> Iterator[tuple[Location, str]]:
    paired = {arm for pair in cells.arms for arm in pair}
    for index, arm in enumerate(cells.beside):
        place = ("cells", "beside", index)
        if arm in paired:
            yield place, f"{arm} stands in a pair, which is judged; leave it out here"
        elif arms and arm not in arms:
            yield place, f"{claim.verifier} knows no {arm}; it knows {', '.join(arms)}"


def _threads(cells: Cells) -> Iterator[tuple[Location, str]]:
    for index, value in enumerate(cells.settings.get(THREADS, [])):
        if not (isinstance(value, int) and _above_zero(value)) and value != EVERY_THREAD:
            message = f"found {value!r}; expected a whole number above 0, or {EVERY_THREAD}"
            yield ("cells", THREADS, index), message


def _above_zero(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _arms(library: Library, claim: Claim) -> list[str]:
    """Read the arms out of a verifier's decorator without running the script."""
    path = library.verifier_path(claim.verifier or "")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return []
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "arms":
            value = constants.get(node.value.id) if isinstance(node.value, ast.Name) else node.value
            try:
                return list(ast.literal_eval(value)) if value is not None else []
            except ValueError:
                return []
    return []


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
