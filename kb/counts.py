"""The verdict rule of measured claims whose number is counted, not sampled, so that it has no noise."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kb.claim import Claim
from kb.regions import Interval, region_of
from kb.rulings import Ruling
from kb.words import Reason, Verdict

MISSING = "missing"
"""The field in which a finding says why its number is not to be had."""


@dataclass(frozen=True)
class CountJudgement:
    """What a counted number came to; `interval` is the number itself, twice."""

    verdict: Verdict
    reason: Reason
    because: str
    direction: Ruling
    magnitude: Ruling
    readings: list[dict[str, Any]]
    estimate: float | None
    interval: list[float | None]


def judge_count(claim: Claim, finding: Mapping[str, Any]) -> CountJudgement:
    """Judge a measured claim by one field of a finding: supported if a reading holds, refuted if none does.

    Parameters
    ----------
    claim : Claim
        Its estimand names the field.
    finding : mapping
        Named fields as the verifier observed them; the number may be None, with the reason in `missing`.
    """
    field = claim.estimand.field if claim.estimand else None
    value = finding[field] if field else None
    regions = {reading.name: region_of(reading) for reading in claim.readings}
    if value is None:
        because = str(finding.get(MISSING) or "the finding has no such figure")
        undecided = Ruling(Verdict.UNTESTED, Reason.NO_DATA.value)
        readings = [_reading(name, region, undecided) for name, region in regions.items()]
        return CountJudgement(
            Verdict.UNTESTED, Reason.NO_DATA, because, undecided, undecided, readings, None, [None, None]
        )
    if not is_number(value):
        message = f"the finding's {field} is {value!r}, expected a finite number or None"
        raise ValueError(message)
    number = float(value)
    rulings = {name: _ruling(number, region) for name, region in regions.items()}
    held = [name for name, ruling in rulings.items() if ruling.verdict is Verdict.SUPPORTED]
    tags = {ruling.tag for ruling in rulings.values()}
    overall = Ruling(Verdict.SUPPORTED)
    if not held:
        overall = Ruling(Verdict.REFUTED, tags.pop() if len(tags) == 1 else "")
    because = f"{field} is {number:.4g}: " + (
        f"inside {', '.join(held)}" if held else "outside every reading"
    )
    return CountJudgement(
        verdict=overall.verdict,
        reason=Reason.FINDING,
        because=because,
        direction=overall,
        magnitude=overall if claim.region is not None else Ruling(Verdict.UNTESTED, Reason.NO_REGION.value),
        readings=[_reading(name, regions[name], ruling) for name, ruling in rulings.items()],
        estimate=number,
        interval=[number, number],
    )


def is_number(value: object) -> bool:
    """Tell finite numbers from all else; what is none must never be held against a region."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _ruling(number: float, region: Interval) -> Ruling:
    if region.low <= number <= region.high:
        return Ruling(Verdict.SUPPORTED)
    return Ruling(Verdict.REFUTED, "larger" if number > region.high else "smaller")


def _reading(name: str, region: Interval, ruling: Ruling) -> dict[str, Any]:
    low, high = region.as_json()
    return {"name": name, "low": low, "high": high, **asdict(ruling)}
