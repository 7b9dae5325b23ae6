"""What live runs of known truth must show, and the table made from them."""

import math
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
MACHINES = ("quiet", "loaded")
SAME, SLIGHT, CLEAR = 1.0, 1.05, 1.25
FACTORS = (SAME, SLIGHT, CLEAR)
SEEN = 0.95
"""Share of the clear effects whose direction must be seen on a quiet machine."""
HEADER = (
    "| machine | truth | runs | a faster | b faster | equal | a not faster | undecided | false "
    "| magnitude s / r / i | blocks | seconds | false without gates |\n" + "|---" * 13 + "|"
)


def key(row: Row) -> tuple[str, float, str, int]:
    """Return what tells a run from the others."""
    return row["machine"], row["factor"], row["work"], row["size"]


def false(factor: float, found: Row) -> str:
    """Return which verdict is false where b does `factor` times the work of a; empty if none is.

    Parameters
    ----------
    factor : float
        The true effect.
    found : dict
        `verdict` on "25% faster"; `direction` with its `tag`.
    """
    direction, tag, verdict = found["direction"], found["tag"], found["verdict"]
    if direction == "supported" and factor == SAME:
        return "a faster"
    if tag == "reverse":
        return "b faster"
    if direction == "refuted" and factor != SAME:
        return "not faster"
    wrong = "refuted" if factor == CLEAR else "supported"
    return f"25% {verdict}" if verdict == wrong else ""


def faults(rows: Sequence[Row], wanted: int) -> list[str]:
    """Return a sentence for everything that the runs do not show as they must.

    Parameters
    ----------
    rows : sequence of dict
        One a run.
    wanted : int
        How many runs there must be for each truth and state of the machine that occurs.
    """
    found = [
        f"{row['machine']}, {row['work']} of {row['size']}, truth {row['factor']}: {wrong} is false"
        for row in rows
        if (wrong := false(row["factor"], row))
    ]
    for machine, factor, own in _groups(rows):
        if len(own) < wanted:
            found.append(
                f"{machine}, truth {factor}: {len(own)} of {wanted} runs made; --resume makes the rest"
            )
        seen = sum(row["direction"] == "supported" for row in own)
        if machine == "quiet" and factor == CLEAR and seen < math.ceil(SEEN * len(own)):
            found.append(f"quiet, truth {factor}: seen in {seen} of {len(own)} runs, wanted {SEEN:.0%}")
    return found


def line(row: Row) -> str:
    """Return one run as a line of progress."""
    wrong = false(row["factor"], row)
    direction = f"{row['direction']} {row['tag']}".strip()
    return (
        f"{row['machine']:<7}{row['factor']:<5}{row['work']:<12}{row['size']:<8}"
        f"{row['estimate']} {row['interval']} {direction}; 25% {row['verdict']} ({row['reason']}), "
        f"{row['blocks']} blocks, {row['seconds']} s{'  FALSE: ' * bool(wrong)}{wrong}"
    )


def tabulated(rows: Sequence[Row]) -> str:
    """Return the table of all runs, one line for each state of the machine and truth."""
    return "\n".join([HEADER, *(_tabulated(*group) for group in _groups(rows))])


def _groups(rows: Sequence[Row]) -> list[tuple[str, float, list[Row]]]:
    groups = [
        (machine, factor, [row for row in rows if (row["machine"], row["factor"]) == (machine, factor)])
        for machine in MACHINES
        for factor in FACTORS
    ]
    return [group for group in groups if group[2]]


def _tabulated(machine: str, factor: float, own: Sequence[Row]) -> str:
    answers = [{"supported": "a", "refuted": row["tag"] or "not"}.get(row["direction"], "") for row in own]
    verdicts = [row["verdict"] for row in own]
    cells = [
        machine,
        factor,
        len(own),
        *(answers.count(name) for name in ("a", "reverse", "equal", "not", "")),
        sum(bool(false(factor, row)) for row in own),
        " / ".join(str(verdicts.count(name)) for name in ("supported", "refuted", "inconclusive")),
        f"{sum(row['blocks'] for row in own) / len(own):.1f}",
        f"{sum(row['seconds'] for row in own) / len(own):.1f}",
        sum(bool(false(factor, row["bare"])) for row in own),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"
