"""One comparison of arm B with arm A: what is asked of a tool, how its commands are run, what it found."""

import math
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, stdev

from work import VARIABLE, repetitions

HERE = Path(__file__).resolve().parent
COMMAND_STEPS = 50
"""Steps in one whole command: long against the start of a process, short against the budget."""
WITHIN = 0.05
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ToolFailure(Exception):
    """A tool ended otherwise than its documentation says; with the end of what it wrote."""


@dataclass
class Task:
    """One comparison to be made.

    Attributes
    ----------
    factor : float
        Work of arm B over that of arm A.
    budget : float
        Wall seconds for both arms together.
    folder : Path
        A fresh copy of `cases/`.
    peers : Path
        The Python that has the other tools.
    start, step : float
        Seconds that a process with numpy takes to start, and a step of arm A takes, measured beforehand; from
        them follow counts of those tools that take a count and not a time.
    seed : int
        Seed handed to tools that take one.
    spent : float
        Wall seconds of the tool's own commands so far.
    """

    factor: float
    budget: float
    folder: Path
    peers: Path
    start: float
    step: float
    seed: int
    spent: float = 0.0
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        home = {"HOME": str(self.folder), "PYTHONPATH": str(HERE), "ASV_PYTHONPATH": str(HERE)}
        self.environment = {**os.environ, **THREADS, **home, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def side_seconds(self, starts: float) -> float:
        """Return the measuring time left to a side after so many starts of a process in all."""
        return max(0.1, (self.budget - starts * self.start) / 2)


@dataclass(frozen=True)
class Found:
    """What a tool came to; ratios are the time of arm B over that of arm A.

    Attributes
    ----------
    rules : dict of str to str
        Answer of each decision rule.
    ratio : float
        The tool's own point estimate.
    measured : float
        Seconds inside timed work.
    sides : list of dict
        Count, mean, median, sd of each arm's values.
    interval : list of float or None
        Interval that the tool itself gives for the ratio.
    level : str
        What the tool says of that interval.
    reached : float or None
        Wall seconds until that interval was first within +-5% of its middle.
    reason : str
        Why there is no answer, where the tool says.
    """

    rules: dict[str, str]
    ratio: float | None
    measured: float
    sides: list[dict[str, float]]
    interval: list[float] | None = None
    level: str = ""
    reached: float | None = None
    reason: str = ""


Adapter = Callable[[Task], Found]


def execute(
    task: Task, command: Sequence[str | Path], factor: float = 1.0, accept: tuple[int, ...] = (0,)
) -> str:
    """Run a command in the task's folder with an arm's work in the environment; return all that it wrote."""
    began = time.monotonic()
    environment = {**task.environment, VARIABLE: str(repetitions(factor))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=task.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=6 * task.budget + 60,
    )
    task.spent += time.monotonic() - began
    if done.returncode not in accept:
        message = f"{command[1:4]} ended with {done.returncode}: {(done.stdout + done.stderr)[-400:]}"
        raise ToolFailure(message)
    return done.stdout + done.stderr


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return count, mean, median and standard deviation."""
    spread = stdev(values) if len(values) > 1 else 0.0
    return {"n": len(values), "mean": fmean(values), "median": median(values), "sd": spread}


def faster(a: float, b: float) -> str:
    """Name the arm with the lower time."""
    return "A" if a < b else "B"


def within(interval: Sequence[float | None] | None) -> bool:
    """Tell whether an interval reaches no further than 5% to either side of its middle, on a log scale."""
    if not interval or None in interval or not all(interval):
        return False
    low, high = interval
    return math.sqrt(high / low) <= 1 + WITHIN


def excludes_one(interval: Sequence[float | None] | None) -> str:
    """Name the arm that an interval of the ratio says is faster."""
    low, high = interval or (None, None)
    if low is not None and low > 1:
        return "A"
    return "B" if high is not None and high < 1 else "none"


def whole_command(task: Task, factor: float) -> list[str | Path]:
    """Return the command that runs an arm's steps in a process of its own, as hyperfine times it."""
    return [task.peers, HERE / "work.py", "steps", str(repetitions(factor)), str(COMMAND_STEPS)]
