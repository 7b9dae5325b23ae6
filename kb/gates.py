"""Gates: what must hold of a run as a whole before any of its verdicts counts.

Each is a figure held against a limit. A gate that fails makes every verdict of the run inconclusive; it can
cost a verdict, and never make one.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from kb.effects import Costs, Sample, Series, control_values
from kb.plan import Plan
from kb.regions import NEGLIGIBLE
from kb.watched import Watched
from kb.words import Reason

DISTURBED = 0.05
"""Share of the cores' time from which on a block counts as disturbed."""
DISTURBED_BLOCKS = 0.2
PARTNER = 0.01
CONTROL_ERRORS = 3.5
"""Standard errors; one run in a hundred has more by chance with 7 degrees of freedom (Student 1908)."""
SPARE_THREADS = 0.25
FASTEST_HZ = 6.5e9
FLOPS_PER_CYCLE = 64
"""Two fused multiply-adds of 16 float32 lanes a cycle, the widest that a core has (AVX-512)."""
FASTEST_ACCELERATOR = 1e15
"""FLOP/s in float32 that no single accelerator of today reaches."""


def flops_of(pilot: Mapping[str, Any]) -> dict[str, float]:
    """Return from a pilot's record the floating-point operations of one step by `arm@place`, where known."""
    return {key: found["flops"] for key, found in pilot.items() if found.get("flops")}


@dataclass(frozen=True)
class Gate:
    """One figure of a run against its limit.

    Attributes
    ----------
    reason : Reason
        What a failure is called.
    figure, limit : float
        Dimensionless; the gate fails where the figure is above the limit.
    seen, advice : str
        What was seen, and what the user can do about it where the gate fails.
    """

    reason: Reason
    figure: float
    limit: float
    seen: str
    advice: str

    @property
    def passed(self) -> bool:
        """Whether the gate lets verdicts through."""
        return self.figure <= self.limit

    def as_json(self) -> dict[str, Any]:
        """Return the gate as JSON data."""
        return {
            "name": self.reason.value,
            "figure": float(f"{self.figure:.4g}"),
            "limit": self.limit,
            "passed": self.passed,
            "seen": self.seen,
            "advice": self.advice,
        }


def gates(
    plan: Plan,
    samples: Sequence[Sample],
    costs: Costs,
    values: Iterable[Series],
    watched: Sequence[Watched],
    flops: Mapping[str, float],
) -> list[Gate]:
    """Return every gate for which a run has figures, the gravest first.

    Parameters
    ----------
    plan : Plan
        What was to be measured.
    samples : sequence of Sample
        All bursts of the pair.
    costs : Costs
        All bursts, per step.
    values : iterable of dict
        The log effects by block of every deciding cell.
    watched : sequence of Watched
        What went on beside the bursts; empty where nothing was watched, as when memory is weighed.
    flops : mapping of str to float
        Floating-point operations of one step by `arm@place`, where the verifier knows them.
    """
    timed = [_threads(plan, samples), _plausible(plan, samples, flops), *_quiet(watched)]
    found = timed if watched else []  # where memory is weighed, costs are bytes and tell of no time
    return [gate for gate in (*found, _control(plan, costs, values)) if gate is not None]


def _threads(plan: Plan, samples: Sequence[Sample]) -> Gate | None:
    """Hold the cores that each arm kept busy against the threads that it was given."""
    busy: dict[tuple[str, int], list[int]] = {}
    for sample in samples if plan.device == "cpu" else ():
        spent = busy.setdefault((sample.arm, plan.threads_at(sample.place)), [0, 0])
        spent[0] += sample.cpu
        spent[1] += sample.cost
    shares = {key: cpu / cost / key[1] for key, (cpu, cost) in busy.items() if cost}
    if not shares:
        return None
    used, arm, threads = max((share, *key) for key, share in shares.items())
    limit = 1 + SPARE_THREADS + SPARE_THREADS / threads
    seen = f"{arm} kept {used * threads:.1f} cores busy with {threads} threads declared"
    return Gate(Reason.SETTINGS_DIFFER, used, limit, seen, "set the framework's threads in the verifier")


def _plausible(plan: Plan, samples: Sequence[Sample], flops: Mapping[str, float]) -> Gate | None:
    """Hold the rate of floating-point operations against what the chip could do at the very most."""
    rates = [
        (flops[key] * sample.steps / sample.cost * 1e9 / _peak(plan, sample.place), sample.arm)
        for sample in samples
        if (key := f"{sample.arm}@{sample.place}") in flops and sample.cost
    ]
    if not rates:
        return None
    share, arm = max(rates)
    seen = f"{arm} computed at {share:.2g} of the rate that no such chip exceeds"
    advice = "its step does not do its work, or does not wait for it: mend the verifier"
    return Gate(Reason.IMPLAUSIBLE, share, 1.0, seen, advice)


def _peak(plan: Plan, place: int) -> float:
    if plan.device != "cpu":
        return FASTEST_ACCELERATOR
    return plan.threads_at(place) * FASTEST_HZ * FLOPS_PER_CYCLE


def _quiet(watched: Sequence[Watched]) -> list[Gate]:
    """Return the gates that ask whether the machine did anything but run the bursts."""
    if not watched:
        return []
    disturbed = [each for each in watched if each.disturbance > DISTURBED]
    share, worst = len(disturbed) / len(watched), max(each.disturbance for each in watched)
    seconds = sum(each.bursts for each in watched) / 1e9
    switches = sum(each.switches for each in watched) / max(seconds, 1e-9)
    noise = (
        f"other work, or the host, took more than {DISTURBED:.0%} of the cores in {len(disturbed)} of "
        f"{len(watched)} blocks, {worst:.0%} at most, with {switches:.0f} interruptions a second"
    )
    quiet = "stop other programs, or use a machine of your own, and rerun"
    waiting = sum(each.partner for each in watched) / max(sum(each.bursts for each in watched), 1)
    spun = f"waiting processes used {waiting:.2%} of a core during the bursts of others"
    passive = "a framework's threads spin: set its wait policy to passive in the verifier"
    return [
        Gate(Reason.INTERFERENCE, share, DISTURBED_BLOCKS, noise, quiet),
        Gate(Reason.PARTNER_BUSY, waiting, PARTNER, spun, passive),
    ]


def _control(plan: Plan, costs: Costs, values: Iterable[Series]) -> Gate | None:
    """Hold an arm against itself: beyond the negligible margin, by more than the noise explains, it fails.

    The noise is that of control blocks and of measured blocks together (pooled variance), since there are
    few controls; looking again after every block can only cost verdicts.
    """
    series = list(control_values(plan, costs).values())
    controls = [median(each[block] for each in series if block in each) for block in _blocks(series)]
    if not controls:
        return None
    measured = list(values)
    shared = [median(_centred(measured, block)) for block in _blocks(measured)]
    free = max(len(controls) + len(shared) - 2, 1)
    variance = (_squares(controls) + _squares(shared)) / free
    mean, error = fmean(controls), math.sqrt(variance / len(controls))
    figure = max(0.0, abs(mean) - CONTROL_ERRORS * error)
    low, high = (math.exp(mean + side * CONTROL_ERRORS * error) for side in (-1, 1))
    seen = (
        f"an arm against itself came out at {math.exp(mean):.3f} ({low:.3f} to {high:.3f}) over "
        f"{len(controls)} control blocks"
    )
    advice = "something favours one side of the pair: rerun on a quieter machine"
    return Gate(Reason.CONTROL_FAILED, figure, math.log(1 + NEGLIGIBLE), seen, advice)


def _blocks(series: Sequence[Series]) -> list[int]:
    return sorted({block for each in series for block in each})


def _centred(series: Sequence[Series], block: int) -> list[float]:
    return [each[block] - median(each.values()) for each in series if block in each]


def _squares(values: Sequence[float]) -> float:
    centre = fmean(values) if values else 0.0
    return math.fsum((value - centre) ** 2 for value in values)
