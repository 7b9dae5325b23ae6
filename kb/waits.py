"""What starting the arms of a cell took, and when the one that starts later pays, in a sentence each."""

from collections.abc import Mapping
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


def _first_calls(found: Json, cell: Json) -> dict[str, Mapping[str, int]] | None:
    pair = found["plan"]["pairs"][cell["pair"]]
    first = {arm: found["first_calls"].get(f"{arm}@{cell['place']}", {}) for arm in pair}
    known = len(first) > 1 and all({*START, "typical_ns"} <= set(each) for each in first.values())
    return first if known else None


def _pays(first: Mapping[str, Mapping[str, int]]) -> str:
    waits = {arm: sum(each[name] for name in START) for arm, each in first.items()}
    early, late = sorted(waits, key=lambda arm: waits[arm])
    later = f"{late} starts {duration(waits[late] - waits[early])} later"
    if first[late]["typical_ns"] >= first[early]["typical_ns"]:
        return f"{later} and never pays, its step being no faster"
    return f"{later} and pays after {break_even(first[late], first[early]):,.0f} steps"
