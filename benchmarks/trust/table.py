"""Counts of false verdicts held against what is allowed, and the tables made from them."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

Row = dict[str, Any]
ALLOWED = 0.06
SEEN = 0.95
"""Share of runs in which the dependence gate must see dependence where errors are not kept below."""
ERRORS = ("support", "refutation", "direction")
ENDS = (
    "magnitude supported",
    "magnitude refuted",
    "direction supported",
    "direction refuted",
)
HEADER = (
    "| rule | data | sd | false support | false refutation | false direction | gate | |\n"
    "|---|---|---|---|---|---|---|---|"
)
POWER = (
    "| truth | sd | magnitude supported | refuted | direction supported | refuted | blocks |\n"
    "|---|---|---|---|---|---|---|"
)


def bounds(hits: int, trials: int) -> tuple[float, float]:
    """Return the lower and upper one-sided 95% bounds of a probability (Clopper and Pearson 1934)."""
    found = binomtest(hits, trials).proportion_ci(confidence_level=0.9, method="exact")
    return float(found.low), float(found.high)


def line(row: Row) -> str:
    """Return one cell as a line of progress."""
    shares = "  ".join(f"{name} {row[name] / row['runs']:.3f}" for name in ERRORS)
    return (
        f"{row['rule']:<24}{row['data']:<20}{row['sd']:<6}{row['truth']:<9}{shares}  blocks {row['blocks']}"
    )


def groups(rows: Iterable[Row]) -> list[list[Row]]:
    """Return the rows of each experiment, one row a truth."""
    return [
        list(own)
        for _, own in groupby(rows, key=lambda row: (row["rule"], row["data"], row["sd"], row["expect"]))
    ]


def faults(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for every experiment that did not come out as it must."""
    return [sentence for own in groups(rows) if (sentence := _fault(own))]


def _fault(own: Sequence[Row]) -> str:
    first = own[0]
    what = f"{first['rule']} on {first['data']}, sd {first['sd']:.0%}"
    high, name, truth = max(
        (bounds(row[name], row["runs"])[1], name, row["truth"]) for row in own for name in ERRORS
    )
    if first["expect"] == "fails":
        low = max(bounds(row[name], row["runs"])[0] for row in own for name in ERRORS)
        return "" if low > ALLOWED else f"{what}: a naive rule was not found out, its error may be {low:.1%}"
    if high <= ALLOWED or (first["expect"] == "gated" and _gate(own) >= SEEN):
        return ""
    return f"{what}: false {name} at a truth of {truth:.4f} may be {high:.1%}, allowed are {ALLOWED:.0%}"


def _gate(own: Sequence[Row]) -> float:
    return float(sum(row["gate"] for row in own) / sum(row["runs"] for row in own))


def simulated(rows: Sequence[Row]) -> str:
    """Return the tables of a simulation: of each experiment its worst truth, and the rule's power."""
    worst = [own for own in groups(rows) if own[0]["expect"] != "power"]
    clear = [row for own in groups(rows) if own[0]["expect"] == "power" for row in own]
    lines = [HEADER, *(_worst(own) for own in worst)]
    if clear:
        lines += ["", POWER, *(_power(row) for row in clear)]
    return "\n".join(lines)


def _worst(own: Sequence[Row]) -> str:
    first = own[0]
    shares = []
    for name in ERRORS:
        hits = max(row[name] for row in own)
        shares.append(f"{hits / first['runs']:.1%} (≤ {bounds(hits, first['runs'])[1]:.1%})")
    expected = {"holds": "holds", "fails": "found out", "gated": "seen by the gate, or holds"}[
        first["expect"]
    ]
    end = "**not so**" if _fault(own) else expected
    return " | ".join(
        ["| " + first["rule"], first["data"], f"{first['sd']:.0%}", *shares, f"{_gate(own):.0%}", end + " |"]
    )


def _power(row: Row) -> str:
    shares = [f"{row[name] / row['runs']:.0%}" for name in ENDS]
    return " | ".join([f"| {row['truth']:.4f}", f"{row['sd']:.0%}", *shares, f"{row['blocks']:.1f} |"])


def write(path: Path, name: str, text: str) -> None:
    """Replace what stands between the markers of that name in a Markdown file.

    Raises
    ------
    ValueError
        Where the file lacks the markers.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        message = f"{path}: lacks the markers {begin.strip()} and {end}"
        raise ValueError(message)
    path.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
