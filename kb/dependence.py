"""Whether successive blocks depend on each other: where they do, intervals are stretched fourfold.

Both confidence sequences rest on blocks that are independent: under an autocorrelation of 0.3 they miss the
truth two to four times as often as they say (measurement.md section 2.3).
"""

from collections.abc import Sequence
from itertools import pairwise

STRONGEST = 0.25
"""Lag-1 rank autocorrelation up to which blocks count as independent."""
BIAS = 2.0
"""What n blocks understate it by, times n: (1 + 3 rho) / n near rho = 1/3 (Marriott and Pope 1954, Biometrika
41, 390)."""
STRETCH = 4.0
"""An autocorrelation of rho widens a mean's law sqrt((1 + rho) / (1 - rho)) times: 4 at rho = 0.88."""
ALIKE = 0.001
"""Spread of the middle half of the blocks' logs below which their order does not matter."""


def rank_autocorrelation(values: Sequence[float]) -> float:
    """Return the lag-1 serial correlation of ranks, 1 - RVN / 2.

    RVN is the rank version of von Neumann's ratio (Bartels 1982, J. Am. Stat. Assoc. 77, 40): the sum of
    squared differences of neighbouring ranks over the sum of squares about the mean rank. Ties share their
    mean rank.

    Parameters
    ----------
    values : sequence of float, shape (n_blocks,)
        In the order of measurement; 0 is returned where all are equal.
    """
    ranks = _ranks(values)
    centre = (len(ranks) + 1) / 2
    scale = sum((rank - centre) ** 2 for rank in ranks)
    if not scale:
        return 0.0
    return 1 - sum((later - rank) ** 2 for rank, later in pairwise(ranks)) / scale / 2


def dependent(values: Sequence[float]) -> bool:
    """Tell whether blocks resemble their predecessors too much for the sequences to hold.

    No test: a threshold on the estimate, corrected for its bias, errs on the side of caution. Blocks that
    alternate (negative autocorrelation) only make the sequences cautious, and pass. So do blocks of which
    half agree to 0.1%, as weights do: what order they come in moves no interval that matters.
    """
    if not values:
        return False
    ordered = sorted(values)
    if ordered[-1 - len(ordered) // 4] - ordered[len(ordered) // 4] < ALIKE:
        return False
    return rank_autocorrelation(values) + BIAS / len(values) > STRONGEST


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered, start=1)))}
    last = {value: place for place, value in enumerate(ordered, start=1)}
    return [(first[value] + last[value]) / 2 for value in values]
