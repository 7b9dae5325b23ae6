"""The paired runner: blocks of two live fresh processes whose bursts alternate, until the verdict is settled.

It repeats, interleaves, isolates and records. It does not judge: it asks `kb.verdict.judge` whether to go on.
"""

import math
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kb.effects import SIDES, Sample
from kb.parity import differences
from kb.plan import Plan
from kb.processes import Worker, padding, sweep
from kb.verdict import Judgement, judge
from kb.verifier import Unavailable
from kb.words import Budget, Quantifier, Reason, Verdict

MOST_ROUNDS = 6
REQUEST_SECONDS = {Budget.SMOKE: 120.0, Budget.QUICK: 120.0, Budget.NORMAL: 300.0, Budget.DEEP: 600.0}
NANO = 1e9
Report = Callable[[dict[str, Any]], None]
Slot = tuple[str, str]
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
        Wall time in all, in bursts, and in starting and warming processes.
    """

    plan: Plan
    samples: list[Sample] = field(default_factory=list)
    parity: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    pilot: dict[str, Any] = field(default_factory=dict)
    partner_cpu: float = 0.0
    interrupted: bool = False
    seconds: dict[str, float] = field(default_factory=lambda: {"wall": 0.0, "bursts": 0.0, "starting": 0.0})


class _Run:
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
        return self.measured.plan

    def start(self) -> Worker:
        plan = self.plan
        seconds = REQUEST_SECONDS[plan.budget]
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
        plan = self.plan
        return {
            "arm": arm,
            "settings": plan.settings[place],
            "threads": plan.threads,
            "device": plan.device,
            "seed": plan.seed,
        }

    def elapsed(self) -> float:
        return time.monotonic() - self.began


def measure(plan: Plan, verifier: Path, report: Report) -> Measurement:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
        What to measure.
    verifier : Path
        The script.
    report : callable
        Called with an event after the pilot and after each block.

    Raises
    ------
    Unavailable
        Where an arm that a typical claim is decided by lacks what it needs.
    VerifierFault
        Where the verifier crashed, hung or answered rubbish.
    """
    run = _Run(plan, verifier, report)
    try:
        with run.pair() as workers:
            run.declaration = workers["of"].ask("describe")
            weighing = run.declaration["does"] == "weighs"
            _pilot(run, workers, weighing)
        if not run.measured.parity:
            _blocks(run, _weigh_block if weighing else _time_block)
    except KeyboardInterrupt:
        run.measured.interrupted = True
    finally:
        sweep(run.token)
        run.measured.seconds["wall"] = run.elapsed()
    return run.measured


def _pilot(run: _Run, workers: dict[str, Worker], weighing: bool) -> None:
    """Open every arm once, hold the arms against each other, and learn what their steps cost."""
    lacking: dict[str, str] = {}
    run.report({"event": "pilot", "arms": [arm for _, arm in run.slots()]})
    for place in range(len(run.plan.settings)):
        outputs: dict[Slot, Any] = {}
        for side, arm in run.slots():
            if arm in lacking:
                continue
            try:
                outputs[side, arm] = _open(run, workers[side], arm, place, weighing)
            except Unavailable as missing:
                lacking[arm] = str(missing)
        run.measured.parity.extend(_compare(run, outputs, place))
    if lacking:
        _drop(run, lacking)
    run.measured.seconds["starting"] += run.elapsed()


def _open(run: _Run, worker: Worker, arm: str, place: int, weighing: bool) -> dict[str, Any]:
    key = f"{arm}@{place}"
    opened = worker.ask("open", key=key, cell=run.cell(arm, place))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "outputs.npz")
        worker.ask("outputs", key=key, path=path)
        with np.load(path, allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
    warmed = {} if weighing else worker.ask("warm", key=key, steps=run.declaration["warm_steps"])
    run.measured.settings[arm] = worker.ask("settings", key=key)["settings"]
    run.measured.pilot[key] = {**opened, **warmed, "burst_steps": _burst_steps(run, warmed)}
    return arrays


def _burst_steps(run: _Run, warmed: dict[str, Any]) -> int:
    least = int(run.declaration["min_steps"])
    typical = warmed.get("typical_ns")
    return max(least, math.ceil(run.plan.burst_seconds * NANO / typical)) if typical else least


def _compare(run: _Run, outputs: dict[Slot, Any], place: int) -> list[str]:
    """Hold every arm against the first; being equal is transitive up to the tolerance."""
    slots = sorted(outputs, key=lambda slot: slot[0] != "against")
    rtol, atol = run.declaration["rtol"], run.declaration["atol"]
    return [
        f"{slot[1]} against {slots[0][1]} at {run.plan.settings[place]}: {difference}"
        for slot in slots[1:]
        for difference in differences(outputs[slot], outputs[slots[0]], rtol, atol)
    ]


def _drop(run: _Run, lacking: dict[str, str]) -> None:
    narrowed = run.plan.without(lacking)
    decides_alone = run.plan.quantifier is Quantifier.TYPICAL and narrowed.narrowed()
    if decides_alone or not narrowed.deciding:
        raise Unavailable("; ".join(narrowed.dropped))
    run.measured.plan = narrowed


def _blocks(run: _Run, block: Callable[[_Run, int], None]) -> None:
    """Measure blocks until the verdict is settled, the budget ends, or there are enough."""
    longest = 0.0
    for number in range(1, run.plan.most_blocks + 1):
        began = time.monotonic()
        if run.plan.budget is not Budget.SMOKE and run.elapsed() + longest > run.plan.seconds:
            return
        block(run, number)
        longest = max(longest, time.monotonic() - began)
        judgement = judge(run.plan, run.measured.samples)
        run.report(
            {
                "event": "block",
                "block": number,
                "estimate": judgement.estimate,
                "interval": judgement.interval,
                "verdict": judgement.verdict.value,
                "reason": judgement.reason.value,
                "seconds": run.elapsed(),
                "budget": run.plan.seconds,
            }
        )
        if settled(judgement):
            return


def settled(judgement: Judgement) -> bool:
    """Tell whether every question of the claim has its verdict: the only early stop there is."""
    decided = (Verdict.SUPPORTED, Verdict.REFUTED)
    readings = all(reading["verdict"] in decided for reading in judgement.readings)
    return (
        judgement.reason in (Reason.INSIDE_REGION, Reason.OUTSIDE_REGION)
        and judgement.direction.verdict in decided
        and readings
    )


def _time_block(run: _Run, number: int) -> None:
    began = time.monotonic()
    with run.pair() as workers:
        _prepare(run, workers)
        run.measured.seconds["starting"] += (started := time.monotonic() - began)
        fits = started / max(_round_seconds(run), 1e-3)
        mirrored = run.declaration["order"] == "mirrored"
        rounds = max(1, min(MOST_ROUNDS, int(fits))) if mirrored else 1
        for place in range(len(run.plan.settings)):
            for turn in range(rounds):
                order = _mirrored(run) if mirrored else _alternated(run, number + place)
                for position, slot in enumerate(order):
                    _burst(run, workers, (number, place, turn, position), slot)


def _prepare(run: _Run, workers: dict[str, Worker]) -> None:
    """Open and warm every arm; the two sides prepare at the same time, since nothing is timed yet."""
    warm = run.declaration["warm_steps"]
    asked: dict[str, list[tuple[str, dict[str, Any]]]] = {side: [] for side in SIDES}
    for place in range(len(run.plan.settings)):
        for side, arm in run.slots():
            key = f"{arm}@{place}"
            asked[side].append(("open", {"key": key, "cell": run.cell(arm, place)}))
            asked[side].append(("warm", {"key": key, "steps": warm}))
    for step in range(max(len(requests) for requests in asked.values())):
        active = [side for side in SIDES if step < len(asked[side])]
        for side in active:
            do, arguments = asked[side][step]
            workers[side].send(do, **arguments)
        for side in active:
            workers[side].receive()


def _round_seconds(run: _Run) -> float:
    """Return what one round of all cells is expected to take, from the pilot."""
    costs = [
        run.measured.pilot[f"{arm}@{place}"]
        for place in range(len(run.plan.settings))
        for _, arm in run.slots()
    ]
    return 2 * sum(cost["typical_ns"] * cost["burst_steps"] for cost in costs) / NANO


def _mirrored(run: _Run) -> list[Slot]:
    """Draw an order of the arms and append its mirror image: ABBA, with which linear drift cancels."""
    order = run.slots()
    run.order.shuffle(order)
    return order + order[::-1]


def _alternated(run: _Run, turn: int) -> list[Slot]:
    order = run.slots()
    return order[::-1] if turn % 2 else order


def _burst(run: _Run, workers: dict[str, Worker], at: tuple[int, int, int, int], slot: Slot) -> None:
    side, arm = slot
    block, place, turn, position = at
    partner = workers[SIDES[1 - SIDES.index(side)]]
    key = f"{arm}@{place}"
    steps = run.measured.pilot[key]["burst_steps"]
    idle = partner.ask("cpu")["cpu"]
    reply = workers[side].ask("burst", key=key, steps=steps)
    idle = partner.ask("cpu")["cpu"] - idle
    cost = int(reply["cost"])
    start = int(reply["start"] - run.began * NANO)
    run.measured.samples.append(
        Sample(block, place, turn, position, side, arm, steps, cost, int(reply["cpu"]), start)
    )
    run.measured.partner_cpu = max(run.measured.partner_cpu, idle / cost)
    run.measured.seconds["bursts"] += cost / NANO


def _weigh_block(run: _Run, number: int) -> None:
    """Weigh every arm in a process of its own, alone on the machine, in an order drawn for the block."""
    steps = run.declaration["min_steps"]
    for place in range(len(run.plan.settings)):
        order = run.slots()
        run.order.shuffle(order)
        for position, (side, arm) in enumerate(order):
            began = time.monotonic()
            worker = run.start()
            try:
                reply = worker.ask("weigh", cell=run.cell(arm, place), steps=steps)
            finally:
                worker.close()
            run.measured.seconds["bursts"] += time.monotonic() - began
            start = int(reply["start"] - run.began * NANO)
            cost, cpu = int(reply["cost"]), int(reply["cpu"])
            run.measured.samples.append(Sample(number, place, 0, position, side, arm, 1, cost, cpu, start))


def probe(verifier: Path, budget: Budget, report: Report) -> tuple[dict[str, Any], str]:
    """Run a probing verifier once in a fresh process; return its finding and the end of its log.

    Raises
    ------
    Unavailable
        Where it lacks what it needs.
    VerifierFault
        Where it crashed, hung or answered rubbish.
    """
    token = secrets.token_hex(8)
    report({"event": "probe"})
    worker = Worker(verifier, token, 1, "cpu", REQUEST_SECONDS[budget])
    try:
        finding: dict[str, Any] = worker.ask("probe")["finding"]
        return finding, worker.log_end()
    finally:
        worker.close()
        sweep(token)
