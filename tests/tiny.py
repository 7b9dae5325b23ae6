"""A small sound knowledge base, and valid outcome files made through `kb.outcome.rejudge`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from kb.claim import Claim
from kb.effects import BESIDE, SIDES, Sample, as_columns
from kb.files import as_text, write_once
from kb.library import load_library
from kb.outcome import Outcome, frozen_record, rejudge
from kb.plan import Plan, PlannedReading, digest
from kb.planning import make_plan
from kb.watched import Watched
from kb.words import Budget, Effect, Quantifier

MEASURED, CAPABILITY, DOCUMENTED = "tiny-step-faster", "tiny-adds-up", "tiny-share"
NANO = 10**9
GOLDEN = (5**0.5 - 1) / 2

RECORDS = {
    f"claims/training/{MEASURED}.yaml": """\
# yaml-language-server: $schema=../../data/schema/claim.json
title: One loop is twice as fast as two
kind: measured
statement: Running the loop once takes half the time of running it twice.
favours: neither
stated_in:
  - {source: tiny-article, quote: twice as fast}
as_of: 2025
estimand: {quantity: time of a step, unit: s, effect: speedup, of: plain, against: plain}
quantifier: typical
readings:
  - {name: twice, value: 2.0}
region: {low: 1.5, high: 2.5, because: a quarter either side}
conditions:
  - {name: size, value: 2000, stated: false, because: small enough to be quick}
scope: {hardware: [cpu], stated: false, because: a loop runs on a processor}
verifier: tiny_step
cells:
  size: [2000]
  arms: [[plain/once, plain/twice]]
primary: {size: 2000, arms: [plain/once, plain/twice]}
relates:
  - {rests_on: tiny-adds-up}
""",
    f"claims/programming/{CAPABILITY}.yaml": """\
title: Python adds one and one
kind: capability
statement: Python's sum of one and one is two.
favours: neither
stated_in:
  - {source: tiny-article, quote: one and one}
as_of: 2025
scope: {hardware: [any], stated: false, because: arithmetic}
verifier: tiny_sum
expect:
  - {field: sum, is: 2}
""",
    f"claims/adoption/{DOCUMENTED}.yaml": """\
title: Python has a share of 40%
kind: documented
statement: In 2023 Python's share among the tiny programs is 40%.
favours: neither
stated_in:
  - {source: tiny-article, quote: a share of 40%}
as_of: 2023
period: "2023"
figures:
  - {name: share, value: 40, unit: "%", population: tiny programs}
readings:
  - {name: to a whole percent, rounded_to: {share: 1}}
citations:
  - {source: tiny-census, figure: share, value: 40.2, unit: "%", population: tiny programs, date: "2023-06",
     locator: table 1, read: primary}
""",
    "data/sources/tiny-article.yaml": """\
# yaml-language-server: $schema=../schema/source.json
{type: webpage, title: A tiny article, issued: "2025", read: primary, role: article}
""",
    "data/sources/tiny-census.yaml": """\
{type: dataset, title: A tiny census, issued: "2023-07", read: primary, role: literature}
""",
    "verifiers/tiny_step.py": '''\
# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Time of a loop in plain Python."""

import numpy as np

from kb.verifier import Cell, Step, measures


@measures(arms=("plain/once", "plain/twice"), warm_steps=2)
def tiny_step(cell: Cell) -> Step:
    """Return a loop of `cell.size` turns, run once or twice."""
    turns = cell.size * (2 if cell.mode == "twice" else 1)
    return Step(run=lambda: sum(range(turns)), outputs=lambda: {"logits": np.ones(3)})
''',
    "verifiers/tiny_sum.py": '''\
# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Whether one and one are two."""

from kb.verifier import probes


@probes(fields=("sum",))
def tiny_sum():
    """Add."""
    return {"sum": 1 + 1}
''',
}


def make_root(root: Path, **changed: str) -> Path:
    """Write the knowledge base below a folder; `changed` replaces records, keyed by claim id with underscores."""
    for name, text in RECORDS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed.get(path.stem.replace("-", "_"), text), encoding="utf-8")
    return root


def claim_of(root: Path, claim: str) -> Claim:
    return load_library(root).record(claim).claim


def noisy(centre: float, blocks: int = 16, spread: float = 0.001) -> list[float]:
    """Return log effects about log(centre), different from each other, balanced over every stretch of time.

    They come in the order of the fractions of a golden sequence, which alternates: blocks that rather avoid
    their predecessors than resemble them.
    """
    fractions = [block * GOLDEN % 1 for block in range(blocks)]
    ranks = {fraction: rank for rank, fraction in enumerate(sorted(fractions))}
    return [math.log(centre) + spread * ((ranks[each] + 0.5) / blocks - 0.5) for each in fractions]


def bursts(plan: Plan, effects: Mapping[tuple[int, int], Sequence[float]], scale: int = 1) -> list[Sample]:
    """Return one round a block in which cell (place, pair) has exactly these log effects.

    Pairs must not share an arm. `scale` multiplies every cost.
    """
    sign = 1 if plan.effect is Effect.RATIO else -1
    found = []
    for (place, pair), logs in effects.items():
        numbers = (number for number in count(1) if not plan.is_control(number))
        for block, log in zip(numbers, logs, strict=False):
            costs = (round(NANO * math.exp(sign * log)) * scale, NANO * scale)
            for position, (side, arm, cost) in enumerate(
                zip(("of", "against"), plan.pairs[pair], costs, strict=True)
            ):
                found.append(Sample(block, place, 0, position, side, arm, 1, cost, cost, block * NANO))
    return found


def controls(plan: Plan, logs: Sequence[float], place: int = 0) -> list[Sample]:
    """Return control blocks in which an arm costs exp(log) times itself, `of` over `against`.

    The sides' arms take turns, as in the runner.
    """
    found = []
    for turn, log in enumerate(logs, start=1):
        block = turn * plan.control_every
        costs = {"of": round(NANO * math.exp(log)), "against": NANO}
        slots = {(side, pair[turn % 2]) for side in SIDES for pair in plan.pairs}
        for position, (side, arm) in enumerate(sorted(slots)):
            cost = costs[side]
            found.append(Sample(block, place, 0, position, side, arm, 1, cost, cost, block * NANO))
    return found


def besides(plan: Plan, logs: Sequence[float], place: int = 0) -> list[Sample]:
    """Return one burst a measured block of every arm beside, which costs exp(log) seconds a step."""
    numbers = (number for number in count(1) if not plan.is_control(number))
    return [
        Sample(block, place, 0, 2, BESIDE, arm, 1, cost, cost, block * NANO)
        for block, log in zip(numbers, logs, strict=False)
        for arm in plan.beside
        for cost in [round(NANO * math.exp(log))]
    ]


def quiet(blocks: int, **otherwise: int) -> list[Watched]:
    """Return what was watched of so many blocks on two cores on which nothing else happened."""
    still = dict.fromkeys(("partner", "others", "stolen", "throttled", "switches"), 0)
    seen = {"cores": 2, "wall": NANO, "bursts": NANO, **still, **otherwise}
    return [Watched(block=block, **seen) for block in range(1, blocks + 1)]


def plan_of(
    *regions: tuple[float | None, float | None],
    effect: Effect = Effect.SPEEDUP,
    quantifier: Quantifier = Quantifier.TYPICAL,
    cells: int = 1,
    **more: Any,
) -> Plan:
    """Return a plan with one reading a region and that many deciding cells, each with arms of its own."""
    pairs = [[f"one/m{index}", f"two/m{index}"] for index in range(cells)]
    plan = Plan(
        claim="constructed",
        effect=effect,
        quantifier=quantifier,
        readings=[PlannedReading(f"reading {i}", low, high) for i, (low, high) in enumerate(regions)],
        magnitude=True,
        pairs=pairs,
        settings=[{}],
        deciding=[[0, index] for index in range(cells)],
        beside=[],
        along=None,
        budget=Budget.NORMAL,
        seconds=600.0,
        burst_seconds=0.1,
        fewest_blocks=8,
        most_blocks=40,
        control_every=0,
        alpha=0.05,
        policy=1,
        threads=1,
        device="cpu",
        seed=0,
        declared=cells,
    )
    return replace(plan, **more)


def raw_outcome(claim: Claim, name: str, run: str, **given: Any) -> dict[str, Any]:
    """Return the raw fields of an outcome.

    `effects` are the log effects of a measured claim's blocks; `environment` names the environment;
    every other keyword replaces a raw field.
    """
    record, sha256 = frozen_record(claim)
    budget = Budget(given.get("budget", "normal"))
    effects = given.pop("effects", None)
    raw: dict[str, Any] = {
        "claim": name,
        "run": run,
        "kind": claim.kind.value,
        "hardware": "cpu" if claim.scope else "any",
        "environment": "e0",
        "environment_key": {"host": {"cpu": "tiny", "logical_cores": 2}},
        "context": {},
        "versions": {"numpy": "2"},
        "budget": budget.value,
        "started": "2026-11-21T10:00:00+00:00",
        "ended": "2026-11-21T10:01:00+00:00",
        "seconds": 60.0,
        "record": record,
        "record_sha256": sha256,
    }
    if effects is not None:
        plan = make_plan(name, claim, budget, 1, "cpu", 7)
        samples = bursts(plan, {(0, 0): effects})
        raw |= {"plan": plan.as_json(), "plan_sha256": digest(plan.as_json()), "samples": as_columns(samples)}
        raw["samples_sha256"] = digest(raw["samples"])
    return raw | given


def outcome(claim: Claim, name: str, run: str, **given: Any) -> dict[str, Any]:
    """Return a whole valid outcome as it is stored; see `raw_outcome`."""
    raw = raw_outcome(claim, name, run, **given)
    return Outcome.model_validate({**raw, **rejudge(raw)}).as_json()


def write(root: Path, found: dict[str, Any], folder: str = "data/runs") -> Path:
    return write_once(root / folder / found["claim"], f"{found['run']}.json", as_text(found))


def rewritten(path: Path, **fields: Any) -> None:
    """Change fields of a stored outcome behind kb's back."""
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(as_text({**data, **fields}), encoding="utf-8")
