"""The paired runner: a pilot, then blocks until the verdict is settled, the budget ends, or there are enough.

It repeats, interleaves, isolates and records. It does not judge: it asks `kb.verdict.judge` whether to go on.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kb.blocks import time_block, weigh_block
from kb.pilot import pilot
from kb.plan import Plan
from kb.processes import Worker, sweep
from kb.run import Measurement, Report, Run, request_seconds
from kb.verdict import Judgement, judge
from kb.words import Budget, Reason, Verdict

DRAWS = 3
"""Draws of weights and data on which the arms may show that they agree."""


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
    run = Run(plan, verifier, report)
    try:
        weighing = _agree(run)
        if not run.measured.parity:
            _blocks(run, weigh_block if weighing else time_block)
    except KeyboardInterrupt:
        run.measured.interrupted = True
    finally:
        sweep(run.token)
        run.measured.seconds["wall"] = run.elapsed()
    return run.measured


def _agree(run: Run) -> bool:
    """Pilot the run, on another draw of weights and data where the arms disagree; tell whether it weighs.

    Rounding can tip a ReLU or a max-pool that lies on its edge, and the gradient then jumps though both
    arms are right; that is rare and depends on the draw. Arms that compute different things disagree on
    every draw.
    """
    for draw in range(DRAWS):
        run.measured = Measurement(replace(run.plan, seed=run.plan.seed + (draw > 0)))
        with run.pair() as workers:
            run.declaration = workers["of"].ask("describe")
            weighing = bool(run.declaration["does"] == "weighs")
            pilot(run, workers, weighing)
        run.measured.seconds["processes"] = run.elapsed()
        if not run.measured.parity:
            break
    return weighing


def _blocks(run: Run, block: Callable[[Run, int], None]) -> None:
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
    worker = Worker(verifier, token, 1, "cpu", request_seconds(budget))
    try:
        finding: dict[str, Any] = worker.ask("probe")["finding"]
        return finding, worker.log_end()
    finally:
        worker.close()
        sweep(token)
