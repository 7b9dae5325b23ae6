"""How often the committed rule gives a false verdict, and that the same experiment finds naive rules out.

Simulated runs of the claim "25% faster", the truth a hair inside and outside every edge of its region and of
the margins of direction. Exit status 1 where a bound is above what is allowed, or a naive rule passes.
"""

import argparse
import json
import math
import multiprocessing
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import naive
import numpy as np
import table
from committed import claimed, errors, evidence_path, looks
from noise import FAMILIES, Draws, Family

from kb.dependence import dependent
from kb.plan import Plan
from kb.regions import DIRECTION, EQUAL, hull
from kb.rulings import CellEvidence

HERE = Path(__file__).parent
SEED = 20261121
HAIR = 1e-4
SPREADS = (0.03, 0.10)
CLEAR = (1.0, 1.1, 1.25, 1.3143, 1.6)
"""Truths away from every edge, by which the rule's power is shown; the fourth is the region's middle."""
PLAN = claimed()
Rule = Callable[[Plan, Draws, float], Iterable[CellEvidence]]
Draw = Callable[[np.random.Generator, tuple[int, int], float], Draws]


@dataclass(frozen=True)
class Experiment:
    """A rule on one kind of data.

    Attributes
    ----------
    expect : str
        `holds`, `fails`, `gated` (holds, or is seen by the dependence gate) or `power`.
    """

    rule: str
    data: str
    sd: float
    expect: str
    draw: Draw
    judge: Rule

    def cells(self) -> Iterator[tuple["Experiment", float]]:
        """Yield the experiment with every truth at which it is made."""
        yield from ((self, truth) for truth in (CLEAR if self.expect == "power" else truths(PLAN)))


def truths(plan: Plan) -> list[float]:
    """Return the effects a hair below and above every edge."""
    region = hull([reading.region for reading in plan.readings])
    edges = (region.low, region.high, DIRECTION.low, EQUAL.low)
    return [edge + side * HAIR for edge in edges for side in (-1, 1)]


def committed(plan: Plan, blocks: Draws, effect: float) -> Iterable[CellEvidence]:
    """Judge blocks by the committed rule."""
    return evidence_path(plan, (effect + blocks).tolist())


def _scaled(family: Family) -> Draw:
    return lambda rng, shape, sd: sd * family(rng, shape)


def experiments() -> list[Experiment]:
    """Return all experiments, the committed rule's first."""
    found = [
        Experiment(
            "committed", name, sd, "gated" if name == "AR 0.6" else "holds", _scaled(family), committed
        )
        for name, family in FAMILIES.items()
        for sd in SPREADS
    ]
    normal = _scaled(FAMILIES["normal"])
    found += [Experiment("committed", "normal, clear", sd, "power", normal, committed) for sd in SPREADS]
    found += [
        Experiment("t, looked at again", "normal", sd, "fails", normal, naive.peeking) for sd in SPREADS
    ]
    steps = ("50 steps a process", 0.10)
    found += [
        Experiment("t over all steps", *steps, "fails", naive.processes, naive.pooled_steps),
        Experiment("committed", *steps, "holds", naive.processes, naive.block_medians),
    ]
    for data, draw in (("linear drift", naive.linear), ("square-wave drift", naive.square_wave)):
        found += [
            Experiment("all of A, then all of B", data, 0.03, "fails", draw, naive.one_after_the_other),
            Experiment("committed", data, 0.03, "holds", draw, naive.alternated),
        ]
    return found


def count(experiment: Experiment, truth: float, runs: int) -> dict[str, Any]:
    """Simulate runs at one truth and count their false verdicts.

    A run counts as false where any look up to its end is: a budget may end it after any block.
    """
    label = f"{experiment.data} {experiment.sd} {truth:.4f}"
    rng = np.random.default_rng([SEED, zlib.crc32(label.encode())])
    noise = experiment.draw(rng, (runs, PLAN.most_blocks), experiment.sd)
    effect = math.log(truth)
    found, blocks, seen = Counter[str](), 0, 0
    for each in noise:
        course = looks(PLAN, experiment.judge(PLAN, each, effect))
        found.update(set().union(*(errors(PLAN, truth, look) for look in course)))
        last = course[-1]
        found.update([f"magnitude {last.magnitude}", f"direction {last.direction.verdict}"])
        blocks += len(course) + PLAN.fewest_blocks - 1
        seen += experiment.judge is committed and dependent(each.tolist())
    return {
        "rule": experiment.rule,
        "data": experiment.data,
        "sd": experiment.sd,
        "expect": experiment.expect,
        "truth": round(truth, 6),
        "runs": runs,
        "blocks": round(blocks / runs, 2),
        "gate": seen,
        **{name: found[name] for name in table.ERRORS},
        **{name: found[name] for name in table.ENDS},
    }


def _count(task: tuple[int, float, int]) -> dict[str, Any]:
    """Count one cell of an experiment given by its place: functions do not travel between processes."""
    place, truth, runs = task
    return count(experiments()[place], truth, runs)


def main(arguments: list[str] | None = None) -> int:
    """Simulate everything, write results and table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="simulated runs a cell")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--only", default="", help="experiments whose rule or data contain this; nothing is written"
    )
    given = parser.parse_args(arguments)
    tasks = [
        (place, truth, given.runs)
        for place, experiment in enumerate(experiments())
        if given.only in f"{experiment.rule} {experiment.data}"
        for _, truth in experiment.cells()
    ]
    rows = []
    with multiprocessing.Pool(given.processes) as pool:
        for row in pool.imap(_count, tasks):
            rows.append(row)
            print(table.line(row), flush=True)
    if not given.only:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (HERE / "results" / "simulation.jsonl").write_text(text, encoding="utf-8")
        table.write(HERE / "README.md", "simulation", table.simulated(rows))
    found = table.faults(rows)
    print("\n" + table.simulated(rows) + "\n" + "\n".join(found or ["every bound holds"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
