"""What judging a measured run gives, and how its figures are rounded for the store."""

import math
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from kb.effects import Series
from kb.plan import Plan
from kb.regions import Interval
from kb.rulings import CellEvidence, Ruling, as_ratio
from kb.sequences import sign_sequence
from kb.words import Effect, Reason, Verdict

DIGITS = 6


@dataclass(frozen=True)
class CellResult:
    """What one cell came to, as ratios; `trouble` is why it decides nothing, or less (`dependence`)."""

    place: int
    pair: int
    blocks: int
    estimate: float | None
    interval: list[float | None]
    mean: float | None
    mean_interval: list[float | None]
    deciding: bool
    trouble: str


@dataclass(frozen=True)
class BesideResult:
    """What an arm that is never judged came to, held against an arm of the first deciding pair."""

    place: int
    of: str
    against: str
    blocks: int
    estimate: float | None
    interval: list[float | None]


@dataclass(frozen=True)
class Judgement:
    """What a measured run came to.

    `resolved` is the effect, as a share, whose direction an interval as wide as that of the deciding cell
    would have shown; None while the interval is open.
    """

    verdict: Verdict
    reason: Reason
    because: str
    direction: Ruling
    magnitude: Ruling
    readings: list[dict[str, Any]]
    estimate: float | None
    interval: list[float | None]
    resolved: float | None
    blocks: int
    cells: list[CellResult]
    beside: list[BesideResult]
    gates: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return the judgement as JSON data."""
        return asdict(self)


def cell_result(plan: Plan, cell: tuple[int, int], evidence: CellEvidence) -> CellResult:
    """Return what a cell (place, pair) came to, always as a ratio."""
    place, pair = cell
    values = evidence.values
    own, mean = evidence.own, evidence.mean
    if plan.effect is Effect.TREND:
        own, mean = as_ratio(own), as_ratio(mean)
    return CellResult(
        place=place,
        pair=pair,
        blocks=len(values),
        estimate=rounded(math.exp(median(values))) if values else None,
        interval=rounded_interval(own),
        mean=rounded(math.exp(fmean(values))) if values else None,
        mean_interval=rounded_interval(mean),
        deciding=[place, pair] in plan.deciding,
        trouble=(evidence.trouble or Reason.DEPENDENCE).value
        if evidence.trouble or evidence.dependent
        else "",
    )


def beside_result(plan: Plan, key: tuple[int, str, str], series: Series) -> BesideResult:
    """Return what an arm beside came to; the key is (place, arm, arm that it is held against)."""
    place, of, against = key
    values = list(series.values())
    return BesideResult(
        place=place,
        of=of,
        against=against,
        blocks=len(values),
        estimate=rounded(math.exp(median(values))) if values else None,
        interval=rounded_interval(as_ratio(sign_sequence(values, plan.alpha))),
    )


def rounded(value: float | None) -> float | None:
    """Round as stored, so that recomputing on another machine agrees byte for byte."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def rounded_interval(interval: Interval) -> list[float | None]:
    """Return an interval as stored: rounded, None where open."""
    return [rounded(edge) for edge in interval.as_json()]
