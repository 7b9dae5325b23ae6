"""Declared settings against observed ones: a setting that was declared and not in force voids a run."""

from collections.abc import Mapping
from typing import Any

from kb.plan import Plan

PRECISION = "precision"


def declared(plan: Plan, place: int) -> dict[str, Any]:
    """Return what a plan declares of every arm at a place, under the names that arms report."""
    settings = plan.settings[place]
    return {
        "threads": plan.threads_at(place),
        "device": plan.device,
        "dtype": settings.get(PRECISION, "float32"),
        "tf32": False,
    }


def voids(arm: str, wanted: Mapping[str, Any], observed: Mapping[str, Any]) -> list[str]:
    """Name every declared setting that an arm reports otherwise, in a sentence each.

    A setting that the framework does not tell (absent, or None) cannot be held against it.

    Parameters
    ----------
    arm : str
        Framework and mode.
    wanted, observed : mapping
        Settings by name.
    """
    return [
        f"{arm}: {name} is {observed[name]!r}, declared was {value!r}"
        for name, value in wanted.items()
        if observed.get(name) is not None and observed[name] != value
    ]
