"""How often the committed rule gives a false verdict, simulated with its own code.

Both arms are the same (true ratio 1), or the truth lies just outside or inside an edge of the region. One log
ratio is drawn per block; the run looks after every block and stops as `kb.runner` does.
"""

import math
import random
from collections import Counter

from kb.effects import Sample
from kb.plan import Plan, PlannedReading
from kb.runner import settled
from kb.verdict import judge
from kb.words import Budget, Effect, Quantifier

RUNS = 1000
LOW, HIGH = 1.1875, 1.4545
NOISE = {
    "normal": lambda rng, sd: rng.gauss(0, sd),
    "t3": lambda rng, sd: sd * rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3),
    "skewed": lambda rng, sd: sd * (math.log(2) - rng.expovariate(1)),
}


def plan(low: float | None, high: float | None) -> Plan:
    """Return the plan of a claim whose effect lies in a region."""
    reading = PlannedReading("reading", low, high)
    return Plan(
        "simulated",
        Effect.SPEEDUP,
        Quantifier.TYPICAL,
        [reading],
        True,
        [["a/x", "b/x"]],
        [{}],
        [[0, 0]],
        None,
        Budget.NORMAL,
        600.0,
        0.1,
        8,
        40,
        0.05,
        1,
        1,
        "cpu",
        0,
        1,
    )


def block(number: int, ratio: float) -> list[Sample]:
    """Return the two bursts of a block in which `of` is `ratio` times as fast."""
    unit = 1_000_000_000
    costs = {"of": unit, "against": round(unit * ratio)}
    arms = {"of": "a/x", "against": "b/x"}
    return [Sample(number, 0, 0, i, side, arms[side], 1, costs[side], 0, 0) for i, side in enumerate(costs)]


def outcome(rng: random.Random, noise: str, sd: float, truth: float, fixed: Plan) -> tuple[str, str]:
    """Return direction (with its tag) and verdict of one simulated run."""
    samples: list[Sample] = []
    for number in range(1, fixed.most_blocks + 1):
        samples += block(number, truth * math.exp(NOISE[noise](rng, sd)))
        if number >= fixed.fewest_blocks:
            judgement = judge(fixed, samples)
            if settled(judgement):
                break
    direction = judgement.direction
    return f"{direction.verdict.value} {direction.tag}".strip(), judgement.verdict.value


def shares(rng: random.Random, noise: str, sd: float, truth: float) -> list[float]:
    """Return the percentage of runs with a false direction, a false support, a false refutation."""
    fixed = plan(LOW, HIGH)
    runs = RUNS if truth == 1.0 else RUNS // 5
    found: Counter[str] = Counter()
    wrong = {"refuted reverse", "supported" if truth < 1.02 else "refuted"}
    for _ in range(runs):
        direction, verdict = outcome(rng, noise, sd, truth, fixed)
        found["direction"] += direction in wrong
        found["support"] += verdict == "supported" and not LOW <= truth <= HIGH
        found["refutation"] += verdict == "refuted" and LOW <= truth <= HIGH
    return [100 * found[name] / runs for name in ("direction", "support", "refutation")]


def main() -> None:
    """Print false verdicts in percent: same arms, and truths at the edges of the region of "25% faster"."""
    rng = random.Random(20261121)
    print("noise      sd   truth  direction%  support%  refutation%")
    for noise in NOISE:
        for sd in (0.03, 0.10):
            for truth in (1.0, LOW - 1e-4, LOW + 1e-4, HIGH - 1e-4, HIGH + 1e-4):
                direction, support, refutation = shares(rng, noise, sd, truth)
                figures = f"{direction:>12.1f}{support:>10.1f}{refutation:>13.1f}"
                print(f"{noise:<8}{sd:>5}{truth:>8.4f}{figures}", flush=True)


if __name__ == "__main__":
    main()
