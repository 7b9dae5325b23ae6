"""A plan: everything about a run that is fixed, and hashed, before anything is measured.

From a plan and raw samples alone, `kb.verdict.judge` makes the same verdict again, byte for byte.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from kb.regions import Interval, region_of
from kb.words import Budget, Effect, Quantifier

THREADS = "threads"
EVERY_THREAD = "all"
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
    beside : list of str
        Arms that are measured beside the pairs and shown with them; they never bear on a verdict.
    along : str or None
        The setting along which a trend's slope is taken, or where a crossover is looked for.
    fewest_blocks, most_blocks : int
        Blocks before a verdict, and at most; control blocks come on top.
    control_every : int
        Every so many blocks one is a control, in which arms stand against themselves; 0 for none.
    declared : int
        How many deciding cells the claim declares; fewer are left where arms had to be dropped.
    dropped : list of str
        Arms that are not to be had here, and why.
    tuned : bool
        Whether of each side only the arm decides that is fastest in the pilot.
    magnitude : bool
        Whether the source states a figure, so that a magnitude can be judged.
    kept_seconds : float
        Of the seconds, those that are kept for cells from which nothing is decided.
    """

    claim: str
    effect: Effect
    quantifier: Quantifier
    readings: list[PlannedReading]
    magnitude: bool
    pairs: list[list[str]]
    settings: list[Settings]
    deciding: list[list[int]]
    beside: list[str]
    along: str | None
    budget: Budget
    seconds: float
    burst_seconds: float
    fewest_blocks: int
    most_blocks: int
    control_every: int
    alpha: float
    policy: int
    threads: int
    device: str
    seed: int
    declared: int
    dropped: list[str] = field(default_factory=list)
    tuned: bool = False
    kept_seconds: float = 0.0

    def is_control(self, block: int) -> bool:
        """Tell whether the block of this 1-based number holds arms against themselves."""
        return block > 0 < self.control_every and block % self.control_every == 0

    def deciding_pairs(self) -> list[list[str]]:
        """Return the arm pairs of the cells that decide."""
        return [self.pairs[index] for index in sorted({index for _, index in self.deciding})]

    def has_context(self) -> bool:
        """Tell whether there are cells, or arms beside, from which nothing is decided."""
        return bool(self.beside) or len(self.deciding) < len(self.settings) * len(self.pairs)

    def deciding_seconds(self) -> float:
        """Return the seconds that the cells from which something is decided may take."""
        return self.seconds - (self.kept_seconds if self.has_context() else 0.0)

    def threads_at(self, place: int) -> int:
        """Return the threads of every framework at a place: the run's, unless threads are swept."""
        found = self.settings[place].get(THREADS, EVERY_THREAD)
        return self.threads if found == EVERY_THREAD else int(found)

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
        beside = [arm for arm in self.beside if arm not in lacking]
        return replace(self, pairs=pairs, beside=beside, deciding=deciding, dropped=dropped)

    def with_fastest(self, costs: Mapping[str, float]) -> "Plan":
        """Return the plan in which at each place the fastest arm of either side decides.

        Parameters
        ----------
        costs : mapping of str to float
            Cost of a step by `arm@place`, from processes that are not judged.
        """
        places = sorted({place for place, _ in self.deciding})
        return replace(self, deciding=[[place, self._fastest_at(place, costs)] for place in places])

    def _fastest_at(self, place: int, costs: Mapping[str, float]) -> int:
        pairs = [self.pairs[index] for at, index in self.deciding if at == place]
        sides = [sorted({pair[side] for pair in pairs}) for side in (0, 1)]
        return self.pairs.index([min(arms, key=lambda arm: costs[f"{arm}@{place}"]) for arms in sides])

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
