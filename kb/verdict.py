"""The verdict rule of measured claims: one pure function from a plan and raw samples to a judgement.

Direction and magnitude are judged apart, and each reading by itself, all from the same confidence sequence,
so inside a cell nothing needs correcting; over several cells alpha is divided where one cell can decide.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from kb.effects import Sample, block_values, trend_values
from kb.plan import Plan
from kb.regions import Interval
from kb.rulings import CellEvidence, Ruling, rule_direction, rule_magnitude, rule_over
from kb.sequences import sign_sequence, t_sequence
from kb.words import Effect, Quantifier, Reason, Verdict

DIGITS = 6


@dataclass(frozen=True)
class CellResult:
    """What one cell came to; effects on the claim's own scale (a ratio, or a slope for a trend)."""

    place: int
    pair: int
    blocks: int
    estimate: float | None
    interval: list[float | None]
    mean: float | None
    mean_interval: list[float | None]
    deciding: bool


@dataclass(frozen=True)
class Judgement:
    """What a measured run came to."""

    verdict: Verdict
    reason: Reason
    because: str
    direction: Ruling
    magnitude: Ruling
    readings: list[dict[str, Any]]
    estimate: float | None
    interval: list[float | None]
    blocks: int
    cells: list[CellResult]

    def as_json(self) -> dict[str, Any]:
        """Return the judgement as JSON data."""
        return asdict(self)


def judge(plan: Plan, samples: Iterable[Sample]) -> Judgement:
    """Judge a run.

    Parameters
    ----------
    plan : Plan
        What was fixed beforehand.
    samples : iterable of Sample
        Every burst that was measured.
    """
    values = block_values(plan, samples)
    shown = {cell: _evidence(plan, found, 1) for cell, found in values.items()}
    deciding = _deciding(plan, values)
    blocks = min((len(evidence.values) for evidence in deciding), default=0)
    trusted = [cell.trusted() for cell in deciding]
    rulings = [rule_over(plan, trusted, reading.region) for reading in plan.readings]
    verdict, reason, because = _gated(plan, rule_magnitude(plan, trusted), deciding, blocks)
    settled = reason in (Reason.INSIDE_REGION, Reason.OUTSIDE_REGION, Reason.PRECISION)
    if not settled:
        rulings = [Ruling(Verdict.INCONCLUSIVE) for _ in rulings]
    direction = rule_direction(plan, trusted) if settled else Ruling(Verdict.INCONCLUSIVE)
    direction, *rulings = [_whole(plan, ruling) for ruling in (direction, *rulings)]
    chosen = _headline(plan, deciding)
    return Judgement(
        verdict=verdict.verdict,
        reason=reason,
        because=because,
        direction=direction,
        magnitude=verdict if plan.magnitude else Ruling(Verdict.UNTESTED, Reason.NO_REGION.value),
        readings=[
            {"name": reading.name, "low": reading.low, "high": reading.high, **asdict(ruling)}
            for reading, ruling in zip(plan.readings, rulings, strict=True)
        ],
        estimate=_rounded(_centre(plan, chosen.values)) if chosen else None,
        interval=_rounded_interval(chosen.own) if chosen else [None, None],
        blocks=blocks,
        cells=[_cell_result(plan, cell, evidence) for cell, evidence in shown.items()],
    )


def _evidence(plan: Plan, values: list[float], cells: int) -> CellEvidence:
    scale = _scale(plan)
    return CellEvidence(
        values,
        scale(sign_sequence(values, plan.alpha)),
        scale(sign_sequence(values, plan.alpha / cells)),
        scale(t_sequence(values, plan.alpha)),
    )


def _deciding(plan: Plan, values: dict[tuple[int, int], list[float]]) -> list[CellEvidence]:
    if plan.effect is Effect.TREND:
        pairs = sorted({pair for _, pair in plan.deciding})
        found = [trend_values(plan, values, pair) for pair in pairs]
    else:
        found = [values[place, pair] for place, pair in plan.deciding]
    return [_evidence(plan, each, len(found)) for each in found]


def _scale(plan: Plan) -> Callable[[Interval], Interval]:
    """Return the map from the scale of block values to that of regions: exp for ratios."""
    if plan.effect is Effect.TREND:
        return lambda interval: interval
    return lambda interval: Interval(_exp(interval.low), _exp(interval.high))


def _exp(value: float) -> float:
    return math.exp(value) if math.isfinite(value) else value


def _centre(plan: Plan, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return median(values) if plan.effect is Effect.TREND else math.exp(median(values))


def _gated(
    plan: Plan, ruling: Ruling, cells: Sequence[CellEvidence], blocks: int
) -> tuple[Ruling, Reason, str]:
    """Let no verdict through that the run was too short, or too inconsistent, to give."""
    undecided = Ruling(Verdict.INCONCLUSIVE)
    if plan.most_blocks < plan.fewest_blocks:
        return undecided, Reason.SMOKE, Reason.SMOKE.meaning
    if blocks < plan.fewest_blocks:
        because = (
            f"{blocks} blocks within the budget; a verdict needs {plan.fewest_blocks}: use a larger --budget"
        )
        return undecided, Reason.BUDGET, because
    if _whole(plan, ruling) != ruling:
        return undecided, Reason.NO_SOFTWARE, "it would need every declared cell; " + "; ".join(plan.dropped)
    if ruling.verdict is Verdict.SUPPORTED:
        return ruling, Reason.INSIDE_REGION, Reason.INSIDE_REGION.meaning
    if ruling.verdict is Verdict.REFUTED:
        return ruling, Reason.OUTSIDE_REGION, Reason.OUTSIDE_REGION.meaning
    trouble = next((cell.trouble for cell in cells if cell.trouble is not None), None)
    if trouble is not None:
        return undecided, trouble, f"{trouble.meaning}; repeat on a quieter machine"
    because = "the interval still straddles an edge of a region; a larger --budget or a quieter machine helps"
    return undecided, Reason.PRECISION, because


def _whole(plan: Plan, ruling: Ruling) -> Ruling:
    """Take back a ruling that would need every declared cell where some had to be dropped."""
    needs_all = Verdict.SUPPORTED if plan.quantifier is Quantifier.EVERY else Verdict.REFUTED
    return Ruling(Verdict.INCONCLUSIVE) if plan.narrowed() and ruling.verdict is needs_all else ruling


def _headline(plan: Plan, cells: Sequence[CellEvidence]) -> CellEvidence | None:
    """Return the cell whose figures stand for all: that which reaches furthest, or falls shortest."""
    known = [cell for cell in cells if cell.values]
    if plan.quantifier in (Quantifier.SOME, Quantifier.UP_TO):
        return max(known, key=lambda cell: (cell.own.low, median(cell.values)), default=None)
    return min(known, key=lambda cell: (cell.own.high, median(cell.values)), default=None)


def _cell_result(plan: Plan, cell: tuple[int, int], evidence: CellEvidence) -> CellResult:
    place, pair = cell
    values = evidence.values
    ratio = [math.exp(value) for value in values]
    as_ratio = _evidence_on_ratio_scale(plan, values) if plan.effect is Effect.TREND else evidence
    return CellResult(
        place=place,
        pair=pair,
        blocks=len(values),
        estimate=_rounded(math.exp(median(values))) if ratio else None,
        interval=_rounded_interval(as_ratio.own),
        mean=_rounded(math.exp(fmean(values))) if ratio else None,
        mean_interval=_rounded_interval(as_ratio.mean),
        deciding=[place, pair] in plan.deciding,
    )


def _evidence_on_ratio_scale(plan: Plan, values: list[float]) -> CellEvidence:
    own, mean = sign_sequence(values, plan.alpha), t_sequence(values, plan.alpha)
    as_ratio = [Interval(_exp(interval.low), _exp(interval.high)) for interval in (own, mean)]
    return CellEvidence(values, as_ratio[0], as_ratio[0], as_ratio[1])


def _rounded(value: float | None) -> float | None:
    """Round as stored, so that recomputing on another machine agrees byte for byte."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _rounded_interval(interval: Interval) -> list[float | None]:
    return [_rounded(edge) for edge in interval.as_json()]
