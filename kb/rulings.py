"""Rulings: one region or one direction, held against the intervals of all cells that decide."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from kb.dependence import STRETCH, dependent
from kb.plan import Plan
from kb.regions import DIRECTION, EQUAL, Interval, union
from kb.sequences import sign_interval, sign_sequence, t_sequence
from kb.words import Effect, Quantifier, Reason, Verdict


@dataclass(frozen=True)
class Ruling:
    """A verdict on one question.

    Attributes
    ----------
    verdict : Verdict
        Supported, refuted, inconclusive or untested.
    tag : str
        On which side the evidence lies: `larger`, `smaller`, `reverse`, `equal`, or empty.
    """

    verdict: Verdict
    tag: str = ""


@dataclass(frozen=True)
class CellEvidence:
    """One cell's values and what they leave possible, on the scale of the regions.

    Attributes
    ----------
    values : list of float
        One log effect (or slope) a block; of a narrowing, the one difference of two distances.
    own : Interval
        Confidence sequence for the median at the claim's alpha.
    shared : Interval
        The same at alpha divided by the number of deciding cells.
    mean : Interval
        Companion for the mean.
    dependent : bool
        Whether its blocks depend on their predecessors, so that its intervals were stretched.
    unsteady : bool
        Whether an arm of it was still changing its pace while it was measured.
    """

    values: list[float]
    own: Interval
    shared: Interval
    mean: Interval
    dependent: bool = False
    unsteady: bool = False

    @property
    def trouble(self) -> Reason | None:
        """Why this cell can decide nothing: it drifts, or its median and its mean contradict each other."""
        if self.unsteady:
            return Reason.NO_STEADY_STATE
        if self.own.empty or self.shared.empty:
            return Reason.DEPENDENCE
        return Reason.ESTIMAND_SENSITIVE if self.own.disjoint(self.mean) else None

    def trusted(self) -> "CellEvidence":
        """Return the evidence that may decide: everything stays possible where there is trouble."""
        return self if self.trouble is None else replace(self, own=Interval(), shared=Interval())


def evidence_of(plan: Plan, values: Sequence[float], cells: int = 1, wavers: bool = False) -> CellEvidence:
    """Return what the blocks of one cell leave possible, on the scale of the regions.

    Parameters
    ----------
    plan : Plan
        Names alpha, the fewest blocks and the effect.
    values : sequence of float
        One log effect (or slope) a block, in the order of measurement.
    cells : int
        How many cells share alpha where one alone can decide.
    wavers : bool
        Whether an arm of the cell had not settled.
    """
    trend = plan.effect is Effect.TREND
    scale: Callable[[Interval], Interval] = (lambda interval: interval) if trend else as_ratio
    depends = dependent(values)
    own, shared = (
        cautious(values, alpha, depends, sign_sequence(values, alpha, plan.fewest_blocks))
        for alpha in (plan.alpha, plan.alpha / cells)
    )
    mean = t_sequence(values, plan.alpha)
    return CellEvidence(list(values), scale(own), scale(shared), scale(mean), depends, wavers)


def cautious(values: Sequence[float], alpha: float, depends: bool, reached: Interval) -> Interval:
    """Return where a sequence has come to; of blocks that depend on each other, far less.

    Then it is the interval of all blocks at once, stretched: early blocks that happen to agree, as drift
    makes them, no longer bound it. A sequence that contradicts itself stays empty.
    """
    if not depends or reached.empty:
        return reached
    return sign_interval(values, alpha).stretched(STRETCH)


def narrowing(first: CellEvidence, second: CellEvidence) -> CellEvidence:
    """Return by what factor the distance of the first pair's arms may exceed that of the second's.

    A distance is the absolute log of the effect's median, whichever arm is ahead. It is bounded from the
    interval of each pair, each at half of alpha: the absolute values of single blocks would be biased, noise
    making two arms that are alike seem apart.
    """
    apart = abs(median(first.values)) - abs(median(second.values)) if first.values and second.values else None
    return CellEvidence(
        values=[] if apart is None else [apart],
        own=_excess(first.own, second.own),
        shared=_excess(first.shared, second.shared),
        mean=_excess(first.mean, second.mean),
        dependent=first.dependent or second.dependent,
        unsteady=first.unsteady or second.unsteady,
    )


def _excess(first: Interval, second: Interval) -> Interval:
    """Return the ratios that two distances can have, given intervals of ratios; empty if either is."""
    if first.empty or second.empty:
        return Interval(math.inf, -math.inf)
    one, other = _distance(first), _distance(second)
    return as_ratio(Interval(one.low - other.high, one.high - other.low))


def _distance(interval: Interval) -> Interval:
    """Return the absolute logs of the ratios in an interval."""
    low, high = (math.log(edge) if edge > 0 else -math.inf for edge in (interval.low, interval.high))
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return Interval(least, max(abs(low), abs(high)))


def as_ratio(interval: Interval) -> Interval:
    """Return an interval of log effects as one of ratios."""
    return Interval(_exp(interval.low), _exp(interval.high))


def _exp(value: float) -> float:
    return math.exp(value) if math.isfinite(value) else value


def rule_over(plan: Plan, cells: Sequence[CellEvidence], region: Interval) -> Ruling:
    """Judge one region over all deciding cells as the quantifier asks.

    "Every" is refuted, and "some" and "up to" supported, by a single cell, which is therefore held to alpha
    divided by the number of cells; the other outcome needs every cell at alpha.
    """
    inside = [cell.own.inside(region) for cell in cells]
    outside = [cell.own.disjoint(region) for cell in cells]
    if plan.quantifier in (Quantifier.SOME, Quantifier.UP_TO):
        one = any(cell.shared.inside(region) for cell in cells)
        supported, refuted = one, bool(cells) and all(outside)
    elif plan.quantifier is Quantifier.EVERY:
        one = any(cell.shared.disjoint(region) for cell in cells)
        supported, refuted = bool(cells) and all(inside) and not one, one
    else:
        supported, refuted = bool(cells) and all(inside), bool(cells) and all(outside)
    if supported:
        return Ruling(Verdict.SUPPORTED)
    if refuted:
        larger = all(cell.own.low > region.high for cell in cells)
        smaller = all(cell.own.high < region.low for cell in cells)
        return Ruling(Verdict.REFUTED, "larger" if larger else "smaller" if smaller else "")
    return Ruling(Verdict.INCONCLUSIVE)


def rule_magnitude(plan: Plan, cells: Sequence[CellEvidence]) -> Ruling:
    """Judge the union of the readings: supported if the interval lies where one of them holds."""
    rulings = [rule_over(plan, cells, region) for region in union([r.region for r in plan.readings])]
    for ruling in rulings:
        if ruling.verdict is Verdict.SUPPORTED:
            return ruling
    if rulings and all(ruling.verdict is Verdict.REFUTED for ruling in rulings):
        tags = {ruling.tag for ruling in rulings}
        return Ruling(Verdict.REFUTED, tags.pop() if len(tags) == 1 else "")
    return Ruling(Verdict.INCONCLUSIVE)


def rule_direction(plan: Plan, cells: Sequence[CellEvidence]) -> Ruling:
    """Judge whether the effect exceeds the negligible margin; for a trend, whether it falls."""
    if plan.effect is Effect.TREND:
        return rule_over(plan, cells, Interval(-math.inf, 0.0))
    ruling = rule_over(plan, cells, DIRECTION)
    if ruling.verdict is not Verdict.REFUTED:
        return Ruling(ruling.verdict)
    if all(cell.own.inside(EQUAL) for cell in cells):
        return Ruling(Verdict.REFUTED, "equal")
    reverse = any(cell.own.high < EQUAL.low for cell in cells)
    return Ruling(Verdict.REFUTED, "reverse" if reverse else "")
