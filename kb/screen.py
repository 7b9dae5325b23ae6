"""What the terminal shows: tables within 100 columns, and one screen for an outcome.

Text of records and outcomes is untrusted: control characters never reach the terminal.
"""

import math
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from kb.regions import TOLERANCE, Interval

WIDTH = 100
MARKS = {"supported": "+", "refuted": "x", "mixed": "±", "inconclusive": "?", "untested": "-"}
WHICH = {"typical": "", "every": "smallest ", "some": "largest ", "up to": "largest "}
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
    filled = textwrap.fill(plain(text), WIDTH - indent, subsequent_indent=" " * indent) or "-"
    return f"{label:<{indent}}{filled}"


def outcome(found: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return one screen: what is claimed, what was found, the verdict per reading, why, on what."""
    lines = [
        f"{verdict(found['verdict'])}  {plain(found['claim'])}",
        paragraph("claimed", record["statement"]),
        *_measured(found, record),
        *(paragraph("logic", _check(check)) for check in found["logic"]),
        paragraph("because", found["because"]),
        paragraph("on", _machine(found)),
        paragraph("more", f"kb show {found['claim']}   run {found['run']}"),
    ]
    return "\n".join(lines)


def _measured(found: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    if found.get("plan") is None or found["estimate"] is None:
        return []
    lines = [paragraph("measured", effect(found, record))]
    if len(deciding(found)) > 1 and found["plan"]["effect"] != "trend":
        lines.append(paragraph("cells", spread(found)))
    if (note := exceeded(found, record)) is not None:
        lines.append(paragraph("note", note))
    label = "indicative" if found["indicative"] else "direction"
    direction = found["direction"]
    lines.append(paragraph(label, _ruling(direction)))
    for reading in found["readings"]:
        region = f"{_edge(reading['low'], '-inf')} to {_edge(reading['high'], 'inf')}"
        lines.append(paragraph("reading", f"{reading['name']} [{region}]: {_ruling(reading)}"))
    return lines


def effect(found: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return the effect with its interval, in the words of the claim's estimand."""
    trend = record["estimand"]["effect"] == "trend"
    low, high = found["interval"]
    form = ".4f" if trend else ".3f"
    bounds = f"{_edge(low, '-inf', form)} to {_edge(high, 'inf', form)}"
    figures = f"{found['estimate']:{form}} (95% {bounds}, {found['blocks']} blocks)"
    cell = headline_cell(found)
    of, against = found["plan"]["pairs"][cell["pair"]]
    if trend:
        return f"slope per doubling of {found['plan']['along']}, {of} against {against}: {figures}"
    name = {"speedup": "speed-up", "ratio": "ratio"}[record["estimand"]["effect"]]
    settings = ", ".join(f"{key} {value}" for key, value in found["plan"]["settings"][cell["place"]].items())
    which = "" if len(deciding(found)) == 1 else WHICH[found["plan"]["quantifier"]]
    return f"{which}{name} of {of} against {against} at {settings or 'the only cell'}: {figures}"


def deciding(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the cells of an outcome from which its verdict was made."""
    return [cell for cell in found["cells"] if cell["deciding"]]


def headline_cell(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the cell whose figures stand for the outcome; for a trend, one of its arm pair."""
    cells = deciding(found)
    return next((cell for cell in cells if cell["estimate"] == found["estimate"]), cells[0])


def spread(found: Mapping[str, Any]) -> str:
    """Return how many deciding cells lie inside, outside and across the hull of the readings."""
    lows = [reading["low"] for reading in found["readings"]]
    highs = [reading["high"] for reading in found["readings"]]
    region = Interval(-math.inf if None in lows else min(lows), math.inf if None in highs else max(highs))
    intervals = [_interval(cell) for cell in deciding(found)]
    inside = sum(interval.inside(region) for interval in intervals)
    outside = sum(interval.disjoint(region) for interval in intervals)
    undecided = len(intervals) - inside - outside
    return f"{inside} inside the claimed region, {outside} outside, {undecided} undecided"


def exceeded(found: Mapping[str, Any], record: Mapping[str, Any]) -> str | None:
    """Return the note that an "up to" figure is exceeded: that does not refute it, and must not go unsaid."""
    figures = [reading["value"] for reading in record["readings"] if "value" in reading]
    low = found["interval"][0]
    if found["plan"]["quantifier"] != "up to" or low is None or not figures:
        return None
    figure = max(figures)
    if low <= figure * (1 + TOLERANCE):
        return None
    return f"the largest effect exceeds the stated {figure:g}: it is at least {low:.3g}"


def _interval(cell: Mapping[str, Any]) -> Interval:
    low, high = cell["interval"]
    return Interval(-math.inf if low is None else low, math.inf if high is None else high)


def _edge(value: float | None, unbounded: str, form: str = ".4g") -> str:
    return unbounded if value is None else format(value, form)


def _ruling(ruling: Mapping[str, Any]) -> str:
    return str(ruling["verdict"]) + (f" ({ruling['tag']})" if ruling.get("tag") else "")


def _check(check: Mapping[str, Any]) -> str:
    stated = f" = {check['stated']:g}" if check["stated"] is not None else ""
    sign = {"quotient": "/", "subset": "within", "label": "and"}[check["rule"]]
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
    return (
        f"{host['cpu']}, {host['logical_cores']} cores ({found['hardware']}, {found['environment']}); "
        f"{versions}; {found['ended'][:10]}, {found['seconds']:.0f} s, budget {found['budget']}"
    )
