"""The pilot of a run: the parity gate, how long to warm up, what steps cost, and what the budget can resolve.

Nothing of it is judged.
"""

import math
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from kb.blocks import MOST_ROUNDS, Replies, alternate, time_block
from kb.effects import BESIDE, SIDES, Costs
from kb.parity import differences
from kb.processes import Worker
from kb.resolution import rounds_per_block, smallest_effect, variances
from kb.run import NANO, Run, Slot
from kb.steadiness import settled_after
from kb.verifier import Unavailable
from kb.words import Budget, Quantifier, Reason

WARM_STEPS = 200
WARM_MARGIN = 1.5
TRIAL_ROUNDS = 2
TRIAL_SECONDS = 5.0
"""Rounds of a trial block are timed more than once only where one takes less than this."""
GATE, TRIAL = -1, 0
"""Numbers of the pilot's blocks: that of the parity gate, and that of a second set of processes."""


def gate(run: Run) -> None:
    """Open every arm once, hold the arms against each other, and learn what their steps cost.

    Where the budget ends before that, nothing more is opened, and nothing may be timed.
    """
    lacking: dict[str, Unavailable] = {}
    run.report({"event": "pilot", "arms": sorted({arm for _, arm in run.slots()})})
    for threads, places in run.groups():
        with run.processes(sorted({side for side, _ in run.slots()}), threads) as workers:
            run.declaration = workers[SIDES[0]].ask("describe")
            for place in places:
                _compare_at(run, workers, place, lacking)
            if lacking:
                _drop(run, lacking)
            if run.spent():
                return
            if run.plan.tuned:
                run.measured.plan = run.plan.with_fastest(_typical(run))
            failed = run.measured.parity or run.measured.voids
            if not (failed or _weighs(run) or run.whole or run.plan.budget is Budget.SMOKE):
                run.rounds = _trial_rounds(run)
                alternate(run, workers, GATE, run.slots(), places)


def foresee(run: Run) -> None:
    """Time a trial block in fresh processes, and from both choose rounds and tell what can be resolved."""
    run.rounds = _trial_rounds(run)
    began = run.elapsed()
    replies = time_block(run, TRIAL)
    cost = run.elapsed() - began
    note_first_calls(run, "cold", replies)
    within, between, wanted = _choose_rounds(run, cost)
    plan, turn = run.plan, _round_seconds(run)
    share = 1 - 1 / plan.control_every if plan.control_every else 1.0
    forecasts = []
    for rounds in range(1, wanted + 1):
        seconds = cost + (rounds - run.rounds) * turn
        blocks = min(plan.most_blocks, int((plan.deciding_seconds() - run.elapsed()) / seconds * share))
        deviation = math.sqrt(between + within / rounds)
        smallest = smallest_effect(blocks, deviation, plan.alpha)
        forecasts.append((math.inf if smallest is None else smallest, rounds, blocks, seconds))
    smallest, run.rounds, blocks, seconds = min(forecasts)
    found = {
        "blocks": max(blocks, 0),
        "rounds": run.rounds,
        "block_seconds": seconds,
        "resolvable": smallest if within and math.isfinite(smallest) else None,
    }
    run.measured.pilot["run"] = found
    run.report({"event": "ready", "warm_steps": max(run.warm_steps.values(), default=0), **found})


def note_first_calls(run: Run, caches: str, replies: Replies) -> None:
    """Keep what import, build and first call took, with compilers' caches `cold` or `warm`."""
    for ((_, arm), place), reply in replies.items():
        first = run.measured.first_calls.setdefault(f"{arm}@{place}", {})
        first[f"{caches}_ns"] = reply["first_ns"]
        if caches == "cold":
            names = ("import_ns", "build_ns", "typical_ns")
            first |= {name: reply[name] for name in names}


def _choose_rounds(run: Run, cost: float) -> tuple[float, float, int]:
    """Return the variance of a round within its block, of blocks, and the rounds a block should have."""
    if not run.mirrored:
        return 0.0, 0.0, 1
    costs = Costs(run.measured.trial)
    plan = run.plan
    parts = []
    for place, index in plan.deciding:
        of, against = zip(SIDES, plan.pairs[index], strict=True)
        logs = [costs.logs(block, place, of, against) for block in (GATE, TRIAL)]
        parts.append(variances([each for each in logs if each]))
    within, between = median(part[0] for part in parts), median(part[1] for part in parts)
    turn = _round_seconds(run)
    most = max(1, min(MOST_ROUNDS, int(cost / turn)))
    return within, between, rounds_per_block(cost - run.rounds * turn, turn, within, between, most)


def _round_seconds(run: Run) -> float:
    """Return what one round of all cells is expected to take."""
    pilot = run.measured.pilot
    keys = [f"{arm}@{place}" for place in run.places() for _, arm in run.slots()]
    known = [pilot[key] for key in keys if key in pilot]
    return float(2 * sum(cost["typical_ns"] * cost["burst_steps"] for cost in known) / NANO)


def _trial_rounds(run: Run) -> int:
    return TRIAL_ROUNDS if run.mirrored and _round_seconds(run) < TRIAL_SECONDS else 1


def _typical(run: Run) -> dict[str, float]:
    """Return what a step takes by `arm@place`, as far as it is known."""
    return {key: found["typical_ns"] for key, found in run.measured.pilot.items() if "typical_ns" in found}


def _weighs(run: Run) -> bool:
    return bool(run.declaration["does"] == "weighs")


def _compare_at(run: Run, workers: dict[str, Worker], place: int, lacking: dict[str, Unavailable]) -> None:
    outputs: dict[Slot, Any] = {}
    settled = [0]
    for side, arm in run.slots():
        if arm in lacking or run.spent():
            continue
        try:
            outputs[side, arm] = _open(run, workers[side], (side, arm), place, settled)
        except Unavailable as missing:
            lacking[arm] = missing
    least = int(run.declaration["warm_steps"])
    run.warm_steps[place] = max(least, math.ceil(WARM_MARGIN * max(settled)))
    if not _gated(run, place):
        return
    decide = {arm for pair in run.plan.deciding_pairs() for arm in pair}
    for (side, arm), found in _differences(run, outputs).items():
        if side == BESIDE or arm not in decide:
            lacking[arm] = Unavailable(f"computes something else: {found[0]}")
            continue
        settings = run.plan.settings[place]
        run.measured.parity.extend(f"{arm} at {settings}: {difference}" for difference in found)


def _gated(run: Run, place: int) -> bool:
    """Tell whether arms are compared at a place: everywhere, unless later places continue one training."""
    return place == 0 or run.mirrored


def _open(run: Run, worker: Worker, slot: Slot, place: int, settled: list[int]) -> dict[str, Any]:
    _, arm = slot
    key = f"{arm}@{place}"
    found = worker.ask("open", key=key, cell=run.cell(arm, place))
    arrays = _outputs(run, worker, key) if _gated(run, place) else {}
    if not _weighs(run):
        found |= _warm(run, worker, key, settled)
        differs = run.observe(slot, place, found.pop("settings"))
        if differs and run.whole:
            raise Unavailable(differs[0])
    if anatomy := worker.ask("anatomy", key=key)["anatomy"] if arrays else {}:
        found["anatomy"] = anatomy
    run.measured.pilot[key] = {**found, "burst_steps": _burst_steps(run, found)}
    return arrays


def _warm(run: Run, worker: Worker, key: str, settled: list[int]) -> dict[str, Any]:
    """Warm an arm up for longer than it should need, and note after how many steps it had settled."""
    least = int(run.declaration["warm_steps"])
    warmed = worker.ask("warm", key=key, steps=max(WARM_STEPS, least) if run.mirrored and least else least)
    after = settled_after(warmed.pop("times")[1:])
    settled.append(after or 0)
    return {**warmed, "settled_after": after}


def _outputs(run: Run, worker: Worker, key: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=run.caches) as folder:
        path = str(Path(folder) / "outputs.npz")
        worker.ask("outputs", key=key, path=path)
        with np.load(path, allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}


def _burst_steps(run: Run, found: dict[str, Any]) -> int:
    least = int(run.declaration["min_steps"])
    typical = found.get("typical_ns")
    return max(least, math.ceil(run.plan.burst_seconds * NANO / typical)) if typical else least


def _differences(run: Run, outputs: dict[Slot, Any]) -> dict[Slot, list[str]]:
    """Hold every arm against the first of the baseline; being equal is transitive up to the tolerance."""
    if not outputs:
        return {}
    first, *others = sorted(outputs, key=lambda slot: slot[0] != "against")
    rtol, atol = run.declaration["rtol"], run.declaration["atol"]
    found = {slot: differences(outputs[slot], outputs[first], rtol, atol) for slot in others}
    return {
        slot: [f"against {first[1]}: {each}" for each in unlike] for slot, unlike in found.items() if unlike
    }


def _drop(run: Run, lacking: dict[str, Unavailable]) -> None:
    narrowed = run.plan.without({arm: str(missing) for arm, missing in lacking.items()})
    decides_alone = run.plan.quantifier is Quantifier.TYPICAL and narrowed.narrowed()
    if decides_alone or not narrowed.deciding:
        decide = {arm for pair in run.plan.deciding_pairs() for arm in pair}
        reasons = sorted(missing.reason for arm, missing in lacking.items() if arm in decide)
        no_machine = Reason.NO_HARDWARE.value  # which no installing mends
        raise Unavailable("; ".join(narrowed.dropped), no_machine if no_machine in reasons else reasons[0])
    run.measured.plan = narrowed
