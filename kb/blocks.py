"""A block: two live fresh processes whose bursts alternate, or solo processes, weighed one by one."""

import time
from typing import Any

from kb.effects import SIDES, Sample
from kb.processes import Worker
from kb.run import NANO, Run, Slot

MOST_ROUNDS = 6


def time_block(run: Run, number: int) -> None:
    """Measure one block of bursts; as many rounds as fit in the time that its processes took to start."""
    began = time.monotonic()
    with run.pair() as workers:
        _prepare(run, workers)
        started = time.monotonic() - began
        _alternate(run, workers, number, started)
        ending = time.monotonic()
    run.measured.seconds["processes"] += started + time.monotonic() - ending


def _alternate(run: Run, workers: dict[str, Worker], number: int, started: float) -> None:
    """Time all bursts of a block in their order."""
    mirrored = run.declaration["order"] == "mirrored"
    fits = started / max(_round_seconds(run), 1e-3)
    rounds = max(1, min(MOST_ROUNDS, int(fits))) if mirrored else 1
    for place in range(len(run.plan.settings)):
        for turn in range(rounds):
            order = _mirrored(run) if mirrored else _alternated(run, number + place)
            for position, slot in enumerate(order):
                _burst(run, workers, (number, place, turn, position), slot)


def _prepare(run: Run, workers: dict[str, Worker]) -> None:
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


def _round_seconds(run: Run) -> float:
    """Return what one round of all cells is expected to take, from the pilot."""
    costs = [
        run.measured.pilot[f"{arm}@{place}"]
        for place in range(len(run.plan.settings))
        for _, arm in run.slots()
    ]
    return 2 * sum(int(cost["typical_ns"]) * int(cost["burst_steps"]) for cost in costs) / NANO


def _mirrored(run: Run) -> list[Slot]:
    """Draw an order of the arms and append its mirror image: ABBA, with which linear drift cancels."""
    order = run.slots()
    run.order.shuffle(order)
    return order + order[::-1]


def _alternated(run: Run, turn: int) -> list[Slot]:
    order = run.slots()
    return order[::-1] if turn % 2 else order


def _burst(run: Run, workers: dict[str, Worker], at: tuple[int, int, int, int], slot: Slot) -> None:
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


def weigh_block(run: Run, number: int) -> None:
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
