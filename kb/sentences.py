"""What a measured outcome says, one sentence for each part of it, the same in the terminal and on a page.

Plain text in, plain text out; whoever shows it escapes it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kb.regions import TOLERANCE, Interval
from kb.words import Effect, Quantifier

Json = Mapping[str, Any]
WHICH = {"typical": "", "every": "smallest ", "some": "largest ", "up to": "largest "}
EFFECTS = {
    Effect.SPEEDUP: "speed-up",
    Effect.RATIO: "ratio",
    Effect.CONTRAST: "contrast",
    Effect.NARROWING: "narrowing",
}
GATES = {
    "settings-differ": "threads",
    "implausible": "rate",
    "interference": "interference",
    "partner-busy": "waiting processes",
    "control-failed": "control",
}
"""Short names of the gates, by the reason that a failure has."""
CONTROL = "control-failed"
NANO = 1e9


def bounds(low: float | None, high: float | None, *, form: str = ".4g") -> str:
    """Return an interval in words, its edges in a format of numbers; None stands for an open edge."""
    if low is None and high is None:
        return "no bounds yet"
    if low is None:
        return f"up to {high:{form}}"
    return f"{low:{form}} or more" if high is None else f"{low:{form}} to {high:{form}}"


def cell_name(settings: Mapping[str, Any], pair: Sequence[str]) -> str:
    """Return a cell's name: its arms, and its settings if any are swept."""
    swept = settings_name(settings)
    return f"{pair[0]} against {pair[1]}" + (f", {swept}" if swept else "")


def settings_name(settings: Mapping[str, Any]) -> str:
    """Return the swept settings of a cell in a few words; nothing where none are swept."""
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def share(figure: float) -> str:
    """Return a dimensionless figure in percent, to three digits."""
    return f"{100 * figure:.3g}%"


def duration(ns: float) -> str:
    """Return a time in ns as seconds, or as milliseconds where it is less than one."""
    return f"{ns / NANO:,.3g} s" if ns >= NANO else f"{1e3 * ns / NANO:.3g} ms"


def effect(found: Json, record: Json) -> str:
    """Return the effect with its interval, in the words of the claim's estimand."""
    kind = Effect(record["estimand"]["effect"])
    form = ".4f" if kind is Effect.TREND else ".3f"
    within = bounds(*found["interval"], form=form)
    figures = f"{found['estimate']:{form}} (95% {within}, {found['blocks']} blocks)"
    cells = headline(found)
    if len({cell["place"] for cell in cells} if kind.over_pairs else cells) > 1:
        of, against = record["estimand"]["of"], record["estimand"]["against"]
        return f"{EFFECTS[kind]} of {of} against {against}, median of {len(cells)} cells: {figures}"
    of, against = found["plan"]["pairs"][cells[0]["pair"]]
    if kind is Effect.TREND:
        return f"slope per doubling of {found['plan']['along']}, {of} against {against}: {figures}"
    settings = settings_name(found["plan"]["settings"][cells[0]["place"]])
    if kind.over_pairs:
        return f"{_over_pairs(kind, found['plan']['pairs'])} at {settings or 'the only cell'}: {figures}"
    which = "" if len(deciding(found)) == 1 else WHICH[found["plan"]["quantifier"]]
    return f"{which}{EFFECTS[kind]} of {of} against {against} at {settings or 'the only cell'}: {figures}"


def _over_pairs(kind: Effect, pairs: Sequence[Sequence[str]]) -> str:
    """Return what of two arm pairs is held against each other."""
    (of, against), (other, base) = pairs
    if kind is Effect.NARROWING:
        return f"distance between {of} and {against}, over that between {other} and {base},"
    return f"contrast of {of} against {against} with {other} against {base}"


def deciding(found: Json) -> list[Json]:
    """Return the cells of an outcome from which its verdict was made."""
    return [cell for cell in found["cells"] if cell["deciding"]]


def headline(found: Json) -> list[Json]:
    """Return the cells whose figures stand for the outcome.

    All that decide where the median over them does, else the one that gave the estimate; for a trend, one of
    its arm pair.
    """
    cells, plan = deciding(found), found["plan"]
    if plan["effect"] == Effect.TREND:
        return cells[:1]
    if plan["quantifier"] == Quantifier.TYPICAL or not cells:
        return cells
    return [next((cell for cell in cells if cell["estimate"] == found["estimate"]), cells[0])]


def states_direction(found: Json) -> bool:
    """Tell whether the claim says which side leads: not if a reading of it takes in that neither does."""
    if found["plan"] is None:
        return True
    neither = 0.0 if found["plan"]["effect"] == Effect.TREND else 1.0
    limits = ((reading["low"], reading["high"]) for reading in found["readings"])
    return not any(
        (low is None or low <= neither) and (high is None or neither <= high) for low, high in limits
    )


def spread(found: Json) -> str:
    """Return how many deciding cells lie inside, outside and across the hull of the readings."""
    lows = [reading["low"] for reading in found["readings"]]
    highs = [reading["high"] for reading in found["readings"]]
    region = Interval(-math.inf if None in lows else min(lows), math.inf if None in highs else max(highs))
    intervals = [_interval(cell) for cell in deciding(found)]
    inside = sum(interval.inside(region) for interval in intervals)
    outside = sum(interval.disjoint(region) for interval in intervals)
    undecided = len(intervals) - inside - outside
    return f"{inside} inside the claimed region, {outside} outside, {undecided} undecided"


def _interval(cell: Json) -> Interval:
    low, high = cell["interval"]
    return Interval(-math.inf if low is None else low, math.inf if high is None else high)


def exceeded(found: Json, record: Json) -> str | None:
    """Return the note that an "up to" figure is exceeded: that does not refute it, and must not go unsaid."""
    figures = [reading["value"] for reading in record["readings"] if "value" in reading]
    low = found["interval"][0]
    if found["plan"]["quantifier"] != Quantifier.UP_TO or low is None or not figures:
        return None
    figure = max(figures)
    if low <= figure * (1 + TOLERANCE):
        return None
    return f"the largest effect exceeds the stated {figure:g}: it is at least {low:.3g}"


def resolves(found: Json) -> str | None:
    """Return the smallest effect that the run could tell from none; None where that is not known."""
    return None if found["resolved"] is None else f"effects of {share(found['resolved'])} or more"


def choices(found: Json) -> str | None:
    """Return how many specifications lie inside each region, and how often chance reaches as far."""
    curve = found["specifications"]
    if not curve:
        return None
    total, readings = len(curve["columns"]["place"]), curve["readings"]
    if len(readings) == 1:
        inside, outside = readings[0]["inside"], readings[0]["outside"]
        counts = f"{inside} of {total} specifications inside the claimed region, {outside} outside"
    else:
        each = (f"{one['name']}: {one['inside']} inside, {one['outside']} outside" for one in readings)
        counts = f"of {total} specifications, {'; '.join(each)}"
    return counts + (f"; {chance(found)}" if curve["chance"] is not None else "")


def chance(found: Json) -> str:
    """Return what the permutation test of the specification curve says."""
    often = share(found["specifications"]["chance"])
    return f"labels flipped at random come as far from none in {often} of trials"


def beside(found: Json, cells: Sequence[Json]) -> list[str]:
    """Return what the arms that are never judged came to, at the places of the cells."""
    places = {cell["place"] for cell in cells}
    known = [each for each in found["beside"] if each["place"] in places and each["estimate"] is not None]
    return [_beside(found, each, len(places) > 1) for each in known]


def _beside(found: Json, each: Json, named: bool) -> str:
    settings = settings_name(found["plan"]["settings"][each["place"]]) if named else ""
    at = f" at {settings}" if settings else ""
    within = bounds(*each["interval"], form=".3g")
    return f"{each['of']} against {each['against']}{at} {each['estimate']:.3g} (95% {within})"


def gates(found: Json) -> str | None:
    """Return one short line on all gates: those that failed, or what each of those that passed came to."""
    known = found["gates"]
    failed = [gate for gate in known if not gate["passed"]]
    if not known:
        return None
    if failed:
        limits = (
            f"{name_of(gate)} {share(gate['figure'])} (limit {share(gate['limit'])})" for gate in failed
        )
        return f"{len(failed)} of {len(known)} failed: {', '.join(limits)}"
    figures = [f"{name_of(gate)} {share(gate['figure'])}" for gate in known if gate["name"] != CONTROL]
    control = [gate["seen"] for gate in known if gate["name"] == CONTROL]
    return f"all {len(known)} passed: {'; '.join([', '.join(figures)] * bool(figures) + control)}"


def name_of(gate: Json) -> str:
    """Return a gate's short name."""
    return GATES.get(gate["name"], str(gate["name"]))
