"""One run under way: its plan, its processes, and what it has measured so far."""

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from kb.declared import declared, voids
from kb.effects import BESIDE, SIDES, Sample
from kb.errors import KbError
from kb.plan import THREADS, Plan
from kb.processes import OWN, Program, Worker, padding
from kb.watched import Watched
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
    watched : list of Watched
        What went on beside the bursts of each block.
    weighed : list of dict
        Of every weighed process, all that its memory meter told, in bytes.
    context : list of Sample
        Bursts of a second stage that takes in every cell and the arms beside; nothing is decided from them.
    trial : list of Sample
        Bursts of the pilot, which are not judged.
    parity : list of str
        Differences that the parity gate found; empty if it passed.
    voids : list of str
        Declared settings that were not in force; empty if all were.
    settings : dict
        Per arm (and its threads, where they are swept), what was in force as the framework reports it.
    pilot : dict
        Warm-up and cost of each arm and place, from processes that are not judged; and under `run` what the
        run could expect to resolve.
    first_calls : dict
        By `arm@place`: ns of import, build, first call with cold and with warm caches, and a typical step.
    interrupted : bool
        Whether the user stopped it.
    seconds : dict
        Wall time in all, in bursts, and in starting, warming and ending processes.
    """

    plan: Plan
    samples: list[Sample] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    weighed: list[dict[str, Any]] = field(default_factory=list)
    context: list[Sample] = field(default_factory=list)
    trial: list[Sample] = field(default_factory=list)
    parity: list[str] = field(default_factory=list)
    voids: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    pilot: dict[str, Any] = field(default_factory=dict)
    first_calls: dict[str, dict[str, int]] = field(default_factory=dict)
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
    """One run under way.

    Attributes
    ----------
    rounds : int
        ABBA groups a block, as the pilot chose.
    warm_steps : dict of int to int
        Steps before the first burst, by place; the same for all arms of a place.
    whole : bool
        Whether all cells and the arms beside are measured, or only the cells that decide.
    """

    def __init__(
        self,
        plan: Plan,
        verifier: Path,
        report: Report,
        token: str,
        caches: Path,
        whole: bool = False,
        program: Program = OWN,
    ) -> None:
        self.measured = Measurement(plan)
        self.verifier, self.report, self.caches, self.whole = verifier, report, caches, whole
        self.program, self.token = program, token
        self.order = random.Random(plan.seed)  # noqa: S311 - an order that can be drawn again, no secret
        self.began = time.monotonic()
        self.declaration: dict[str, Any] = {}
        self.rounds = 1
        self.warm_steps: dict[int, int] = {}

    @property
    def plan(self) -> Plan:
        """The plan as it is being carried out."""
        return self.measured.plan

    @property
    def mirrored(self) -> bool:
        """Whether bursts run in an order and its mirror image."""
        return bool(self.declaration["order"] == "mirrored")

    def start(self, threads: int) -> Worker:
        """Start a fresh process that hosts the verifier."""
        plan = self.plan
        seconds = request_seconds(plan.budget)
        padded = padding(self.order)
        found = (self.verifier, self.token, threads, plan.device, seconds, self.caches)
        return Worker(*found, padded, self.program)

    @contextmanager
    def processes(self, sides: Iterable[str], threads: int) -> Iterator[dict[str, Worker]]:
        """Start one process a side, and end them."""
        workers: dict[str, Worker] = {}
        with ExitStack() as stack:
            for side in sides:
                workers[side] = self.start(threads)
                stack.callback(workers[side].close)
            yield workers

    def slots(self, number: int = 0) -> list[Slot]:
        """Return every side with the arms that its process hosts in the block of this number.

        In a control block both processes of the pair host the arms of one side, each side in its turn.
        """
        plan = self.plan
        pairs = plan.pairs if self.whole else plan.deciding_pairs()
        if plan.is_control(number):
            index = number // plan.control_every % 2
            arms = {pair[index] for pair in pairs}
            return sorted((side, arm) for side in SIDES for arm in arms)
        found = {(side, pair[index]) for pair in pairs for index, side in enumerate(SIDES)}
        return sorted(found) + [(BESIDE, arm) for arm in plan.beside if self.whole]

    def places(self) -> list[int]:
        """Return the places of the plan that are measured."""
        plan = self.plan
        return list(range(len(plan.settings))) if self.whole else sorted({at for at, _ in plan.deciding})

    def groups(self) -> list[tuple[int, list[int]]]:
        """Return the places that one set of processes can serve: those with the same threads."""
        plan, places = self.plan, self.places()
        counts = sorted({plan.threads_at(place) for place in places})
        return [(count, [at for at in places if plan.threads_at(at) == count]) for count in counts]

    def cell(self, arm: str, place: int) -> dict[str, Any]:
        """Return the arguments of `kb.verifier.Cell` for an arm at a place of the plan."""
        plan = self.plan
        return {
            "arm": arm,
            "settings": plan.settings[place],
            "threads": plan.threads_at(place),
            "device": plan.device,
            "seed": plan.seed,
        }

    def observe(self, slot: Slot, place: int, observed: dict[str, Any]) -> list[str]:
        """Hold what an arm reports against what was declared, and against what it reported before.

        What differs voids the run, unless nothing is decided from the arm. It is returned, too.
        """
        _, arm = slot
        swept = f" with {self.plan.threads_at(place)} threads" if THREADS in self.plan.settings[place] else ""
        before = self.measured.settings.setdefault(arm + swept, observed)
        found = voids(arm, declared(self.plan, place), observed) + voids(arm, before, observed)
        if not self.whole:
            self.measured.voids.extend(each for each in found if each not in self.measured.voids)
        return found

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self.began

    def spent(self, ahead: float = 0.0) -> bool:
        """Tell whether the budget has ended, or would within the seconds ahead; a smoke run's never does."""
        return self.plan.budget is not Budget.SMOKE and self.elapsed() + ahead > self.plan.seconds
