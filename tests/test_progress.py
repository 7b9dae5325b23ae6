"""Progress: what a waiting user sees."""

import io

from kb.progress import Progress

BLOCK = {
    "event": "block", "block": 8, "estimate": 1.25, "interval": [1.2, None], "verdict": "inconclusive",
    "reason": "precision", "seconds": 40.0, "budget": 180.0,
}  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_an_event():
    stream = io.StringIO()
    progress = Progress("a-claim", stream)
    progress({"event": "pilot", "arms": ["a/x", "b/x"]})
    progress(BLOCK)
    progress.end()
    assert stream.getvalue().splitlines() == [
        "a-claim: starting 2 arms and holding their outputs against each other",
        "a-claim: block 8: 1.25 [1.2, ..] inconclusive, at most 140 s left",
    ]


def test_a_terminal_gets_one_line_that_is_rewritten_and_removed():
    stream = Terminal()
    progress = Progress("a-claim", stream)
    progress(BLOCK)
    progress.end()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")


def test_quiet_is_silent():
    stream = Terminal()
    progress = Progress("a-claim", stream, quiet=True)
    progress(BLOCK)
    progress.end()
    assert stream.getvalue() == ""
