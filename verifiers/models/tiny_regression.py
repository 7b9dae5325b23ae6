"""A regression of one hidden layer in plain numbers, for trainings of which each weight is compared."""

import random
from collections.abc import Sequence
from math import isfinite
from typing import Any

IMAGES, INPUTS, HIDDEN, OUTPUTS = 16, 8, 16, 4
STEPS, RATE = 5, 0.1
PARAMETERS = INPUTS * HIDDEN + HIDDEN * OUTPUTS


def told(seed: int = 0) -> dict[str, Any]:
    """Return what each process is told: inputs, targets and weights, row by row, steps and learning rate.

    Inputs are (16, 8), targets (16, 4), the weights (8, 16) and (16, 4), all drawn from normal distributions;
    the loss is the mean squared error of `relu(inputs @ first) @ second`, so that the gradient of the whole
    batch is the mean of those of its two halves.
    """
    draw = random.Random(seed)

    def rows(count: int, width: int, scale: float = 1.0) -> list[list[float]]:
        return [[draw.gauss(0.0, scale) for _ in range(width)] for _ in range(count)]

    return {
        "inputs": rows(IMAGES, INPUTS),
        "targets": rows(IMAGES, OUTPUTS),
        "weights": [rows(INPUTS, HIDDEN, INPUTS**-0.5), rows(HIDDEN, OUTPUTS, HIDDEN**-0.5)],
        "steps": STEPS,
        "rate": RATE,
    }


def difference(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return the largest magnitude of a difference, None where numbers are missing or not finite."""
    if len(one) != len(other) or not all(map(isfinite, (*one, *other))):
        return None
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
