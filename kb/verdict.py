"""The verdict rule of measured claims: one pure function from a plan and raw samples to a judgement.

Direction and magnitude are judged apart, and each reading by itself, all from the same confidence sequence,
so inside a cell nothing needs correcting; over several cells alpha is divided where one cell can decide.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from kb.effects import (
    SIDES,
    Costs,
    Sample,
    Series,
    beside_values,
    block_values,
    contrast_values,
    trend_values,
    typical_values,
)
from kb.gates import Gate, gates
from kb.judgement import Judgement, beside_result, cell_result, rounded, rounded_interval
from kb.plan import Plan
from kb.regions import NEGLIGIBLE
from kb.rulings import CellEvidence, Ruling, evidence_of, narrowing, rule_direction, rule_magnitude, rule_over
from kb.steadiness import drifts, unsteady
from kb.watched import Watched
from kb.words import Effect, Quantifier, Reason, Verdict

SETTLED = (Reason.INSIDE_REGION, Reason.OUTSIDE_REGION, Reason.PRECISION, Reason.DEPENDENCE)
"""Reasons under which the rulings on direction and readings stand as they came out."""
ADVICE = {
    Reason.NO_STEADY_STATE: "raise warm_steps in the verifier, or look for a clock that throttles",
    Reason.DEPENDENCE: "repeat on a quieter machine",
    Reason.ESTIMAND_SENSITIVE: "look at the raw samples, and repeat on a quieter machine",
}


def judge(
    plan: Plan,
    samples: Iterable[Sample],
    watched: Sequence[Watched] = (),
    flops: Mapping[str, float] | None = None,
    context: Iterable[Sample] = (),
) -> Judgement:
    """Judge a run.

    Parameters
    ----------
    plan : Plan
        What was fixed beforehand.
    samples : iterable of Sample
        Every burst that was measured.
    watched : sequence of Watched
        What went on beside the bursts, block by block.
    flops : mapping of str to float
        Floating-point operations of one step by `arm@place`, where known.
    context : iterable of Sample
        Bursts of cells and arms that are shown and decide nothing.
    """
    paired = [sample for sample in samples if sample.side in SIDES]
    costs, around = Costs(paired), Costs(context)
    values = block_values(plan, costs)
    drifting = unsteady(drifts(paired), plan.alpha)
    series, deciding = _deciding(plan, values, drifting)
    blocks = min((len(each) for each in series), default=0)
    cells = [values[place, pair] for place, pair in plan.deciding]
    passed = gates(plan, paired, costs, cells, watched, flops or {})
    verdict, direction, readings, reason, because = _rule(plan, deciding, blocks, passed)
    chosen = _headline(plan, deciding)
    return Judgement(
        verdict=verdict.verdict,
        reason=reason,
        because=because,
        direction=direction,
        magnitude=verdict if plan.magnitude else Ruling(Verdict.UNTESTED, Reason.NO_REGION.value),
        readings=readings,
        estimate=rounded(_centre(plan, chosen.values)) if chosen else None,
        interval=rounded_interval(chosen.own) if chosen else [None, None],
        resolved=_resolved(plan, chosen),
        blocks=blocks,
        cells=[
            cell_result(plan, cell, _evidence(plan, found, 1, _wavers(plan, cell, drifting)))
            for cell, found in (block_values(plan, around) | _decisive(plan, values)).items()
        ],
        beside=[
            beside_result(plan, key, found) for key, found in beside_values(plan, around).items() if found
        ],
        gates=[gate.as_json() for gate in passed],
    )


def _decisive(plan: Plan, values: Mapping[tuple[int, int], Series]) -> dict[tuple[int, int], Series]:
    """Return the values of the cells that decide; of others, what a run without context has."""
    return {cell: found for cell, found in values.items() if found or list(cell) in plan.deciding}


def _rule(
    plan: Plan, deciding: Sequence[CellEvidence], blocks: int, passed: Sequence[Gate]
) -> tuple[Ruling, Ruling, list[dict[str, Any]], Reason, str]:
    """Return the rulings on magnitude, direction and each reading, and the verdict's reason."""
    trusted = [cell.trusted() for cell in deciding]
    rulings = [rule_over(plan, trusted, reading.region) for reading in plan.readings]
    verdict, reason, because = _gated(plan, rule_magnitude(plan, trusted), deciding, blocks, passed)
    direction = rule_direction(plan, trusted)
    if reason not in SETTLED:
        direction, *rulings = [Ruling(Verdict.INCONCLUSIVE) for _ in (direction, *rulings)]
    direction, *rulings = [_whole(plan, ruling) for ruling in (direction, *rulings)]
    readings = [
        {"name": reading.name, "low": reading.low, "high": reading.high, **asdict(ruling)}
        for reading, ruling in zip(plan.readings, rulings, strict=True)
    ]
    return verdict, direction, readings, reason, because


def _evidence(plan: Plan, series: Series, cells: int, wavers: bool) -> CellEvidence:
    return evidence_of(plan, list(series.values()), cells, wavers)


def _wavers(plan: Plan, cell: tuple[int, int], drifting: set[tuple[int, str]]) -> bool:
    place, pair = cell
    return any((place, arm) in drifting for arm in plan.pairs[pair])


def _deciding(
    plan: Plan, values: dict[tuple[int, int], Series], drifting: set[tuple[int, str]]
) -> tuple[list[Series], list[CellEvidence]]:
    """Return the series from which the verdict is made, and what each leaves possible."""
    cells = [(place, pair) for place, pair in plan.deciding]
    units = _units(plan, values, cells)
    if plan.quantifier is Quantifier.TYPICAL and plan.effect is not Effect.TREND and len(units) > 1:
        alike = {group[0]: series for group, series in units}
        units = [(cells, typical_values(alike, alike))]
    found = []
    for group, series in units:
        wavers = any(_wavers(plan, cell, drifting) for cell in group)
        if plan.effect is Effect.NARROWING:
            half = replace(plan, alpha=plan.alpha / 2)
            parts = (_evidence(half, values[cell], len(units), wavers) for cell in group)
            found.append(narrowing(*parts))
        else:
            found.append(_evidence(plan, series, len(units), wavers))
    return [series for _, series in units], found


def _units(
    plan: Plan, values: dict[tuple[int, int], Series], cells: Sequence[tuple[int, int]]
) -> list[tuple[list[tuple[int, int]], Series]]:
    """Return the deciding cells in groups that give one effect each, and that effect block by block."""
    if plan.effect is Effect.TREND:
        pairs = sorted({pair for _, pair in cells})
        return [
            ([cell for cell in cells if cell[1] == pair], trend_values(plan, values, pair)) for pair in pairs
        ]
    if plan.effect.over_pairs:
        places = sorted({place for place, _ in cells})
        return [
            ([cell for cell in cells if cell[0] == place], contrast_values(values, place)) for place in places
        ]
    return [([cell], values[cell]) for cell in cells]


def _centre(plan: Plan, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return median(values) if plan.effect is Effect.TREND else math.exp(median(values))


def _gated(
    plan: Plan, ruling: Ruling, cells: Sequence[CellEvidence], blocks: int, passed: Sequence[Gate]
) -> tuple[Ruling, Reason, str]:
    """Let no verdict through that the run was too short, too disturbed or too inconsistent to give."""
    undecided = Ruling(Verdict.INCONCLUSIVE)
    if plan.most_blocks < plan.fewest_blocks:
        return undecided, Reason.SMOKE, Reason.SMOKE.meaning
    if blocks < plan.fewest_blocks:
        because = (
            f"{blocks} blocks within the budget; a verdict needs {plan.fewest_blocks}: "
            "use a larger --budget or --seconds"
        )
        return undecided, Reason.BUDGET, because
    failed = next((gate for gate in passed if not gate.passed), None)
    if failed is not None:
        return undecided, failed.reason, f"{failed.seen}; {failed.advice}"
    if _whole(plan, ruling) != ruling:
        return undecided, Reason.NO_SOFTWARE, "it would need every declared cell; " + "; ".join(plan.dropped)
    if ruling.verdict is Verdict.SUPPORTED:
        return ruling, Reason.INSIDE_REGION, Reason.INSIDE_REGION.meaning
    if ruling.verdict is Verdict.REFUTED:
        return ruling, Reason.OUTSIDE_REGION, Reason.OUTSIDE_REGION.meaning
    trouble = next((cell.trouble for cell in cells if cell.trouble is not None), None)
    if trouble is None and any(cell.dependent for cell in cells):
        trouble = Reason.DEPENDENCE
    if trouble is not None:
        return undecided, trouble, f"{trouble.meaning}; {ADVICE[trouble]}"
    return undecided, Reason.PRECISION, _imprecise(plan, _headline(plan, cells))


def _imprecise(plan: Plan, cell: CellEvidence | None) -> str:
    resolved = _resolved(plan, cell)
    because = "the interval still straddles an edge of a region; "
    if resolved is not None:
        because += f"effects below {resolved:.1%} could not be told from none; "
    return because + "a larger --budget, more --seconds or a quieter machine helps"


def _resolved(plan: Plan, cell: CellEvidence | None) -> float | None:
    """Return the share by which an effect must exceed none for an interval of this width to show it."""
    if cell is None or plan.effect is Effect.TREND:
        return None
    low, high = cell.own.low, cell.own.high
    if not 0 < low <= high < math.inf:
        return None
    return rounded((1 + NEGLIGIBLE) * math.sqrt(high / low) - 1)


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
