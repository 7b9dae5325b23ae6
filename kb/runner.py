"""The paired runner: a pilot, then blocks until the verdict is settled, the budget ends, or there are enough.

It repeats, interleaves, isolates and records. It does not judge: it asks `kb.verdict.judge` whether to go on.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeAlias

from kb.blocks import FIRST, Replies, time_block, weigh_block
from kb.errors import VerifierFault
from kb.gates import flops_of
from kb.judgement import Judgement
from kb.pilot import foresee, gate, note_first_calls
from kb.plan import Plan
from kb.planning import SHORT
from kb.processes import OWN, Program
from kb.run import Measurement, Report, Run
from kb.sentinel import cleaned_up
from kb.verdict import judge
from kb.verifier import Unavailable
from kb.words import Budget, Reason, Verdict

Block: TypeAlias = Callable[[Run, int], Replies | None]
DRAWS = 3
"""Draws of weights and data on which the arms may show that they agree."""


def measure(plan: Plan, verifier: Path, report: Report, program: Program = OWN) -> Measurement:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
        What to measure.
    verifier : Path
        The script.
    report : callable
        Called with an event after the pilot and after each block.
    program : Program
        What the processes that are measured run on.

    Raises
    ------
    Unavailable
        Where an arm that a typical claim is decided by lacks what it needs.
    VerifierFault
        Where the verifier crashed, hung or answered rubbish.
    """
    token = secrets.token_hex(8)
    with cleaned_up(token) as caches:
        run = Run(plan, verifier, report, token, caches, program=program)
        try:
            _carry_out(run)
        except KeyboardInterrupt:
            run.measured.interrupted = True
        run.measured.seconds["wall"] = run.elapsed()
    return run.measured


def _carry_out(run: Run) -> None:
    """Run the gate and, if it passes within the budget, the pilot and the blocks."""
    _agree(run)
    if run.measured.parity or run.measured.voids or run.spent():
        return
    weighing = run.declaration["does"] == "weighs"
    if not weighing and run.plan.budget is not Budget.SMOKE:
        run.caches = run.caches / "run"
        foresee(run)
    _blocks(run, weigh_block if weighing else time_block)
    if run.plan.has_context() and run.plan.budget not in SHORT and not run.measured.voids:
        _add_context(run, weigh_block if weighing else time_block)


def _add_context(run: Run, block: Block) -> None:
    """Measure all other cells and the arms beside in what is left of the budget; they decide nothing.

    Whatever goes wrong here costs the context alone: it is left out, and the run says why.
    """
    wider = Run(run.plan, run.verifier, run.report, run.token, run.caches, whole=True, program=run.program)
    wider.began = run.began
    measured, began = run.measured, run.elapsed()
    try:
        gate(wider)
        for failure in (*wider.measured.parity, *wider.measured.voids):
            raise Unavailable(failure)
        _context_blocks(wider, block)
    except (Unavailable, VerifierFault) as fault:
        measured.pilot["context"] = {"left_out": str(fault)}
        return
    finally:
        bursts = wider.measured.seconds["bursts"]
        measured.seconds["bursts"] += bursts
        measured.seconds["processes"] += run.elapsed() - began - bursts
    measured.plan, measured.context = wider.plan, wider.measured.samples
    measured.weighed += wider.measured.weighed
    for name in ("pilot", "settings", "first_calls"):
        setattr(measured, name, {**getattr(wider.measured, name), **getattr(measured, name)})


def _context_blocks(run: Run, block: Block) -> None:
    """Measure as many blocks of all cells as a verdict would need, or as fit."""
    run.rounds, longest = 1, 0.0
    numbers = (number for number in count(1) if not run.plan.is_control(number))
    for told, number in enumerate(islice(numbers, run.plan.fewest_blocks), start=1):
        began = time.monotonic()
        if run.spent(longest):
            return
        replies = block(run, number)
        if number == FIRST and replies:
            note_first_calls(run, "cold", replies)
        longest = max(longest, time.monotonic() - began)
        of = {"block": told, "blocks": run.plan.fewest_blocks}
        run.report({"event": "context", **of, "seconds": run.elapsed(), "budget": run.plan.seconds})


def _agree(run: Run) -> None:
    """Pass the parity gate, on another draw of weights and data where the arms disagree.

    Rounding can tip a ReLU or a max-pool that lies on its edge, and the gradient then jumps though both
    arms are right; that is rare and depends on the draw. Arms that compute different things disagree on
    every draw. They count as different where the budget ends before another.
    """
    for draw in range(DRAWS):
        run.measured = Measurement(replace(run.plan, seed=run.plan.seed + (draw > 0)))
        gate(run)
        run.measured.seconds["processes"] = run.elapsed() - run.measured.seconds["bursts"]
        if not run.measured.parity or run.spent():
            break


def _blocks(run: Run, block: Block) -> None:
    """Measure blocks until the verdict is settled, its part of the budget ends, or there are enough."""
    longest, measured = 0.0, 0
    kept = run.plan.seconds - run.plan.deciding_seconds()
    for number in count(1):
        began = time.monotonic()
        if run.spent(longest + kept) or measured == run.plan.most_blocks:
            return
        replies = block(run, number)
        if number == FIRST and replies and run.measured.first_calls:
            note_first_calls(run, "warm", replies)
        longest = max(longest, time.monotonic() - began)
        measured += not run.plan.is_control(number)
        found = judge(run.plan, run.measured.samples, run.measured.watched, flops_of(run.measured.pilot))
        run.report(_event(run, number, found))
        if run.measured.voids or settled(found):
            return


def _event(run: Run, number: int, found: Judgement) -> dict[str, Any]:
    """Return what is told of a block: each cell's interval so far, and the verdict so far."""
    plan = run.plan
    cells = [
        {
            "settings": plan.settings[cell.place],
            "of": plan.pairs[cell.pair][0],
            "against": plan.pairs[cell.pair][1],
            "estimate": cell.estimate,
            "interval": cell.interval,
            "blocks": cell.blocks,
            "deciding": cell.deciding,
        }
        for cell in found.cells
    ]
    return {
        "event": "block",
        "block": number,
        "control": plan.is_control(number),
        "estimate": found.estimate,
        "interval": found.interval,
        "verdict": found.verdict.value,
        "reason": found.reason.value,
        "blocks": found.blocks,
        "cells": cells,
        "seconds": run.elapsed(),
        "budget": plan.seconds,
    }


def settled(judgement: Judgement) -> bool:
    """Tell whether every question of the claim has its verdict: the only early stop there is."""
    decided = (Verdict.SUPPORTED, Verdict.REFUTED)
    readings = all(reading["verdict"] in decided for reading in judgement.readings)
    return (
        judgement.reason in (Reason.INSIDE_REGION, Reason.OUTSIDE_REGION)
        and judgement.direction.verdict in decided
        and readings
    )
