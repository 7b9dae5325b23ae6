"""Rulings: one region or one direction, held against the intervals of all cells that decide."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kb.plan import Plan
from kb.regions import DIRECTION, EQUAL, Interval, union
from kb.words import Effect, Quantifier, Verdict


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
    """One cell's values and its sequences, on the scale of the regions."""

    values: list[float]
    own: Interval
    shared: Interval
    mean: Interval


def rule_over(
    plan: Plan, cells: Sequence[CellEvidence], region: Interval, interval: Callable[[CellEvidence], Interval]
) -> Ruling:
    """Judge one region over all deciding cells as the quantifier asks.

    "Every" is refuted, and "some" and "up to" supported, by a single cell, which is therefore held to alpha
    divided by the number of cells; the other outcome needs every cell at alpha.
    """
    inside = [interval(cell).inside(region) for cell in cells]
    outside = [interval(cell).disjoint(region) for cell in cells]
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
        larger = all(interval(cell).low > region.high for cell in cells)
        smaller = all(interval(cell).high < region.low for cell in cells)
        return Ruling(Verdict.REFUTED, "larger" if larger else "smaller" if smaller else "")
    return Ruling(Verdict.INCONCLUSIVE)


def rule_magnitude(
    plan: Plan,
    cells: Sequence[CellEvidence],
    interval: Callable[[CellEvidence], Interval] = lambda cell: cell.own,
) -> Ruling:
    """Judge the union of the readings: supported if the interval lies where one of them holds."""
    rulings = [
        rule_over(plan, cells, region, interval) for region in union([r.region for r in plan.readings])
    ]
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
        return rule_over(plan, cells, Interval(-math.inf, 0.0), lambda cell: cell.own)
    ruling = rule_over(plan, cells, DIRECTION, lambda cell: cell.own)
    if ruling.verdict is not Verdict.REFUTED:
        return Ruling(ruling.verdict)
    if all(cell.own.inside(EQUAL) for cell in cells):
        return Ruling(Verdict.REFUTED, "equal")
    reverse = any(cell.own.high < EQUAL.low for cell in cells)
    return Ruling(Verdict.REFUTED, "reverse" if reverse else "")
