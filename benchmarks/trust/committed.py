"""The committed rule, followed through a run as `kb.runner` does: a look after every block, until settled.

The intervals of all looks come from one pass over the blocks; `tests/test_trust.py` holds every look against
`kb.verdict.judge` on the raw samples.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kb.dependence import dependent
from kb.library import load_library
from kb.plan import Plan
from kb.planning import make_plan
from kb.regions import DIRECTION, EQUAL, hull
from kb.rulings import CellEvidence, Ruling, as_ratio, cautious, rule_direction, rule_magnitude, rule_over
from kb.sequences import sign_path, t_path
from kb.words import Budget, Verdict

ROOT = Path(__file__).resolve().parents[2]
CLAIM = "cnn-inference-pytorch-25pct-faster"
DECIDED = (Verdict.SUPPORTED, Verdict.REFUTED)


def claimed() -> Plan:
    """Return the plan of the claim "25% faster", without its control blocks, which can only cost verdicts."""
    claim = load_library(ROOT).record(CLAIM).claim
    return replace(make_plan(CLAIM, claim, Budget.QUICK, 1, "cpu", 0), control_every=0)


def evidence_path(plan: Plan, values: Sequence[float]) -> Iterator[CellEvidence]:
    """Yield what `kb.rulings.evidence_of` makes of the first blocks, from the fewest that may decide on."""
    medians = sign_path(values, plan.alpha, plan.fewest_blocks)
    means = t_path(values, plan.alpha)
    for blocks in range(plan.fewest_blocks, len(values) + 1):
        known = list(values[:blocks])
        depends = dependent(known)
        own = as_ratio(cautious(known, plan.alpha, depends, medians[blocks - 1]))
        yield CellEvidence(known, own, own, as_ratio(means[blocks - 1]), depends)


@dataclass(frozen=True)
class Look:
    """What the rule says at one look."""

    magnitude: Verdict
    direction: Ruling
    readings: tuple[Verdict, ...]

    @property
    def settled(self) -> bool:
        """Whether every question has its verdict, which is where `kb.runner.settled` ends a run."""
        return all(each in DECIDED for each in (self.magnitude, self.direction.verdict, *self.readings))


def look_at(plan: Plan, cell: CellEvidence) -> Look:
    """Return the rulings over one cell, with nothing decided by evidence that cannot be trusted."""
    cells = [cell.trusted()]
    readings = tuple(rule_over(plan, cells, reading.region).verdict for reading in plan.readings)
    return Look(rule_magnitude(plan, cells).verdict, rule_direction(plan, cells), readings)


def looks(plan: Plan, path: Iterable[CellEvidence]) -> list[Look]:
    """Return every look of a run until it is settled or its blocks end."""
    found = []
    for cell in path:
        found.append(look_at(plan, cell))
        if found[-1].settled:
            break
    return found


def errors(plan: Plan, truth: float, look: Look) -> set[str]:
    """Return which kinds of false verdict a look gives where the true effect is `truth`."""
    region = hull([reading.region for reading in plan.readings])
    holds = region.low <= truth <= region.high
    found = set()
    if look.magnitude is Verdict.SUPPORTED and not holds:
        found.add("support")
    if look.magnitude is Verdict.REFUTED and holds:
        found.add("refutation")
    if _misdirected(look.direction, truth):
        found.add("direction")
    return found


def _misdirected(ruling: Ruling, truth: float) -> bool:
    """Tell whether a direction is false: also that of a refutation, equal or the other way round."""
    if ruling.verdict is Verdict.SUPPORTED:
        return truth < DIRECTION.low
    false_tag = {"equal": not EQUAL.low <= truth <= EQUAL.high, "reverse": truth >= EQUAL.low}
    return ruling.verdict is Verdict.REFUTED and (truth > DIRECTION.low or false_tag.get(ruling.tag, False))
