"""A block: live fresh processes whose bursts alternate, or solo processes, weighed one by one."""

import time
from itertools import zip_longest
from typing import Any

from kb.effects import Sample
from kb.interference import Watch
from kb.processes import Worker
from kb.run import NANO, Run, Slot
from kb.verifier import Unavailable
from kb.watched import Watched

MOST_ROUNDS = 6
FIRST = 1
"""The first block; from the one before, the pilot's, and from it, first calls are noted."""
Replies = dict[tuple[Slot, int], dict[str, Any]]
"""What arms answered when they were opened and warmed, by slot and place."""


def time_block(run: Run, number: int) -> Replies:
    """Measure one block of bursts, in one set of fresh processes for each number of threads."""
    slots, found, replies = run.slots(number), list[Watched](), Replies()
    for threads, places in run.groups():
        began = time.monotonic()
        with run.processes(sorted({side for side, _ in slots}), threads) as workers:
            replies |= _prepare(run, workers, slots, places, together=number > FIRST)
            started = time.monotonic() - began
            found.append(alternate(run, workers, number, slots, places))
            ending = time.monotonic()
        run.measured.seconds["processes"] += started + time.monotonic() - ending
    if number >= FIRST:
        run.measured.watched.append(sum(found[1:], found[0]))
    return replies


def _prepare(
    run: Run, workers: dict[str, Worker], slots: list[Slot], places: list[int], together: bool
) -> Replies:
    """Open and warm every arm: the sides at the same time, or one by one where first calls are noted."""
    parts = [list(workers)] if together else [[side] for side in workers]
    replies = Replies()
    for sides in parts:
        replies |= _open_and_warm(run, {side: workers[side] for side in sides}, slots, places)
    for (slot, place), reply in replies.items():
        differs = run.observe(slot, place, reply["settings"])
        if differs and run.whole:
            raise Unavailable(differs[0])
    return replies


def _open_and_warm(run: Run, workers: dict[str, Worker], slots: list[Slot], places: list[int]) -> Replies:
    replies = Replies()
    asked = [
        [((side, arm), place) for place in places for side, arm in slots if side == own] for own in workers
    ]
    for turn in zip_longest(*asked):
        active = [each for each in turn if each is not None]
        for do in ("open", "warm"):
            for slot, place in active:
                workers[slot[0]].send(do, **_arguments(run, do, slot[1], place))
            for slot, place in active:
                replies.setdefault((slot, place), {}).update(workers[slot[0]].receive())
    return replies


def _arguments(run: Run, do: str, arm: str, place: int) -> dict[str, Any]:
    key = f"{arm}@{place}"
    if do == "open":
        return {"key": key, "cell": run.cell(arm, place)}
    return {"key": key, "steps": run.warm_steps.get(place, run.declaration["warm_steps"])}


def alternate(
    run: Run, workers: dict[str, Worker], number: int, slots: list[Slot], places: list[int]
) -> Watched:
    """Time all bursts of a block in their order, and watch the machine meanwhile."""
    bursts = _Bursts(run, workers, number)
    watch = Watch(bursts.used())
    for turn in range(run.rounds):
        order = list(places)
        if run.mirrored:
            run.order.shuffle(order)
        for place in order:
            drawn = _mirrored(run, slots) if run.mirrored else _alternated(slots, number + place)
            for position, slot in enumerate(drawn):
                bursts.time(slot, place, turn, position)
    return watch.end(number, bursts.used(), bursts.wall, bursts.partner, bursts.switches)


def _mirrored(run: Run, slots: list[Slot]) -> list[Slot]:
    """Draw an order of the arms and append its mirror image: ABBA, with which linear drift cancels."""
    order = list(slots)
    run.order.shuffle(order)
    return order + order[::-1]


def _alternated(slots: list[Slot], turn: int) -> list[Slot]:
    return slots[::-1] if turn % 2 else slots


class _Bursts:
    """The bursts of one set of processes, and what is summed over them."""

    def __init__(self, run: Run, workers: dict[str, Worker], number: int) -> None:
        self.run, self.workers, self.number = run, workers, number
        self.wall = self.partner = self.switches = 0

    def used(self) -> list[int]:
        """Return the processor time of every process so far, in ns."""
        return [worker.cpu() for worker in self.workers.values()]

    def time(self, slot: Slot, place: int, turn: int, position: int) -> None:
        """Time one burst while the other processes wait."""
        side, arm = slot
        measured = self.run.measured
        key = f"{arm}@{place}"
        steps = int(measured.pilot[key]["burst_steps"])
        waiting = [worker for other, worker in self.workers.items() if other != side]
        before = sum(worker.cpu() for worker in waiting)
        reply = self.workers[side].ask("burst", key=key, steps=steps)
        self.partner += sum(worker.cpu() for worker in waiting) - before
        cost, cpu = int(reply["cost"]), int(reply["cpu"])
        start = int(reply["start"] - self.run.began * NANO)
        kept = measured.samples if self.number >= FIRST else measured.trial
        kept.append(Sample(self.number, place, turn, position, side, arm, steps, cost, cpu, start))
        measured.seconds["bursts"] += cost / NANO
        self.wall += cost
        self.switches += int(reply["switches"])


def weigh_block(run: Run, number: int) -> None:
    """Weigh every arm in a process of its own, alone on the machine, in an order drawn for the block."""
    steps = run.declaration["min_steps"]
    for place in run.places():
        order = run.slots(number)
        run.order.shuffle(order)
        for position, (side, arm) in enumerate(order):
            began = time.monotonic()
            worker = run.start(run.plan.threads_at(place))
            try:
                reply = worker.ask("weigh", cell=run.cell(arm, place), steps=steps)
            finally:
                worker.close()
            run.observe((side, arm), place, reply["settings"])
            weighed = {"block": number, "place": place, "side": side, "arm": arm, **reply["weighed"]}
            run.measured.weighed.append(weighed)
            run.measured.seconds["bursts"] += time.monotonic() - began
            start = int(reply["start"] - run.began * NANO)
            cost, cpu = int(reply["cost"]), int(reply["cpu"])
            run.measured.samples.append(Sample(number, place, 0, position, side, arm, 1, cost, cpu, start))
