"""The exact upper bound of a probability from how often something happened (Clopper and Pearson 1934)."""

import math


def upper_bound(hits: int, trials: int, confidence: float = 0.95) -> float:
    """Return the smallest p under which at most `hits` of `trials` has probability 1 - confidence."""
    low, high = hits / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = sum(math.comb(trials, k) * middle**k * (1 - middle) ** (trials - k) for k in range(hits + 1))
        low, high = (middle, high) if below > 1 - confidence else (low, middle)
    return high
