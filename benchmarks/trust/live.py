"""Real runs of claims whose truth is known: on a quiet machine, and with its cores loaded in a square wave.

Twenty kinds and sizes of work, each against itself (A/A), against 5% more and against 25% more of itself,
each claimed to be "25% faster". Exit status 1 where a verdict is false, or too few clear effects are seen.
"""

import argparse
import itertools
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import criteria
import table
from square_wave import quiet, square_wave

from kb.claim import Claim
from kb.gates import flops_of
from kb.planning import make_plan
from kb.runner import measure
from kb.verdict import judge
from kb.words import Budget

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "live.jsonl"
SEED = 20261121
BURST_SECONDS = 0.02
"""Shorter than a budget's own, so that enough blocks fit into a run of a quarter of a minute."""
SIZES = {
    "matmul": (160, 192),
    "solve": (112, 128),
    "sort": (4000, 6000),
    "fft": (16384, 24576),
    "copy": (4 << 20, 6 << 20),
    "exponential": (100_000, 150_000),
    "loop": (4000, 6000),
    "convolution": (40, 48),
    "digest": (80_000, 120_000),
    "compress": (4000, 6000),
}
"""Of each kind of work, sizes at which a repetition takes about 0.1 ms, and half as much again."""
WORKS = [(work, sizes[place]) for place in range(2) for work, sizes in SIZES.items()]


def claimed(work: str, size: int, factor: float) -> Claim:
    """Return the claim that a is 25% faster than b, which does `factor` times the work."""
    cell = {"work": work, "size": size, "factor": factor}
    pair = ["a/x", "b/x"]
    return Claim.model_validate_json(
        json.dumps(
            {
                "title": "a is 25% faster than b",
                "kind": "measured",
                "statement": f"a does {work} of {size} 25% faster than b.",
                "favours": "neither",
                "stated_in": [{"source": "constructed", "quote": "25% faster"}],
                "as_of": 2026,
                "estimand": {"quantity": "time", "unit": "s", "effect": "speedup", "of": "a", "against": "b"},
                "quantifier": "typical",
                "readings": [{"name": "25% faster", "value": 1.25}],
                "region": {"low": 1.1875, "high": 1.3125, "because": "default policy"},
                "verifier": "known_work",
                "cells": {"arms": [pair], **{name: [value] for name, value in cell.items()}},
                "primary": {"arms": pair, **cell},
            }
        )
    )


def run(machine: str, work: str, size: int, factor: float, seconds: float) -> dict[str, Any]:
    """Measure and judge one claim; return what came of it.

    `bare` is what the same bursts would come to if nobody had watched the machine.
    """
    name = f"{work}-{size}"
    seed = SEED + WORKS.index((work, size))
    plan = make_plan(name, claimed(work, size, factor), Budget.QUICK, 1, "cpu", seed, seconds)
    plan = replace(plan, burst_seconds=BURST_SECONDS)
    began = time.monotonic()
    measured = measure(plan, HERE / "known_work.py", lambda event: None)
    found = judge(measured.plan, measured.samples, measured.watched, flops_of(measured.pilot))
    bare = judge(measured.plan, measured.samples)
    disturbed = [each.disturbance for each in measured.watched]
    failed = measured.parity + measured.voids
    return {
        "machine": machine,
        "factor": factor,
        "work": work,
        "size": size,
        "verdict": found.verdict.value,
        "reason": failed[0] if failed else found.reason.value,
        "direction": found.direction.verdict.value,
        "tag": found.direction.tag,
        "estimate": found.estimate,
        "interval": found.interval,
        "blocks": found.blocks,
        "bare": {
            "verdict": bare.verdict.value,
            "direction": bare.direction.verdict.value,
            "tag": bare.direction.tag,
        },
        "disturbance": round(max(disturbed, default=0.0), 4),
        "seconds": round(time.monotonic() - began, 1),
    }


def _budget(machine: str, factor: float, seconds: float) -> float:
    """Return the budget of a run: thrice where an effect should be seen, since that ends when it is."""
    return 3 * seconds if (machine, factor) == ("quiet", criteria.CLEAR) else seconds


def _kept(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the stored results that are not made again."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    rows = [json.loads(line) for line in text.splitlines()]
    return [row for row in rows if asked.resume or (asked.only and row["machine"] != asked.only)]


def _store(rows: list[dict[str, Any]]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=16.0, help="wall budget of a run")
    parser.add_argument("--works", type=int, default=len(WORKS), help="fewer, to try it: nothing is written")
    parser.add_argument("--only", choices=criteria.MACHINES, help="one state of the machine")
    parser.add_argument("--period", type=float, default=6.0, help="period of the load's square wave, in s")
    parser.add_argument("--resume", action="store_true", help="keep the stored results, and make the others")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for, write results and table, and return the exit status."""
    asked = _asked(arguments)
    whole = asked.works == len(WORKS)
    rows = _kept(asked) if whole else []
    done = {criteria.key(row) for row in rows}
    for machine in [asked.only] if asked.only else criteria.MACHINES:
        with square_wave(asked.period) if machine == "loaded" else quiet():
            for (work, size), factor in itertools.product(WORKS[: asked.works], criteria.FACTORS):
                if (machine, factor, work, size) in done:
                    continue
                rows.append(run(machine, work, size, factor, _budget(machine, factor, asked.seconds)))
                print(criteria.line(rows[-1]), flush=True)
                if whole:
                    _store(rows)
    text, found = criteria.tabulated(rows), criteria.faults(rows, asked.works)
    if whole:
        table.write(HERE / "README.md", "live", text)
    print("\n" + text + "\n" + "\n".join(found or ["no false verdict, and clear effects are seen"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
