"""An outcome with something in every part: several rounds, cells, an arm beside, controls, gates, first calls."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import tiny

from kb.claim import Claim
from kb.effects import Sample, as_columns
from kb.plan import Plan, digest
from kb.planning import make_plan
from kb.watched import Watched
from kb.watched import as_columns as watched_columns
from kb.words import Budget

ONCE, TWICE, OTHER = "plain/once", "plain/twice", "plain/other"
BLOCKS, ROUNDS = 20, 4
MIB = 2**20


def rich_plan(claim: Claim, name: str) -> Plan:
    """Return the claim's plan over two sizes, of which the first decides, with an arm beside."""
    plan = make_plan(name, claim, Budget.NORMAL, 2, "cpu", 7)
    return replace(plan, settings=[{"size": 2000}, {"size": 4000}], deciding=[[0, 0]], beside=[OTHER])


def rich_samples(plan: Plan, faster: float = 2.0) -> Iterator[Sample]:
    """Yield bursts in which one loop is that much faster than two, and the arm beside lies between."""
    drawn = random.Random(3)
    for block in range(1, BLOCKS + 1):
        arms = [("of", ONCE, 1.0), ("against", TWICE, faster), ("beside", OTHER, math.sqrt(faster))]
        if plan.is_control(block):
            arms = [(side, arm, cost) for side in ("of", "against") for _, arm, cost in arms[:2]]
        for place in range(len(plan.settings)):
            for turn in range(ROUNDS):
                for position, (side, arm, cost) in enumerate(arms):
                    wall = round(1e8 * (place + 1) * cost * math.exp(drawn.gauss(0, 0.01)))
                    yield Sample(block, place, turn, position, side, arm, 1, wall, wall, block * 10**9)


def rich_outcome(claim: Claim, name: str, run: str, others: float = 0.0, **given: Any) -> dict[str, Any]:
    """Return a whole valid outcome; `others` is the share of the cores that other programs took."""
    plan = rich_plan(claim, name)
    samples = as_columns(rich_samples(plan))
    wall = 10**10
    watched = [Watched(n, 2, wall, wall, 0, int(others * 2 * wall), 0, 0, 0) for n in range(1, BLOCKS + 1)]
    raw = {
        "plan": plan.as_json(),
        "plan_sha256": digest(plan.as_json()),
        "samples": samples,
        "samples_sha256": digest(samples),
        "context_samples": samples,
        "watched": watched_columns(watched),
        "first_calls": {
            f"{ONCE}@0": first(import_s=1.0, build_s=0.5, cold_s=3.0, step_s=0.1),
            f"{TWICE}@0": first(import_s=4.0, build_s=0.1, cold_s=0.3, step_s=0.2),
        },
        "settings": {ONCE: {"arm": ONCE, "threads": 2}, f"{TWICE} with 1 threads": {"threads": 1}},
        "weighed": [
            {
                "block": n,
                "place": 0,
                "side": "of",
                "arm": ONCE,
                "baseline": 300 * MIB,
                "live": MIB,
                "peak": n * MIB,
            }
            for n in (1, 2, 9)
        ],
    }
    return tiny.outcome(claim, name, run, **{**raw, **given})


def first(import_s: float, build_s: float, cold_s: float, step_s: float) -> dict[str, int]:
    """Return an arm's first calls, in ns, from seconds."""
    times = {"import_ns": import_s, "build_ns": build_s, "cold_ns": cold_s, "typical_ns": step_s}
    return {name: int(seconds * 1e9) for name, seconds in times.items()}
