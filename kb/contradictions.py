"""What cannot hold together: rules over records, which know figures, findings and checks, and no claim."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from kb.citation import Figure
from kb.claim import Expectation
from kb.documents import holds, stated_region
from kb.errors import Fault
from kb.library import Library, Record
from kb.regions import Interval, hull
from kb.yaml_lines import Location

WHOLE = 100.0
SHARE = ("percent", "%")


@dataclass(frozen=True)
class Contradiction:
    """What one or more records say that cannot be.

    Attributes
    ----------
    rule : str
        Its id in `RULES`.
    claims : tuple of str
        Those that it takes to see it.
    because : str
        What stands against what.
    path, line, field
        Where it stands, in the first claim's record.
    """

    rule: str
    claims: tuple[str, ...]
    because: str
    path: str
    line: int
    field: str

    def as_json(self) -> dict[str, Any]:
        """Return the public JSON object of `kb contradictions --json`."""
        return {**asdict(self), "claims": list(self.claims)}

    def as_fault(self) -> Fault:
        """Return it as a line of `kb lint --strict`."""
        with_whom = f" (with {', '.join(self.claims[1:])})" if self.claims[1:] else ""
        return Fault(self.path, self.line, self.field, self.rule, self.because + with_whom)


Found: TypeAlias = Iterator[tuple[tuple[Record, ...], Location, str]]
Rule: TypeAlias = Callable[[Library], Found]


def contradictions(library: Library) -> list[Contradiction]:
    """Return what cannot hold together in a library, by rule and claim."""
    return sorted(
        (
            Contradiction(
                name,
                tuple(record.id for record in records),
                because,
                records[0].path,
                records[0].document.line(location),
                ".".join(str(part) for part in location),
            )
            for name, (rule, _) in RULES.items()
            for records, location, because in rule(library)
        ),
        key=lambda found: (found.rule, found.claims, found.field),
    )


def of_claim(found: Iterable[Contradiction], claim: str) -> list[Contradiction]:
    """Return those in which a claim has a part."""
    return [each for each in found if claim in each.claims]


def _checks(rule: str) -> Rule:
    """Return the rule that finds the records' own checks of one kind which do not hold."""

    def failing(library: Library) -> Found:
        for record in library.records.values():
            for index, check in enumerate(record.claim.logic):
                if check.rule == rule and not holds(check):
                    yield (record,), ("logic", index), check.because

    return failing


def _part_above_whole(library: Library) -> Found:
    wholes = _by_subject(library)
    for record, index, part in _figures(library):
        for other, _, whole in wholes[part.part_of or ""]:
            least, most = _stated(record, part).low, _stated(other, whole).high
            if _comparable(record, part, other, whole) and least > most:
                because = f"{_said(part)} is a part of {_said(whole)}, and cannot be larger"
                yield (record, other), ("figures", index, "value"), because


def _no_room(library: Library) -> Found:
    for record in library.records.values():
        shares = defaultdict(list)
        for figure in record.claim.figures:
            if figure.unit in SHARE:
                shares[figure.population].append(figure)
        for population, figures in shares.items():
            total = math.fsum(figure.value for figure in figures)
            if len(figures) > 1 and total >= WHOLE:
                named = " and ".join(f"{figure.value:g}% {figure.name}" for figure in figures)
                because = f"{named} leave no room for others, for none and for both among {population}"
                yield (record,), ("figures",), because


def _one_quantity(library: Library) -> Found:
    for subject, figures in _by_subject(library).items():
        for (one, index, mine), (other, _, theirs) in itertools.combinations(figures, 2):
            apart = _stated(one, mine).disjoint(_stated(other, theirs))
            if one.id != other.id and _comparable(one, mine, other, theirs) and apart:
                because = f"{_said(mine)}, and {_said(theirs)}, for one quantity ({subject})"
                yield (one, other), ("figures", index, "value"), because


def _one_finding(library: Library) -> Found:
    """Claims that one verifier settles, and that expect of one field what it cannot be at once."""
    settled = [record for record in library.records.values() if record.claim.verifier]
    for one, other in itertools.combinations(settled, 2):
        if one.claim.verifier != other.claim.verifier:
            continue
        for index, mine in enumerate(one.claim.expect):
            for theirs in other.claim.expect:
                if mine.field == theirs.field and _exclusive(mine, theirs):
                    because = f"{mine.field} is to be {_wanted(mine)} here and {_wanted(theirs)} there"
                    yield (one, other), ("expect", index), because


def _exclusive(one: Expectation, other: Expectation) -> bool:
    if one.equals is not None and other.equals is not None:
        return type(one.equals) is not type(other.equals) or one.equals != other.equals
    return _range(one).disjoint(_range(other))


def _range(expectation: Expectation) -> Interval:
    """Return the numbers that an expectation admits: all of them, where it speaks of none."""
    exact = expectation.equals
    if isinstance(exact, int | float) and not isinstance(exact, bool):
        return Interval(exact, exact)
    low, high = expectation.at_least, expectation.at_most
    return Interval(-math.inf if low is None else low, math.inf if high is None else high)


def _wanted(expectation: Expectation) -> str:
    if expectation.at_least is not None:
        return f"at least {expectation.at_least:g}"
    if expectation.at_most is not None:
        return f"at most {expectation.at_most:g}"
    exact = expectation.equals
    return str(exact).lower() if isinstance(exact, bool) else str(exact)


def _figures(library: Library) -> Iterator[tuple[Record, int, Figure]]:
    for record in library.records.values():
        for index, figure in enumerate(record.claim.figures):
            yield record, index, figure


def _by_subject(library: Library) -> defaultdict[str, list[tuple[Record, int, Figure]]]:
    found: defaultdict[str, list[tuple[Record, int, Figure]]] = defaultdict(list)
    for record, index, figure in _figures(library):
        if figure.subject is not None:
            found[figure.subject].append((record, index, figure))
    return found


def _comparable(one: Record, mine: Figure, other: Record, theirs: Figure) -> bool:
    """Tell whether two figures have one unit and speak of one time; 2023 and 2023-05 do."""
    times = [record.claim.period or str(record.claim.as_of) for record in (one, other)]
    return mine.unit == theirs.unit and (times[0].startswith(times[1]) or times[1].startswith(times[0]))


def _stated(record: Record, figure: Figure) -> Interval:
    """Return where a figure may lie, by the widest of its readings; itself where none speaks of it."""
    found = [stated_region(record.claim, reading).get(figure.name) for reading in record.claim.readings]
    return hull([each for each in found if each] or [Interval(figure.value, figure.value)])


def _said(figure: Figure) -> str:
    return f"{figure.value:,g} {figure.unit} of {figure.population}"


RULES: dict[str, tuple[Rule, str]] = {
    "arithmetic": (_checks("quotient"), "a figure that its own arithmetic does not give"),
    "subset": (_checks("subset"), "a part that is larger than its whole"),
    "label": (_checks("label"), "one name for two opposites"),
    "range": (_checks("range"), "an interface used outside its documented range"),
    "part": (_part_above_whole, "a part in one record that is larger than its whole in another"),
    "no-room": (_no_room, "shares that leave no room"),
    "one-quantity": (_one_quantity, "two figures of one quantity and time that cannot both hold"),
    "one-finding": (_one_finding, "two claims of which one observation settles at most one"),
}
