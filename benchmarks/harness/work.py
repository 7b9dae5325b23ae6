"""The work that every tool of the comparison times: one step of a small dense network, in numpy.

numpy and not torch, because most tools start many processes: numpy starts in 0.1 s, torch in 2 s, and within
equal wall budgets the comparison would be one of how often each tool imports torch. Nothing is allocated in a
step. Arm A repeats the inner product 20 times; arm B 20, 21 (5% more) or 25 times (25% more).
"""

import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np

REPETITIONS = 20
SIZE = 240
VARIABLE = "WORK_REPETITIONS"
WARM_STEPS = 20
BURST_STEPS = 15


def repetitions(factor: float) -> int:
    """Return how often the slower arm repeats the inner product."""
    return round(REPETITIONS * factor)


def step_of(repeated: int) -> Callable[[], object]:
    """Return a step that repeats the inner product so often."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    weights = rng.standard_normal((SIZE, SIZE)).astype(np.float32) / np.float32(SIZE)
    outputs = np.empty_like(inputs)

    def step() -> object:
        for _ in range(repeated):
            np.matmul(inputs, weights, out=outputs)
            np.maximum(outputs, 0, out=outputs)
        return outputs

    return step


def configured() -> Callable[[], object]:
    """Return the step that the environment asks for."""
    return step_of(int(os.environ[VARIABLE]))


def seconds_of(step: Callable[[], object], steps: int) -> float:
    """Return the wall time of a burst of steps."""
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - began


def interleaved(repeated: int, seconds: float) -> tuple[float, float]:
    """Return the time spent in arm A and in arm B in as many steps, ABBA within this process."""
    arms = (step_of(REPETITIONS), step_of(repeated))
    for arm in arms:
        seconds_of(arm, WARM_STEPS)
    spent = [0.0, 0.0]
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for index in (0, 1, 1, 0):
            spent[index] += seconds_of(arms[index], BURST_STEPS)
    return spent[0], spent[1]


def main(arguments: list[str]) -> None:
    """Run a number of steps, or both arms alternated for some seconds."""
    how, repeated, amount = arguments
    if how == "steps":
        seconds_of(step_of(int(repeated)), int(amount))
    else:
        sys.stdout.write(json.dumps(interleaved(int(repeated), float(amount))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
