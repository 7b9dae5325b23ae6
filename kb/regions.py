"""Regions: the effects for which a reading of a claim counts as true, fixed before anything is measured.

Policy 1, from measurement.md section 3.2: a margin of 2% is negligible; a stated effect is met within a
quarter of itself on either side. They are policy, not fact, and are shown with every verdict.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

POLICY = 1
NEGLIGIBLE = 0.02
TOLERANCE = 0.25
MULTIPLE = 1.995  # an effect printed as a multiple ("3x", "twice"): tolerance applies to the factor itself


@dataclass(frozen=True)
class Interval:
    """An interval of effects; infinite on a side that is open.

    Attributes
    ----------
    low, high : float
        Edges, dimensionless (a ratio), or in the unit of a difference or slope.
    """

    low: float = -math.inf
    high: float = math.inf

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it."""
        return self.low > self.high

    def inside(self, other: "Interval") -> bool:
        """Tell whether all of this interval lies in the other."""
        return other.low <= self.low and self.high <= other.high

    def disjoint(self, other: "Interval") -> bool:
        """Tell whether the two share nothing."""
        return self.high < other.low or self.low > other.high

    def meet(self, other: "Interval") -> "Interval":
        """Return what lies in both; low above high where nothing does."""
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def stretched(self, factor: float) -> "Interval":
        """Return the interval widened about its middle; one that is open or empty stays as it is."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        if self.empty or not math.isfinite(half):
            return self
        return Interval(middle - factor * half, middle + factor * half)

    def as_json(self) -> list[float | None]:
        """Return the edges, None where open, since JSON has no infinity."""
        return [edge if math.isfinite(edge) else None for edge in (self.low, self.high)]


class Edges(Protocol):
    """What a region is made from: a reading of a claim."""

    @property
    def value(self) -> float | None:
        """The effect that the wording states."""

    @property
    def low(self) -> float | None:
        """The lower edge, where given."""

    @property
    def high(self) -> float | None:
        """The upper edge, where given."""


def region_of(reading: Edges) -> Interval:
    """Return the region of one reading: its own edges where given, else the policy's around its value.

    A value from 2 upward is a multiple, "3x", met from 2.25 to 3.75; below, it is a difference from one,
    "25%", met from 18.75% to 31.25%.
    """
    low, high = reading.low, reading.high
    if low is None and high is None and reading.value is not None:
        value = reading.value
        base = 0.0 if value >= MULTIPLE else 1.0
        reach = TOLERANCE * abs(value - base)
        low, high = value - reach, value + reach
    return Interval(-math.inf if low is None else low, math.inf if high is None else high)


def hull(regions: Sequence[Interval]) -> Interval:
    """Return the smallest interval that covers all regions."""
    return Interval(min(region.low for region in regions), max(region.high for region in regions))


def union(regions: Sequence[Interval]) -> list[Interval]:
    """Merge regions that overlap or touch; sorted, disjoint."""
    merged: list[Interval] = []
    for region in sorted(regions, key=lambda region: (region.low, region.high)):
        if merged and region.low <= merged[-1].high:
            merged[-1] = Interval(merged[-1].low, max(merged[-1].high, region.high))
        else:
            merged.append(region)
    return merged


DIRECTION = Interval(1 + NEGLIGIBLE, math.inf)
"""Direction counts as shown when the effect exceeds the negligible margin."""
EQUAL = Interval(1 / (1 + NEGLIGIBLE), 1 + NEGLIGIBLE)
"""Effects that nobody would notice."""
