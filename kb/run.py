"""One run under way: its plan, its processes, and what it has measured so far."""

import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from kb.effects import SIDES, Sample
from kb.errors import KbError
from kb.plan import Plan
from kb.processes import Worker, padding
from kb.words import Budget

REQUEST_SECONDS = {Budget.SMOKE: 120.0, Budget.QUICK: 120.0, Budget.NORMAL: 300.0, Budget.DEEP: 600.0}
PATIENCE = "KB_REQUEST_SECONDS"
NANO = 1e9
Report: TypeAlias = Callable[[dict[str, Any]], None]
Slot: TypeAlias = tuple[str, str]
"""A side and an arm."""


@dataclass
class Measurement:
    """What a run measured.

    Attributes
    ----------
    plan : Plan
        As it was carried out: without the arms that are not to be had here.
    samples : list of Sample
        Every burst, or every weighed process.
    parity : list of str
        Differences that the parity gate found; empty if it passed.
    settings : dict
        Per arm, what was in force as the framework reports it.
    pilot : dict
        Warm-up and cost of each arm, from a pair that is not judged.
    partner_cpu : float
        Largest share of a core that the waiting partner used during a burst.
    interrupted : bool
        Whether the user stopped it.
    seconds : dict
        Wall time in all, in bursts, and in starting, warming and ending processes.
    """

    plan: Plan
    samples: list[Sample] = field(default_factory=list)
    parity: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    pilot: dict[str, Any] = field(default_factory=dict)
    partner_cpu: float = 0.0
    interrupted: bool = False
    seconds: dict[str, float] = field(default_factory=lambda: {"wall": 0.0, "bursts": 0.0, "processes": 0.0})


def request_seconds(budget: Budget) -> float:
    """Return how long a worker may take for one request: `KB_REQUEST_SECONDS`, or by the budget.

    Raises
    ------
    KbError
        Where the variable holds no positive number.
    """
    text = os.environ.get(PATIENCE, str(REQUEST_SECONDS[budget]))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        message = f"{PATIENCE}: found {text!r}, expected a number of seconds above 0"
        raise KbError(message)
    return seconds


class Run:
    """One run under way."""

    def __init__(self, plan: Plan, verifier: Path, report: Report) -> None:
        self.measured = Measurement(plan)
        self.verifier, self.report = verifier, report
        self.token = secrets.token_hex(8)
        self.order = random.Random(plan.seed)  # noqa: S311 - an order that can be drawn again, no secret
        self.began = time.monotonic()
        self.declaration: dict[str, Any] = {}

    @property
    def plan(self) -> Plan:
        """The plan as it is being carried out."""
        return self.measured.plan

    def start(self) -> Worker:
        """Start a fresh process that hosts the verifier."""
        plan = self.plan
        seconds = request_seconds(plan.budget)
        return Worker(self.verifier, self.token, plan.threads, plan.device, seconds, padding(self.order))

    @contextmanager
    def pair(self) -> Iterator[dict[str, Worker]]:
        """Start the two processes of a block, and end them."""
        workers: dict[str, Worker] = {}
        with ExitStack() as stack:
            for side in SIDES:
                workers[side] = self.start()
                stack.callback(workers[side].close)
            yield workers

    def slots(self) -> list[Slot]:
        """Return every side and arm that the pairs name, once."""
        found = {(side, pair[index]) for pair in self.plan.pairs for index, side in enumerate(SIDES)}
        return sorted(found)

    def cell(self, arm: str, place: int) -> dict[str, Any]:
        """Return the arguments of `kb.verifier.Cell` for an arm at a place of the plan."""
        plan = self.plan
        return {
            "arm": arm,
            "settings": plan.settings[place],
            "threads": plan.threads,
            "device": plan.device,
            "seed": plan.seed,
        }

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self.began
