"""Progress on standard error while a measurement runs: one line that is rewritten on a terminal."""

from typing import Any, TextIO


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
        self.live = stream.isatty()

    def __call__(self, event: dict[str, Any]) -> None:
        """Show an event."""
        if self.quiet:
            return
        text = f"{self.claim}: {_words(event)}"
        self.stream.write(f"\r\033[K{text[:99]}" if self.live else text + "\n")
        self.stream.flush()

    def end(self) -> None:
        """Leave the line."""
        if self.live and not self.quiet:
            self.stream.write("\r\033[K")
            self.stream.flush()


def _words(event: dict[str, Any]) -> str:
    if event["event"] == "pilot":
        arms = event["arms"]
        return f"starting {len(arms)} arms and holding their outputs against each other"
    if event["event"] == "probe":
        return "running the verifier"
    low, high = event["interval"]
    shown = f"{event['estimate']:.4g}" if event["estimate"] is not None else "-"
    bounds = f"[{'..' if low is None else f'{low:.4g}'}, {'..' if high is None else f'{high:.4g}'}]"
    left = max(0.0, event["budget"] - event["seconds"])
    return f"block {event['block']}: {shown} {bounds} {event['verdict']}, at most {left:.0f} s left"
