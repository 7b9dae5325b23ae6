"""Turn the raw comparisons of `run.py` into the tables of the README: rates, coverage, cost."""

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from scipy.stats import binomtest

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
STEPS, COMMANDS = "reference steps", "reference commands"
WHOLE_COMMANDS = ("hyperfine",)
"""Tools that measure whole commands, whose ratio is not that of steps."""
SAME, SMALL, LARGE = 1.0, 1.05, 1.25
FEWEST = 3
Row = dict[str, Any]


def read(lines: Iterable[str]) -> tuple[list[Row], list[Row]]:
    """Return the sittings and the comparisons, the last one where several answer the same question."""
    rows = [json.loads(line) for line in lines if line.strip()]
    latest = {
        (row["tool"], row["factor"], row["repeat"], row["budget"]): row
        for row in rows
        if row["kind"] == "comparison"
    }
    return [row for row in rows if row["kind"] == "sitting"], list(latest.values())


def bounds(hits: int, trials: int) -> tuple[float, float]:
    """Return the exact two-sided 95% bounds of a probability (Clopper and Pearson 1934)."""
    found = binomtest(hits, trials).proportion_ci(confidence_level=0.95, method="exact")
    return float(found.low), float(found.high)


def truth(rows: Sequence[Row], tool: str, factor: float) -> tuple[float, float] | None:
    """Return the true ratio and its standard error: 1 for equal arms, else from the reference runs.

    The median over the reference runs of all repeats; its standard error is that of a mean, times sqrt(pi/2),
    from the median absolute deviation, and infinite below three runs.
    """
    if factor == SAME:
        return 1.0, 0.0
    name = COMMANDS if tool in WHOLE_COMMANDS else STEPS
    found = [row["ratio"] for row in rows if row["tool"] == name and row["factor"] == factor and ok(row)]
    if not found:
        return None
    centre = median(found)
    if len(found) < FEWEST:
        return centre, math.inf
    spread = 1.4826 * median(abs(value - centre) for value in found)
    return centre, math.sqrt(math.pi / 2) * spread / math.sqrt(len(found))


def ok(row: Row) -> bool:
    """Tell whether a comparison came to an end."""
    return "error" not in row


def answers(rows: Sequence[Row], tool: str, rule: str, factor: float) -> list[str]:
    """Return what a rule said in every comparison at a factor."""
    mine = [row for row in rows if row["tool"] == tool and row["factor"] == factor and ok(row)]
    return [row["rules"][rule] for row in mine]


def covered(rows: Sequence[Row], tool: str) -> list[tuple[bool, Row]]:
    """Return, for each comparison with an interval and a known truth, whether the one holds the other."""
    found = []
    for row in rows:
        if row["tool"] == tool and ok(row) and row["interval"]:
            known = truth(rows, tool, row["factor"])
            if known is not None:
                low, high = row["interval"]
                found.append((low <= known[0] <= high, row))
    return found


def share(hits: int, trials: int) -> str:
    """Return a rate with its bounds, in percent."""
    if not trials:
        return "none"
    low, high = bounds(hits, trials)
    return f"{hits}/{trials}: {100 * hits / trials:.0f}% [{100 * low:.0f}, {100 * high:.0f}]"


def decisions(rows: Sequence[Row], tools: Sequence[str]) -> list[list[str]]:
    """Return a line for each tool and rule: false differences, differences found, and wrong directions."""
    lines = []
    for tool in tools:
        rules = dict.fromkeys(
            rule for row in rows if row["tool"] == tool and ok(row) for rule in row["rules"]
        )
        for rule in rules:
            same, small, large = (answers(rows, tool, rule, factor) for factor in (SAME, SMALL, LARGE))
            false = share(len(same) - same.count("none"), len(same))
            wrong = f"{(small + large).count('B')}/{len(small + large)}"
            found = [share(said.count("A"), len(said)) for said in (small, large)]
            lines.append([tool, rule, false, *found, wrong])
    return lines


def precision(rows: Sequence[Row], tools: Sequence[str]) -> list[list[str]]:
    """Return a line for each tool: interval, coverage, time to +-5%, wall time, overhead, failures."""
    lines = []
    for tool in tools:
        mine = [row for row in rows if row["tool"] == tool]
        good = [row for row in mine if ok(row)]
        if not good:
            lines.append([tool, "", "", "", "", "", f"{len(mine)}/{len(mine)}"])
            continue
        held = covered(rows, tool)
        reached = [(hit, row["reached"]) for hit, row in held if row["reached"] is not None]
        level = next((row["level"] for row in good if row["level"]), "none")
        after = "none"
        if reached:
            seconds = median(seconds for _, seconds in reached)
            hits = sum(hit for hit, _ in reached)
            after = f"{seconds:.1f} s in {len(reached)}/{len(good)}, {hits} hold the truth"
        overhead = median(1 - row["measured"] / row["wall"] for row in good)
        wall = median(row["wall"] for row in good)
        failed = f"{len(mine) - len(good)}/{len(mine)}"
        coverage = share(sum(hit for hit, _ in held), len(held))
        lines.append([tool, level, coverage, after, f"{wall:.1f}", f"{100 * overhead:.0f}%", failed])
    return lines


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def report(lines: Iterable[str]) -> str:
    """Return the text between the README's markers, from the comparisons at the last sitting's budget."""
    sittings, rows = read(lines)
    last = sittings[-1]
    rows = [row for row in rows if row["budget"] == last["budget"]]
    tools = list(dict.fromkeys(row["tool"] for row in rows if row["tool"] not in (STEPS, COMMANDS)))
    tools.sort(key=lambda tool: (tool != "verify", tool))
    versions = ", ".join(f"{name} {version}" for name, version in last["versions"].items())
    load = max(row["load"] for row in rows)
    about = (
        f"{last['began'][:10]}, {last['machine']}; budget {last['budget']:g} s a comparison, "
        f"seed {last['seed']}; {len(sittings)} sitting(s), highest load average {load:.1f}.\n{versions}."
    )
    truths = [
        [f"{factor:g}", *(_known(truth(rows, tool, factor)) for tool in ("verify", *WHOLE_COMMANDS))]
        for factor in (SMALL, LARGE)
    ]
    decided = ["tool", "rule", "same arms called different", "5% found", "25% found", "wrong way"]
    cost = [
        "tool",
        "interval for the ratio",
        "holds the truth",
        "claims +-5% after",
        "wall s",
        "overhead",
        "failed",
    ]
    parts = [
        about,
        "Rates: count, percent, exact 95% bounds.",
        table(decided, decisions(rows, tools)),
        table(cost, precision(rows, tools)),
        "Truth, with standard error:",
        table(["extra work", "ratio of steps", "ratio of whole commands"], truths),
    ]
    return "\n\n".join(parts)


def _known(found: tuple[float, float] | None) -> str:
    if found is None:
        return "not measured"
    return f"{found[0]:.4f}" + (
        f" +- {found[1]:.4f}" if math.isfinite(found[1]) else ", too few runs for an error"
    )


def main() -> None:
    """Print the report of a raw file, or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, nargs="?", help="default: the newest file in results/")
    parser.add_argument("--write", action="store_true", help="replace the README's results")
    options = parser.parse_args()
    raw = options.raw or max((HERE / "results").glob("*.jsonl"))
    text = report(raw.read_text().splitlines())
    if not options.write:
        print(text)
        return
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
