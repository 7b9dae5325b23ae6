"""Progress: what a waiting user sees, on a real pseudo-terminal and in a log."""

import io
import os
import pty
import re
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.progress import Progress

CELL = {
    "settings": {"batch": 1}, "of": "a/x", "against": "b/x",
    "estimate": 1.25, "interval": [1.2, None], "blocks": 7, "deciding": True,
}  # fmt: skip
BLOCK = {
    "event": "block", "block": 8, "control": False, "estimate": 1.25, "interval": [1.2, None], "verdict": "inconclusive",
    "reason": "precision", "seconds": 40.0, "budget": 180.0, "blocks": 7, "cells": [CELL],
}  # fmt: skip
PILOT = {"event": "pilot", "arms": ["a/x", "b/x"]}
READY = {
    "event": "ready",
    "blocks": 14,
    "rounds": 4,
    "warm_steps": 3,
    "block_seconds": 9.5,
    "resolvable": 0.06,
}
CONTROL = "\x1b[2Jb\n"


def cells(number, **changed):
    return [{**CELL, "settings": {"batch": 2**each}, **changed} for each in range(number)]


class Screen:
    """What a terminal shows that wraps long lines, and wraps them anew when it is resized."""

    def __init__(self, columns, height):
        self.columns, self.height, self.lines, self.cursor = columns, height, [""], None

    def rows(self):
        return [
            line[start : start + self.columns]
            for line in self.lines
            for start in range(0, max(1, len(line)), self.columns)
        ]

    def feed(self, text):
        for number, letter, other in re.findall(r"\x1b\[(\d*)([A-Za-z])|([^\x1b])", text):
            rows = self.rows()
            if letter == "A":
                self.cursor = max(0, len(rows) - self.height, len(rows) - 1 - int(number))
            elif letter == "J":
                self.lines, self.cursor = [*rows[: self.cursor], ""], None
            elif other == "\n":
                self.lines.append("")
            elif other not in ("", "\r"):
                self.lines[-1] += other


class Terminal:
    """A pseudo-terminal with what it shows."""

    def __init__(self, columns=100, height=24):
        self.master, self.slave = pty.openpty()
        self.stream = open(self.slave, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        self.screen, self.raw = Screen(columns, height), ""
        self.resize(columns)
        self.stream.write("$\n")

    def resize(self, columns):
        self.screen.columns = columns
        termios.tcsetwinsize(self.slave, (self.screen.height, columns))

    def rows(self):
        """Return the rows once all that was written has arrived."""
        self.stream.write("\0")
        self.stream.flush()
        read = b""
        while not read.endswith(b"\0"):
            read += os.read(self.master, 1 << 16)
        text = read.decode()[:-1]
        self.raw += text
        self.screen.feed(text)
        return self.screen.rows()

    def close(self):
        self.stream.close()
        os.close(self.master)


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that opens a pseudo-terminal of some size."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    opened = []

    def make(*size):
        opened.append(Terminal(*size))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def logged(*events, **options):
    stream = io.StringIO()
    progress = Progress("a-claim", stream, **options)
    for event in events:
        progress(event)
    progress.end()
    return stream.getvalue()


# ------------------------------------------------------------------------------------------------------ in a log


def test_a_log_gets_a_line_an_event():
    assert logged(
        PILOT, READY, BLOCK, {**BLOCK, "block": 9, "control": True, "seconds": 155.2}
    ).splitlines() == [
        "a-claim: starting 2 arms and holding their outputs against each other",
        "a-claim: the budget allows about 14 blocks; it can resolve 6% or more on this machine",
        "a-claim: block 8 of at most 14: 1.25 [1.2, ..] inconclusive, at most 2 min 20 s left",
        "a-claim: block 9 of at most 14 (control): 1.25 [1.2, ..] inconclusive, at most 25 s left",
    ]


def test_what_the_pilot_cannot_tell_is_not_told():
    assert logged({**READY, "blocks": 1, "resolvable": None}).endswith(
        "the budget allows about 1 block; the pilot cannot tell yet what this machine can resolve\n"
    )


def test_what_can_be_resolved_is_rounded_to_the_careful_side():
    assert "resolve 7% or more" in logged({**READY, "resolvable": 0.061})


def test_a_pilot_that_guessed_too_few_blocks_is_not_repeated():
    assert "block 15: 1.25" in logged(READY, {**BLOCK, "block": 15})


def test_a_probe_is_announced_and_an_unknown_event_passed_over():
    assert logged({"event": "probe"}, {"event": "unheard-of"}) == "a-claim: running the verifier\n"


def test_quiet_is_silent(terminal):
    assert logged(PILOT, READY, BLOCK, quiet=True) == ""
    seen = terminal()
    progress = Progress("a-claim", seen.stream, quiet=True)
    progress(BLOCK)
    progress.end()
    assert seen.rows() == ["$", ""]


def test_a_reader_that_has_gone_does_not_end_the_run():
    reading, writing = os.pipe()
    os.close(reading)
    stream = open(writing, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    progress = Progress("a-claim", stream)
    progress(PILOT)
    progress(BLOCK)
    progress.end()
    assert progress.quiet
    with pytest.raises(BrokenPipeError):
        stream.close()


# ------------------------------------------------------------------------------------------------ on a terminal


@pytest.mark.parametrize("size", [(300, 50), (100, 24), (70, 24), (40, 12), (20, 6), (9, 3), (2, 2)])
def test_every_line_fits_and_nothing_is_left_at_the_end(terminal, size):
    seen = terminal(*size)
    seen.rows()
    progress = Progress("a-claim", seen.stream)
    events = [PILOT, READY, *({**BLOCK, "block": n, "cells": cells(80)} for n in range(1, 6))]
    for event in events:
        progress(event)
        rows = seen.rows()
        assert rows[0] == "$"
        below = seen.screen.lines[1:]
        assert len(below) <= min(2 + 12 + 1 + 1, size[1])
        assert max(map(len, below)) <= min(100, size[0] - 1)
    progress.end()
    assert seen.rows() == ["$", ""]


@pytest.mark.parametrize("widths", [(100, 40), (40, 100), (100, 15, 60, 7)])
def test_a_window_that_is_resized_is_left_clean(terminal, widths):
    seen = terminal(widths[0], 60)
    progress = Progress("a-claim", seen.stream)
    for width in widths:
        seen.resize(width)
        for number in range(3):
            progress({**BLOCK, "block": number, "cells": cells(5)})
            assert max(map(len, seen.rows())) <= width - 1
            assert len(seen.screen.lines) == 1 + 2 + 5 + 1
    seen.resize(30)
    progress.end()
    assert seen.rows() == ["$", ""]


def test_a_terminal_shows_the_claim_its_verdict_the_time_and_each_cell(terminal):
    seen = terminal()
    progress = Progress("a-claim", seen.stream)
    progress(READY)
    slower = {"estimate": 0.9, "interval": [0.85, 0.95], "deciding": False, "settings": {"batch": 64}}
    progress(
        {**BLOCK, "cells": [{**CELL, **slower}, CELL, {**CELL, "estimate": None, "interval": [None, None]}]}
    )
    assert seen.rows() == [
        "$",
        "a-claim: ? inconclusive (precision), 1.25 [1.2, ..]",
        "block 8 of at most 14, at most 2 min 20 s left; it can resolve 6% or more on this machine",
        "  batch 1            1.25 [1.2, ..]                  |          ├──●───────────",
        "  batch 1            - [.., ..]                      |",
        "  context: batch 64  0.9 [0.85, 0.95]      ├──●───┤  |",
        "",
    ]


def test_a_single_cell_is_named_in_full(terminal):
    seen = terminal()
    Progress("a-claim", seen.stream)(BLOCK)
    assert seen.rows()[3].startswith("  batch 1 a/x against b/x  1.25 [1.2, ..]")


def test_cells_beyond_the_twelfth_are_counted_and_the_deciding_come_first(terminal):
    seen = terminal()
    many = [*cells(79, deciding=False), {**CELL, "of": "last/x"}]
    Progress("a-claim", seen.stream)({**BLOCK, "cells": many})
    rows = seen.rows()
    assert "last/x" in rows[3]
    assert "context" not in rows[3]
    assert len(rows) == 1 + 2 + 12 + 1 + 1
    assert rows[-2] == "  and 68 more cells"


def test_an_interval_is_seen_to_narrow(terminal):
    seen = terminal()
    progress = Progress("a-claim", seen.stream)
    lengths = []
    for spread in (0.4, 0.2, 0.1):
        progress({**BLOCK, "cells": [{**CELL, "interval": [1.45 - spread, 1.45 + spread], "estimate": 1.45}]})
        bar = re.search("├.*┤", seen.rows()[3])
        assert bar is not None
        lengths.append(len(bar[0]))
    assert lengths == sorted(set(lengths), reverse=True)


@pytest.mark.parametrize("setting", [None, "1"])
def test_the_verdict_has_its_colour_unless_none_is_wanted(terminal, monkeypatch, setting):
    if setting:
        monkeypatch.setenv("NO_COLOR", setting)
    seen = terminal()
    Progress("a-claim", seen.stream)({**BLOCK, "verdict": "supported"})
    seen.rows()
    assert ("\x1b[32m+ supported\x1b[0m" in seen.raw) is (setting is None)
    assert ("\x1b" in seen.raw) is (setting is None)


def test_a_terminal_without_cursor_movement_gets_plain_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    seen = terminal()
    progress = Progress("a-claim", seen.stream)
    progress(PILOT)
    progress(BLOCK)
    progress.end()
    assert len(seen.rows()) == 4
    assert "\x1b" not in seen.raw


def test_a_terminal_without_unicode_gets_bars_of_ascii(terminal):
    seen = terminal()
    seen.stream.reconfigure(encoding="ascii", errors="strict")
    Progress("a-claim", seen.stream)({**BLOCK, "cells": [{**CELL, "interval": [1.1, 1.4]}]})
    assert re.search(r"\[-+o-+\]", seen.rows()[3])


numbers = st.none() | st.floats(1e-9, 1e9)
any_cell = st.builds(
    lambda estimate, low, high, value, deciding: {
        **CELL,
        "estimate": estimate,
        "interval": [low, high],
        "settings": {"size": value},
        "deciding": deciding,
    },
    numbers, numbers, numbers, st.text(max_size=60) | st.just(CONTROL) | st.integers(), st.booleans(),
)  # fmt: skip


@given(
    st.lists(any_cell, max_size=20),
    st.integers(1, 200),
    st.sampled_from(["refuted", "untested", "supported"]),
)
def test_whatever_the_cells_are_lines_fit_and_carry_no_control_characters(found, columns, verdict):
    seen = Terminal(columns, 60)
    try:
        before = seen.rows()
        progress = Progress("a-claim", seen.stream)
        progress({**BLOCK, "cells": found, "verdict": verdict})
        seen.rows()
        assert max(map(len, seen.screen.lines[1:])) <= max(1, min(100, columns - 1))
        assert len(seen.screen.lines) <= 1 + 2 + 12 + 1 + 1
        assert set(re.findall(r"\x1b\[\d*.|[\x00-\x09\x0b\x0c\x0e-\x1a\x7f-\x9f]", seen.raw)) <= {
            *(f"\x1b[{colour}m" for colour in (31, 32, 2, 0)),
        }
        progress.end()
        assert seen.rows() == before
    finally:
        seen.close()


def test_the_bars_of_all_cells_share_a_scale(terminal):
    seen = terminal()
    estimates = (0.5, 1.0, 2.0)
    found = [
        {**CELL, "settings": {"at": at}, "estimate": at, "interval": [at / 1.05, at * 1.05]}
        for at in estimates
    ]
    Progress("a-claim", seen.stream)({**BLOCK, "cells": found})
    columns = [row.index("●") for row in seen.rows()[3:6]]
    assert columns[1] - columns[0] == pytest.approx(columns[2] - columns[1], abs=1)
    assert seen.rows()[3].index("|") == columns[1]
