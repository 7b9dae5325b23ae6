"""What starting the arms of a cell took, and when the one that starts later pays, in a sentence each."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from kb.first_calls import START, break_even
from kb.sentences import duration

Json = Mapping[str, Any]


def first_call(found: Json, cell: Json) -> str | None:
    """Return what starting both arms of a cell took, part by part, and when the later one pays."""
    first = _first_calls(found, cell)
    if first is None:
        return None
    parts = {"import": "import_ns", "build": "build_ns", "first call": "cold_ns"}
    took = (
        f"{arm}: " + ", ".join(f"{name} {duration(each[key])}" for name, key in parts.items() if key in each)
        for arm, each in first.items()
    )
    return f"{'; '.join(took)}; import apart, {_pays(first)}"


def pays(found: Json, cell: Json) -> str | None:
    """Return which arm of a cell starts later and when that pays; None where first calls are not known."""
    first = _first_calls(found, cell)
    return None if first is None else _pays(first)


def _first_calls(found: Json, cell: Json) -> dict[str, dict[str, float]] | None:
    """Return what starting took, with the step of the bursts: to warm up, a block takes too few."""
    first: dict[str, dict[str, float]] = {}
    for arm in found["plan"]["pairs"][cell["pair"]]:
        first[arm] = dict(found["first_calls"].get(f"{arm}@{cell['place']}", {}))
        if steps := _steps(found, arm, cell["place"]):
            first[arm]["typical_ns"] = median(steps)
    known = len(first) > 1 and all({*START, "typical_ns"} <= set(each) for each in first.values())
    return first if known else None


def _steps(found: Json, arm: str, place: int) -> list[float]:
    """Return the cost of a step in every burst of an arm at a place, of the context where none decides."""
    for columns in (found["samples"], found.get("context_samples", {})):
        rows = zip(*(columns.get(name, ()) for name in ("arm", "place", "cost", "steps")), strict=True)
        if steps := [cost / count for own, at, cost, count in rows if (own, at) == (arm, place)]:
            return steps
    return []


def _pays(first: Mapping[str, Mapping[str, float]]) -> str:
    waits = {arm: sum(each[name] for name in START) for arm, each in first.items()}
    early, late = sorted(waits, key=lambda arm: waits[arm])
    later = f"{late} starts {duration(waits[late] - waits[early])} later"
    if first[late]["typical_ns"] >= first[early]["typical_ns"]:
        return f"{later} and never pays, its step being no faster"
    steps = f"{break_even(first[late], first[early]):,.0f}"
    return f"{later} and pays after {steps} step{'' if steps == '1' else 's'}"
