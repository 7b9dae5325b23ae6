"""`kb refresh`: bring the series of stars and releases up to date, where there is a network."""

import argparse
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from kb import refresh
from kb.refresh import RELEASE_COLUMNS, RELEASES, STAR_COLUMNS, STARS, Row, Unreached
from kb.root import find_root
from kb.words import Exit

SECONDS = 20.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--timeout", type=_seconds, default=SECONDS, help="seconds for each answer (20)")


def run(options: argparse.Namespace) -> int:
    """Ask GitHub and PyPI, and write what they say; status 4 if anything is lacking."""
    root = find_root()
    names, day = refresh.asked(root), datetime.now(UTC).date().isoformat()
    complete = [
        _series(
            root / STARS,
            STAR_COLUMNS,
            names.repositories,
            lambda name: [refresh.stars(name, day, options.timeout)],
            lambda row: row[:2],
        ),
        _series(
            root / RELEASES,
            RELEASE_COLUMNS,
            names.packages,
            lambda name: refresh.releases(name, options.timeout),
            lambda row: (row[0], row[2], row[1]),
        ),
    ]
    return int(Exit.SUPPORTED if all(complete) else Exit.UNTESTED)


def _series(
    path: Path,
    columns: Row,
    names: Iterable[str],
    ask: Callable[[str], list[Row]],
    key: Callable[[Row], Row],
) -> bool:
    """Bring one series up to date; a registry that was not reached is not asked for the rest."""
    known, new = refresh.read_rows(path, columns), []
    lacking: Unreached | None = None
    for name in names:
        try:
            new += ask(name)
        except Unreached as reason:
            lacking = lacking or reason
            if reason.silent:
                break
    rows = refresh.merged(known, new, key)
    if rows != known:
        refresh.write_rows(path, columns, rows)
    added = len(set(rows) - set(known))
    sys.stdout.write(f"{path.name}: {len(rows)} rows, {added} new\n")
    if lacking:
        sys.stderr.write(f"{lacking}; what is lacking stays as it was\n")
    return lacking is None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        message = f"found {text}, expected seconds above 0"
        raise argparse.ArgumentTypeError(message)
    return seconds
