"""What the terminal shows: tables within 100 columns, and one screen for an outcome.

Text of records and outcomes is untrusted: control characters never reach the terminal.
"""

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kb import asides, sentences, waits
from kb.run_request import RunRequest, elsewhere
from kb.words import Effect

WIDTH = 100
FOUND = {False: 170, True: 850}
"""Characters of a field of a finding, on the short screen and on the whole one."""
CELLS = 6
"""Deciding cells at most of which a whole screen tells first calls and arms beside."""
MARKS = {"supported": "+", "refuted": "x", "mixed": "±", "inconclusive": "?", "untested": "-"}
COLOURS = {"supported": "32", "refuted": "31", "mixed": "35", "inconclusive": "33", "untested": "2"}


def plain(text: object) -> str:
    """Return text without control, bidirectional or other invisible characters."""
    return "".join(c for c in str(text).replace("\n", " ").replace("\t", " ") if c.isprintable())


def verdict(word: str) -> str:
    """Return a verdict by mark and word, in colour on a terminal that wants it."""
    text = f"{MARKS.get(word, ' ')} {word}"
    colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{COLOURS[word]}m{text}\033[0m" if colourful and word in COLOURS else text


def table(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """Return rows as aligned columns; what is too long is cut with an ellipsis."""
    lines = []
    for row in rows:
        cells = [_cut(plain(cell), width).ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def paragraph(label: str, text: object, indent: int = 14) -> str:
    """Return a labelled paragraph, wrapped."""
    lines = textwrap.wrap(plain(text), WIDTH - indent, break_on_hyphens=False) or ["-"]
    return f"{label:<{indent}}" + f"\n{' ' * indent}".join(lines)


def outcome(found: Mapping[str, Any], record: Mapping[str, Any], whole: bool = False) -> str:
    """Return one screen: what is claimed, what was found, the verdict per reading, why, on what.

    Parameters
    ----------
    found, record : mapping
        An outcome, and the record under which it was judged, as JSON data.
    whole : bool
        Also every gate, and what was measured beside or before the first steady step in several cells.
    """
    lines = [
        f"{verdict(found['verdict'])}  {plain(found['claim'])}",
        paragraph("claimed", record["statement"]),
        *_measured(found, record),
        *(_behind(found, whole) if found.get("plan") is not None else []),
        *_found(found.get("finding") or {}, whole),
        *(paragraph("logic", _check(check)) for check in found["logic"]),
        *(paragraph("fact", f"{name}: {ruling}") for name, ruling in _facts(found, record)),
        paragraph("because", found["because"]),
        paragraph("on", _machine(found)),
        *([] if whole else _elsewhere(found, record)),
        paragraph("more", f"kb show {found['claim']}   run {found['run']}"),
    ]
    return "\n".join(lines)


def request(asked: RunRequest) -> list[str]:
    """Return a run request as a paragraph and its commands, each whole on a line of its own."""
    return [
        paragraph("to settle it", f"on a machine with {asked['needs']}:"),
        *(f"  {plain(command)}" for command in asked["commands"]),
    ]


def _facts(found: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what texts had to say, and whether they do; a verdict's reasons follow by themselves."""
    said = {fact["name"]: fact["says"] for fact in record.get("facts", [])}
    for each in found["readings"]:
        if each["name"] in said:
            yield said[each["name"]], each["verdict"]


def _elsewhere(found: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    needs = elsewhere(found, record)
    if needs is not None:
        where = f"kb show {found['claim']} has the commands, or such a run"
        yield paragraph("settle it", f"on a machine with {needs}: {where}")


def _found(finding: Mapping[str, Any], whole: bool) -> Iterator[str]:
    """Yield what a probing verifier found; the short screen leaves out what is empty, and tables."""
    for name, value in finding.items():
        if whole or (value not in (None, "", [], {}) and not isinstance(value, dict)):
            text = value if isinstance(value, str) else json.dumps(value)
            yield paragraph("found", f"{name}: {_cut(text, FOUND[whole])}")


def _measured(found: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    if found.get("plan") is None or found["estimate"] is None:
        return []
    lines = [paragraph("measured", sentences.effect(found, record))]
    if len(sentences.deciding(found)) > 1 and Effect(found["plan"]["effect"]).per_cell:
        lines.append(paragraph("cells", sentences.spread(found)))
    if (note := sentences.exceeded(found, record)) is not None:
        lines.append(paragraph("note", note))
    if sentences.states_direction(found):
        label = "indicative" if found["indicative"] else "direction"
        lines.append(paragraph(label, _ruling(found["direction"])))
    for reading in found["readings"]:
        region = sentences.bounds(reading["low"], reading["high"])
        lines.append(paragraph("reading", f"{reading['name']} [{region}]: {_ruling(reading)}"))
    return lines


def _behind(found: Mapping[str, Any], whole: bool) -> Iterator[str]:
    """Yield what stands behind a measured verdict, or keeps one from being given."""
    decide = sentences.deciding(found) if whole else sentences.headline(found)
    cells = decide[: CELLS if whole else 1]
    for label, said in (("resolves", sentences.resolves(found)), ("choices", sentences.choices(found))):
        if said is not None:
            yield paragraph(label, said)
    if shown := sentences.beside(found, cells):
        yield paragraph("beside", f"{'; '.join(shown)} (shown, not judged)")
    told = (asides.rates(found, found["record"], cell) for cell in cells)
    yield from (paragraph("rate", said) for said in told if said is not None)
    made = (asides.anatomy(found, cell) for cell in cells)
    yield from (paragraph("compiled", said) for said in made if said is not None)
    if (said := asides.projection(found, found["record"])) is not None:
        yield paragraph("projected", said)
    yield from (paragraph("crossover", said) for said in asides.crossovers(found))
    if why := found["pilot"].get("context", {}).get("left_out"):
        yield paragraph("context", f"the cells that decide nothing were left out: {why}")
    calls = (waits.first_call(found, cell) for cell in cells)
    yield from (paragraph("first call", said) for said in calls if said is not None)
    if whole and len(decide) > len(cells):
        yield paragraph("", f"the first {CELLS} of {len(decide)} deciding cells; `kb app` shows them all")
    if whole:
        yield from (paragraph("gate", _gate(gate)) for gate in found["gates"])
    elif (gates := sentences.gates(found)) is not None:
        yield paragraph("gates", gates)


def _gate(gate: Mapping[str, Any]) -> str:
    figures = f"{sentences.share(gate['figure'])} of at most {sentences.share(gate['limit'])}"
    said = "passed" if gate["passed"] else f"failed: {gate['advice']}"
    return f"{sentences.name_of(gate)} {figures}, {said}; {gate['seen']}"


def _ruling(ruling: Mapping[str, Any]) -> str:
    return str(ruling["verdict"]) + (f" ({ruling['tag']})" if ruling.get("tag") else "")


def _check(check: Mapping[str, Any]) -> str:
    stated = f" = {check['stated']:g}" if check["stated"] is not None else ""
    sign = {"quotient": "/", "subset": "within", "range": "within", "label": "and"}[check["rule"]]
    left, right = (
        f"{side:,g}" if isinstance(side, int | float) else str(side)
        for side in (check["left"], check["right"])
    )
    return f"{left} {sign} {right}{stated}: {'holds' if check['holds'] else 'does not hold'}"


def _machine(found: Mapping[str, Any]) -> str:
    if found["kind"] == "judgement":
        return f"nothing that could be run or cited, {found['ended'][:10]}"
    if found["hardware"] == "any":
        return f"the record's citations and logic, {found['ended'][:10]}"
    host = found["environment_key"]["host"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items() if name != "numpy")
    where = f"{host['cpu']}, {host['logical_cores']} cores ({found['hardware']}, {found['environment']})"
    when = f"{found['ended'][:10]}, {found['seconds']:.0f} s, budget {found['budget']}"
    return "; ".join(filter(None, (where, versions, when)))
