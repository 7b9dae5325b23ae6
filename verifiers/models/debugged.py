"""The model that is debugged in each framework, and what a debugger shows of it at one line and the next."""

from dataclasses import dataclass
from typing import Any

from models.debugger import Debugger, place, printed_list

IMAGES = [[1.0, -2.0], [3.0, 4.0]]
WEIGHT = [[1.0, 0.5], [-1.0, 2.0], [0.0, 1.0]]
BIAS = [0.5, 0.0, -1.0]
# images @ transposed weight + bias, row by row, by hand; each number is exact in float32.
HIDDEN = [0.5, -5.0, -3.0, 5.5, 5.0, 3.0]
SCORES = [max(number, 0.0) for number in HIDDEN]


@dataclass(frozen=True)
class Sight:
    """What pdb showed where it stood, before and after one `next`.

    Attributes
    ----------
    line, function : int, str
        Where it stood, None where it named no place.
    shape, value : list
        Of the tensor `hidden`, which the line before had assigned, flat; None where pdb printed none.
    steps : bool
        Whether `next` went to the next line of the same function.
    scores_appear : bool
        Whether `scores`, which that line assigns, was unknown before `next` and had its right numbers then.
    """

    line: int | None
    function: str | None
    shape: list[Any] | None
    value: list[Any] | None
    steps: bool
    scores_appear: bool


def line_of(script: str, text: str) -> int:
    """Return the number of the first line that has a text."""
    return next(number for number, line in enumerate(script.splitlines(), 1) if text in line)


def look(pdb: Debugger, shown: str, numbers: str) -> Sight:
    """Read `hidden` where pdb stopped, step, and read `scores`.

    Parameters
    ----------
    shown : str
        What pdb printed when it stopped.
    numbers : str
        How the framework's user gets a tensor's numbers as a flat list: `{}.flatten().tolist()`.
    """
    line, function = place(shown)
    shape = printed_list(pdb.ask("p list(hidden.shape)"))
    value = printed_list(pdb.ask(f"p {numbers.format('hidden')}"))
    too_early = printed_list(pdb.ask(f"p {numbers.format('scores')}"))
    after = place(pdb.ask("n"))
    scores = printed_list(pdb.ask(f"p {numbers.format('scores')}"))
    stepped = line is not None and after == (line + 1, function)
    return Sight(line, function, shape, value, stepped, too_early is None and scores == SCORES)
