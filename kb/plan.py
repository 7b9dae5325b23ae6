"""A plan: everything about a run that is fixed, and hashed, before anything is measured.

From a plan and raw samples alone, `kb.verdict.judge` makes the same verdict again, byte for byte.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from kb.claim import Claim
from kb.regions import POLICY, Interval, region_of
from kb.words import Budget, Effect, Quantifier

ALPHA = 0.05
FEWEST_BLOCKS = 8
MOST_BLOCKS = 40
SECONDS = {Budget.SMOKE: 20.0, Budget.QUICK: 180.0, Budget.NORMAL: 600.0, Budget.DEEP: 3600.0}
BURST_SECONDS = {Budget.SMOKE: 0.02, Budget.QUICK: 0.1, Budget.NORMAL: 0.1, Budget.DEEP: 0.25}
Settings: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class PlannedReading:
    """A reading with its region; edges None where open."""

    name: str
    low: float | None
    high: float | None

    @property
    def region(self) -> Interval:
        """The region as an interval."""
        return region_of(_Given(self.low, self.high))


@dataclass(frozen=True)
class _Given:
    low: float | None
    high: float | None
    value: float | None = None


@dataclass(frozen=True)
class Plan:
    """What will be measured and how it will be judged.

    Attributes
    ----------
    pairs : list of list of str
        Arm pairs [of, against].
    settings : list of dict
        Combinations of the swept settings, in the order of measurement.
    deciding : list of list of int
        Cells as [index of settings, index of pair] from which the verdict is made.
    along : str or None
        For a trend, the setting along which its slope is taken.
    declared : int
        How many deciding cells the claim declares; fewer are left where arms had to be dropped.
    dropped : list of str
        Arms that are not to be had here, and why.
    magnitude : bool
        Whether the source states a figure, so that a magnitude can be judged.
    """

    claim: str
    effect: Effect
    quantifier: Quantifier
    readings: list[PlannedReading]
    magnitude: bool
    pairs: list[list[str]]
    settings: list[Settings]
    deciding: list[list[int]]
    along: str | None
    budget: Budget
    seconds: float
    burst_seconds: float
    fewest_blocks: int
    most_blocks: int
    alpha: float
    policy: int
    threads: int
    device: str
    seed: int
    declared: int
    dropped: list[str] = field(default_factory=list)

    def without(self, lacking: Mapping[str, str]) -> "Plan":
        """Return the plan without the pairs whose arms are not to be had here.

        Parameters
        ----------
        lacking : mapping of str to str
            What each missing arm lacks, in a sentence.
        """
        kept = [index for index, pair in enumerate(self.pairs) if not set(pair) & set(lacking)]
        deciding = [[place, kept.index(index)] for place, index in self.deciding if index in kept]
        dropped = [f"{arm}: {why}" for arm, why in sorted(lacking.items())]
        pairs = [self.pairs[index] for index in kept]
        return replace(self, pairs=pairs, deciding=deciding, dropped=dropped)

    def narrowed(self) -> bool:
        """Tell whether cells from which the claim is decided had to be dropped."""
        return bool(self.dropped) and len(self.deciding) < self.declared

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        """Return the plan that `as_json` wrote."""
        return cls(
            **{
                **data,
                "effect": Effect(data["effect"]),
                "quantifier": Quantifier(data["quantifier"]),
                "budget": Budget(data["budget"]),
                "readings": [PlannedReading(**reading) for reading in data["readings"]],
            }
        )


def digest(data: object) -> str:
    """Return the SHA-256 of JSON data in a canonical form (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def make_plan(name: str, claim: Claim, budget: Budget, threads: int, device: str, seed: int) -> Plan:
    """Fix what a run of a measured claim will do.

    A smoke or quick run keeps to the deciding cells; the others add the remaining cells as context.

    Parameters
    ----------
    name : str
        Id of the claim.
    claim : Claim
        A measured claim with cells.
    budget : Budget
        How much time may be spent.
    threads : int
        Threads for every framework.
    device : str
        `cpu`, `cuda`, ...
    seed : int
        Seed of weights, data and the order of bursts.

    Raises
    ------
    ValueError
        Where the claim has no cells or no estimand.
    """
    if claim.cells is None or claim.estimand is None or claim.quantifier is None:
        message = f"{name} has no estimand, quantifier or cells, so nothing can be planned"
        raise ValueError(message)
    pairs = [list(pair) for pair in claim.cells.arms]
    swept = claim.cells.settings
    settings = [dict(zip(swept, values, strict=True)) for values in itertools.product(*swept.values())]
    deciding = _deciding(claim, pairs, settings)
    if budget is Budget.SMOKE and claim.estimand.effect is not Effect.TREND:
        deciding = deciding[:1]
    if budget in (Budget.SMOKE, Budget.QUICK):
        pairs, settings, deciding = _only(deciding, pairs, settings)
    regions = [(reading.name, region_of(reading)) for reading in claim.readings]
    smoke = budget is Budget.SMOKE
    return Plan(
        claim=name,
        effect=claim.estimand.effect,
        quantifier=claim.quantifier,
        readings=[PlannedReading(reading, *region.as_json()) for reading, region in regions],
        magnitude=claim.region is not None,
        pairs=pairs,
        settings=settings,
        deciding=deciding,
        along=claim.along,
        budget=budget,
        seconds=SECONDS[budget],
        burst_seconds=BURST_SECONDS[budget],
        fewest_blocks=FEWEST_BLOCKS,
        most_blocks=1 if smoke else MOST_BLOCKS,
        alpha=ALPHA,
        policy=POLICY,
        threads=threads,
        device=device,
        seed=seed,
        declared=len(deciding),
    )


def _deciding(claim: Claim, pairs: list[list[str]], settings: list[Settings]) -> list[list[int]]:
    primary = claim.primary
    return [
        [place, index]
        for place, combination in enumerate(settings)
        for index, pair in enumerate(pairs)
        if primary is None
        or (
            pair == primary.arms and all(combination[key] == value for key, value in primary.settings.items())
        )
    ]


def _only(
    deciding: list[list[int]], pairs: list[list[str]], settings: list[Settings]
) -> tuple[list[list[str]], list[Settings], list[list[int]]]:
    """Drop the settings and pairs from which nothing is decided, renumbering the deciding cells."""
    places = sorted({place for place, _ in deciding})
    indices = sorted({index for _, index in deciding})
    renumbered = [[places.index(place), indices.index(index)] for place, index in deciding]
    return [pairs[index] for index in indices], [settings[place] for place in places], renumbered
