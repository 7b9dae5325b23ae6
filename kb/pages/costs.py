"""What an arm costs besides its steady step: starting it, and the memory that it holds."""

from collections import defaultdict
from statistics import median
from typing import Any

import streamlit as st

from kb import sentences, waits
from kb.figures import MIB
from kb.pages.folded import folded
from kb.pages.markup import fill, table
from kb.plan import Plan

Json = dict[str, Any]
FIRST = {
    "import_ns": "Import",
    "build_ns": "Build",
    "cold_ns": "First call, empty caches",
    "warm_ns": "First call, filled caches",
    "typical_ns": "Steady step",
}
WEIGHED = {
    "peak": "Peak",
    "allocated_peak": "Allocated peak",
    "reserved_peak": "Reserved peak",
    "live": "Live",
    "baseline": "Baseline",
}


def first_calls(outcome: Json) -> None:
    """Show what starting each arm took, and after how many steps the arm that starts later has caught up."""
    first = outcome["first_calls"]
    if not first or outcome["plan"] is None:
        return
    st.html(fill("<h3>{}</h3>", "First calls: what starting costs"))
    rows = [
        [*_arm(outcome, key), *(sentences.duration(each[name]) if name in each else "" for name in FIRST)]
        for key, each in sorted(first.items())
    ]
    shown = table(("Arm", "Settings", *FIRST.values()), rows, "First calls of every arm")
    folded(f"First calls of {len(rows)} arms and settings", len(rows), shown)
    _break_even(outcome)


def _break_even(outcome: Json) -> None:
    plan = Plan.from_json(outcome["plan"])
    rows = [
        [sentences.cell_name(plan.settings[cell["place"]], plan.pairs[cell["pair"]]), said]
        for cell in sentences.deciding(outcome)
        if (said := waits.pays(outcome, cell)) is not None
    ]
    if not rows:
        return
    shown = table(("Deciding cell", "When starting later pays"), rows, "Break-even of every deciding cell")
    folded(f"When starting later pays, in {len(rows)} deciding cells", len(rows), shown)
    apart = "Importing a framework is left apart here: it is paid once a process, whatever it then runs."
    st.html(fill('<p class="kb-small">{}</p>', apart))


def weighed(outcome: Json) -> None:
    """Show the memory of each arm: medians over its processes, in MiB."""
    if not outcome["weighed"] or outcome["plan"] is None:
        return
    groups: dict[str, list[Json]] = defaultdict(list)
    for each in outcome["weighed"]:
        groups[f"{each['arm']}@{each['place']}"].append(each)
    names = [name for name in WEIGHED if any(name in each for each in outcome["weighed"])]
    rows = [
        [
            *_arm(outcome, key),
            *(_mib([each[name] for each in found if name in each]) for name in names),
            len(found),
        ]
        for key, found in sorted(groups.items())
    ]
    st.html(fill("<h3>{}</h3>", "Memory, median per arm in MiB"))
    headers = ("Arm", "Settings", *(WEIGHED[name] for name in names), "Processes")
    st.html(table(headers, rows, "Memory of every arm in MiB"))
    said = (
        "Baseline: held once the framework is imported. Peak and live: above it, at most and after the steps."
    )
    st.html(fill('<p class="kb-small">{}</p>', said))


def _arm(outcome: Json, key: str) -> tuple[str, str]:
    """Return arm and settings of a key `arm@place`."""
    arm, _, place = key.rpartition("@")
    return arm, sentences.settings_name(Plan.from_json(outcome["plan"]).settings[int(place)])


def _mib(values: list[int]) -> str:
    return f"{median(values) / MIB:,.1f}" if values else ""
