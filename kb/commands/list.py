"""`kb list`: the claims and how they stand."""

import argparse
import json
import sys
from typing import Any

from kb.listing import listed
from kb.root import find_root

WIDTHS = (43, 10, 11, 30)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="an array of objects instead of a table")
    parser.add_argument("--kind", help="only claims of this kind")
    parser.add_argument("--topic", help="only claims of this topic")
    parser.add_argument(
        "--verdict", help="only claims that stand so: supported, refuted, mixed, inconclusive, untested"
    )
    parser.add_argument("--source", help="only claims that this source states")
    parser.add_argument("--search", help="only claims whose id or title has this text")


def run(options: argparse.Namespace) -> int:
    """Print the claims that pass the filters."""
    rows = [row for row in listed(find_root()) if _passes(row, options)]
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    from kb import screen  # noqa: PLC0415 - not needed for --json

    lines = [("claim", "kind", "topic", "stands")]
    for row in rows:
        classes = ", ".join(f"{name} {word}" for name, word in row["by_hardware"].items() if name != "any")
        word = f"{screen.MARKS[row['summary']]} {row['summary']}"
        detail = f" ({classes})" if classes and row["summary"] == "mixed" else f" ({row['reason']})"
        lines.append((row["id"], row["kind"], row["topic"], word + detail))
    sys.stdout.write(screen.table(lines, WIDTHS) + "\n")
    counts = {word: sum(row["summary"] == word for row in rows) for word in screen.MARKS}
    sys.stdout.write(f"{len(rows)} claims: " + ", ".join(f"{n} {word}" for word, n in counts.items()) + "\n")
    return 0


def _passes(row: dict[str, Any], options: argparse.Namespace) -> bool:
    found = {**row, "verdict": row["summary"]}
    for name in ("kind", "topic", "verdict"):
        wanted = getattr(options, name)
        if wanted is not None and found[name] != wanted:
            return False
    if options.source is not None and options.source not in row["sources"]:
        return False
    return options.search is None or options.search.lower() in f"{row['id']} {row['title']}".lower()
