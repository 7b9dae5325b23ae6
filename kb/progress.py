"""Progress on standard error while a measurement runs: a block of lines rewritten in place on a terminal.

Drawn by hand with three escape sequences: it changes only when an event comes. A clock that ticks, as
progress libraries have it, would take processor time from the bursts that are being timed.
"""

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO, TypeAlias

from kb import screen

Event: TypeAlias = Mapping[str, Any]
Cell: TypeAlias = Mapping[str, Any]
MOST_CELLS = 12
NARROWEST_LABEL, NARROWEST_BAR, WIDEST_BAR = 12, 20, 40
RUNGS = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
"""How far the bars' scale reaches to either side of 1: in steps, so that intervals are seen to narrow."""
PLAIN = str.maketrans("├─●┤…", "[-o].")


class Progress:
    """Shows what a run is doing; called with the runner's events.

    Parameters
    ----------
    claim : str
        Id of the claim.
    stream : file
        Where to write.
    quiet : bool
        Write nothing.
    """

    def __init__(self, claim: str, stream: TextIO, quiet: bool = False) -> None:
        self.claim, self.stream, self.quiet = claim, stream, quiet
        self.live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.ready: Event = {}
        self.drawn: list[int] = []

    def __call__(self, event: Event) -> None:
        """Show an event; one of an unknown name is passed over."""
        name = event["event"]
        if self.quiet or name not in SENTENCES:
            return
        if name == "ready":
            self.ready = event
        sentence = f"{self.claim}: {SENTENCES[name](event, self.ready)}"
        if not self.live:
            self._write(sentence + "\n")
            return
        columns, rows = _size(self.stream)
        lines = [sentence] if name != "block" else _block(self.claim, event, self.ready, columns, rows)
        self._draw([line[: _width(columns)] for line in lines], event, columns)

    def end(self) -> None:
        """Clear what was drawn."""
        if self.drawn:
            self._write(self._erased(_size(self.stream)[0]))
            self.drawn = []

    def _draw(self, lines: list[str], event: Event, columns: int) -> None:
        text = self._erased(columns) + "".join(f"{line}\n" for line in lines)
        if event["event"] == "block" and not os.environ.get("NO_COLOR"):
            mark, colour = _mark(event), screen.COLOURS[event["verdict"]]
            text = text.replace(mark, f"\033[{colour}m{mark}\033[0m", 1)
        self.drawn = [len(line) for line in lines]
        self._write(text)

    def _erased(self, columns: int) -> str:
        """Return what erases the drawn lines; a terminal made narrower has wrapped them since."""
        rows = sum(max(1, math.ceil(length / columns)) for length in self.drawn)
        return f"\033[{rows}A\r\033[J" if rows else ""

    def _write(self, text: str) -> None:
        encoding = self.stream.encoding or "utf-8"
        try:
            self.stream.write(text if encoding.lower().startswith("utf") else text.translate(PLAIN))
            self.stream.flush()
        except OSError:  # nobody watches any more: no reason to lose the run
            self.quiet, self.drawn = True, []


def _size(stream: TextIO) -> tuple[int, int]:
    """Return columns and rows of the terminal that is written to, which need not be standard output's."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = shutil.get_terminal_size()
    return columns or screen.WIDTH, rows or 24


def _width(columns: int) -> int:
    """Return how long a line may be: not to the last column, where terminals differ in when they wrap."""
    return max(1, min(screen.WIDTH, columns - 1))


def _block(claim: str, event: Event, ready: Event, columns: int, rows: int) -> list[str]:
    """Return two lines of heading and one for each cell that finds room."""
    verdict = f"{claim}: {_mark(event)} ({event['reason']}), {_figures(event)}"
    able = f"; {_resolvable(ready)}" if ready.get("resolvable") is not None else ""
    cells = sorted(event.get("cells", ()), key=lambda cell: not cell["deciding"])
    most = max(0, min(MOST_CELLS, rows - 4))  # heading, "and more", and the line on which the cursor waits
    lines = [verdict, f"{_number(event, ready)}, {_left(event)}{able}", *_rows(cells, most, _width(columns))]
    if (more := len(cells) - most) > 0:
        lines.append(f"  and {more} more cell{'s' * (more > 1)}")
    return lines[: max(1, rows - 1)]


def _rows(cells: Sequence[Cell], most: int, width: int) -> list[str]:
    """Return a line a cell: what it is, its figures, and its interval as a bar."""
    labels, shown = _labels(cells)[:most], cells[:most]
    if not shown:
        return []
    figures = [_figures(cell) for cell in shown]
    room = width - 2 - 2 - max(map(len, figures)) - 2
    label = min(max(map(len, labels)), max(NARROWEST_LABEL, room - NARROWEST_BAR))
    bar = min(WIDEST_BAR, room - label)
    scale = _scale(shown)
    bars = [_bar(cell, scale, bar) if bar >= NARROWEST_BAR else "" for cell in shown]
    widths = (0, label, max(map(len, figures)), max(0, bar))
    rows = [("", *row) for row in zip(labels, figures, bars, strict=True)]
    return screen.table(rows, widths).splitlines()


def _labels(cells: Sequence[Cell]) -> list[str]:
    """Return what tells the cells apart; of a single cell, all that is known of it."""
    named = [
        [
            *(f"{key} {value}" for key, value in cell["settings"].items()),
            cell["of"],
            f"against {cell['against']}",
        ]
        for cell in cells
    ]
    differs = [len(set(parts)) > 1 or len(cells) == 1 for parts in zip(*named, strict=True)]
    return [
        ("" if cell["deciding"] else "context: ")
        + " ".join(part for part, kept in zip(parts, differs, strict=True) if kept)
        for cell, parts in zip(cells, named, strict=True)
    ]


def _scale(cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the logarithms between which the bars of all cells are drawn; 0, no effect, lies between."""
    values = [value for cell in cells for value in (cell["estimate"], *cell["interval"])]
    logs = [math.log(value) for value in values if value is not None and value > 0]
    low, high = (
        next((rung for rung in map(math.log, RUNGS) if rung > far), math.log(RUNGS[-1]))
        for far in (max((-log for log in logs), default=0.0), max(logs, default=0.0))
    )
    return -low, high


def _bar(cell: Cell, scale: tuple[float, float], width: int) -> str:
    """Draw an interval: its ends where it has any, its estimate, and `|` at 1, where arms are equal."""

    def column(value: float) -> int:
        share = (math.log(value) - scale[0]) / (scale[1] - scale[0])
        return round(min(1.0, max(0.0, share)) * (width - 1))

    low, high = (edge if edge is not None and edge > 0 else None for edge in cell["interval"])
    drawn = [" "] * width
    if cell["estimate"] is not None and cell["estimate"] > 0:
        first, last = 0 if low is None else column(low), width - 1 if high is None else column(high)
        drawn[first : last + 1] = "─" * (last + 1 - first)
        if low is not None:
            drawn[first] = "├"
        if high is not None:
            drawn[last] = "┤"
    drawn[column(1.0)] = "|"
    if cell["estimate"] is not None and cell["estimate"] > 0:
        drawn[column(cell["estimate"])] = "●"
    return "".join(drawn)


def _pilot(event: Event, ready: Event) -> str:
    return f"starting {len(event['arms'])} arms and holding their outputs against each other"


def _installing(event: Event, ready: Event) -> str:
    return str(event["said"])


def _probe(event: Event, ready: Event) -> str:
    return "running the verifier"


def _ready(event: Event, ready: Event) -> str:
    blocks = event["blocks"]
    return f"the budget allows about {blocks} block{'s' * (blocks != 1)}; {_resolvable(event)}"


def _measured(event: Event, ready: Event) -> str:
    return f"{_number(event, ready)}: {_figures(event)} {event['verdict']}, {_left(event)}"


def _context(event: Event, ready: Event) -> str:
    return f"other cells, which decide nothing: block {event['block']} of {event['blocks']}, {_left(event)}"


SENTENCES: dict[str, Callable[[Event, Event], str]] = {
    "installing": _installing,
    "pilot": _pilot,
    "probe": _probe,
    "ready": _ready,
    "block": _measured,
    "context": _context,
}


def _mark(event: Event) -> str:
    return f"{screen.MARKS[event['verdict']]} {event['verdict']}"


def _number(event: Event, ready: Event) -> str:
    most = ready.get("blocks", 0)
    limit = f" of at most {most}" if most >= event["block"] else ""  # the pilot may have guessed too few
    return f"block {event['block']}{limit}{' (control)' if event.get('control') else ''}"


def _figures(found: Event) -> str:
    low, high = found["interval"]
    shown = f"{found['estimate']:.4g}" if found["estimate"] is not None else "-"
    return f"{shown} [{'..' if low is None else f'{low:.4g}'}, {'..' if high is None else f'{high:.4g}'}]"


def _left(event: Event) -> str:
    minutes, seconds = divmod(max(0, round(event["budget"] - event["seconds"])), 60)
    return f"at most {f'{minutes} min ' if minutes else ''}{seconds} s left"


def _resolvable(ready: Event) -> str:
    if ready["resolvable"] is None:
        return "the pilot cannot tell yet what this machine can resolve"
    percent = math.ceil(round(100 * ready["resolvable"], 6))
    return f"it can resolve {percent}% or more on this machine"
