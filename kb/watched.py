"""What went on beside the bursts of a block: on the cores, in the processes that waited, at the host."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Watched:
    """Sums over the bursts of one block; times in ns.

    Attributes
    ----------
    block : int
        1-based number of the block.
    cores : int
        Processor cores that the run's processes may use.
    wall : int
        Wall time in which its bursts ran, from the first to the last.
    bursts : int
        Wall time within bursts.
    partner : int
        Processor time that the waiting processes used during bursts.
    others : int
        Processor time that processes outside the run used on those cores during `wall`.
    stolen : int
        Time that the host of a virtual machine withheld during `wall`, over those cores.
    throttled : int
        Time that a processor quota stopped us during `wall`.
    switches : int
        How often a measured process was interrupted during its bursts.
    """

    block: int
    cores: int
    wall: int
    bursts: int
    partner: int
    others: int
    stolen: int
    throttled: int
    switches: int

    def __add__(self, other: "Watched") -> "Watched":
        """Return both parts of a block together."""
        both = {name: getattr(self, name) + getattr(other, name) for name in NAMES}
        return Watched(**{**both, "block": self.block, "cores": self.cores})

    @property
    def disturbance(self) -> float:
        """Share of the cores' time that went elsewhere while bursts ran."""
        return (self.others + self.stolen + self.throttled) / max(self.cores * self.wall, 1)


NAMES = tuple(field.name for field in fields(Watched))


def as_columns(watched: Iterable[Watched]) -> dict[str, list[int]]:
    """Return what was watched as columns, the form in which an outcome keeps it."""
    rows = list(watched)
    return {name: [getattr(row, name) for row in rows] for name in NAMES} if rows else {}


def from_columns(columns: Mapping[str, list[Any]]) -> list[Watched]:
    """Return what `as_columns` wrote."""
    if not columns:
        return []
    return [Watched(*row) for row in zip(*(columns[name] for name in NAMES), strict=True)]
