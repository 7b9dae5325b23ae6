# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "psutil", "torch"]
#
# [tool.kb.environments]
# torchserve = [
#     "torch==2.13.0", "torchserve==0.12.0", "torch-model-archiver==0.12.0",
#     "captum", "pyyaml", "setuptools<81",
# ]
# ///
"""Whether TorchServe's workers can be scaled while requests run, and throughput with them."""

import importlib.util
import json
import time
from contextlib import ExitStack
from typing import Any

import numpy as np

from kb.verifier import Array, Cell, Unavailable, probes

MODEL = "mlp"
WORKERS = (1, 2, 1)
CLIENTS = 4
WAIT = 0.2
"""Seconds for which a request waits in its worker: one worker answers at most 1 / WAIT in a second."""
SETTLING = 4
ROUND = 8
ROUNDS = 3
PHASE_SECONDS = 90.0
LEAST_OF_LIMIT = 0.7
RTOL = 1e-4
SHOWN = 5


@probes(
    fields=(
        "torchserve_version",
        "torch_version",
        "workers_asked",
        "workers_listed",
        "workers_that_answered",
        "most_at_once",
        "answers_per_second",
        "limit_of_one_worker",
        "two_workers_over_limit_of_one",
        "predictions",
        "failed_while_growing",
        "failed_while_shrinking",
        "wrong",
        "failures",
    ),
    seconds=400,
)
def torchserve_scaling() -> dict[str, Any]:
    """Serve a small MLP, scale its workers from one to two and back to one, and ask all the while.

    Each request waits in its worker, so that the number of workers bounds the answers in a second, and not
    the speed of the machine.

    Returns
    -------
    dict
        Lists have one entry for each number of workers asked for, in order. `workers_listed` is what the
        server describes after each, `workers_that_answered` and `most_at_once` count distinct processes and
        overlapping waits. `answers_per_second` is the best of some rounds, since all that a busy machine does
        is lower it; `limit_of_one_worker` is what one worker cannot exceed. `predictions` counts all
        requests from first to last, also while scaling. Those refused or broken off are
        `failed_while_shrinking` from the moment at which fewer workers are asked for, `failed_while_growing`
        before; `failures` are texts of the first. `wrong` have other logits than PyTorch's own.

    Raises
    ------
    Unavailable
        Without PyTorch, TorchServe or Java, or on a machine so busy that one worker stays far below its
        limit.
    RuntimeError
        Where the server or its workers do not come up, end, or do not answer in time.
    """
    if importlib.util.find_spec("torch") is None:
        message = "needs torch; install it with: pip install torch==2.13.0"
        raise Unavailable(message)
    from models import served_models, torchserve_workers
    from models.steady_requests import SteadyRequests
    from models.torchserve import installed

    installed()
    cell = Cell("pytorch/eager", {"model": MODEL})
    image, expected = served_models.image(cell, "pytorch"), served_models.answer(cell)
    with ExitStack() as ending:
        server = torchserve_workers.serve(served_models.torchscript(cell), image.shape, WAIT, ending)
        kind = "application/octet-stream"
        listed, phases = [server.workers(1)], []
        with SteadyRequests(server.predictions, image.tobytes(), kind, CLIENTS, server.alive) as requests:
            phases.append(_phase(requests))
            for workers in WORKERS[1:]:
                grown = len(requests.outcomes)
                server.scale(workers)
                listed.append(server.workers(workers))
                phases.append(_phase(requests))
        answers = _answers(requests.outcomes, grown, expected)
        if answers["failed_while_growing"]:
            _require_same_worker(phases, answers["failures"])
        finding = {"torchserve_version": server.version, "workers_listed": listed}
        return finding | _throughput(phases) | answers


def _phase(requests: Any) -> list[dict[str, Any]]:
    """Return the answers to requests that were taken up from now on, without the first few, by that time.

    Raises
    ------
    RuntimeError
        Where there are too few in time.
    """
    since = time.monotonic()
    needed = SETTLING + ROUND * ROUNDS

    def begun(outcomes: list[Any]) -> list[dict[str, Any]]:
        answers = [json.loads(each.body) for each in outcomes if not each.failure]
        return sorted((each for each in answers if each["began"] >= since), key=lambda each: each["began"])

    # Those under way while the last needed one was answered come in first.
    if not requests.until(lambda outcomes: len(begun(outcomes)) >= needed + CLIENTS, PHASE_SECONDS):
        failures = [each.failure for each in requests.outcomes if each.failure][-SHOWN:]
        message = f"fewer than {needed + CLIENTS} predictions in {PHASE_SECONDS:g} s; failures: {failures}"
        raise RuntimeError(message)
    return begun(requests.outcomes)[SETTLING:needed]


def _require_same_worker(phases: list[list[dict[str, Any]]], failures: list[str]) -> None:
    """Return where the first worker still answers beside the second.

    Raises
    ------
    RuntimeError
        Where it does not: a worker that a machine without memory ended fails its request too.
    """
    first, both = ({each["worker"] for each in phase} for phase in phases[:2])
    if not first <= both:
        message = f"the first worker ended while a second was added; failures: {failures}"
        raise RuntimeError(message)


def _throughput(phases: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Return what of the finding is about the answers' number and overlap.

    Raises
    ------
    Unavailable
        Where one worker stays so far below its limit that a second one's effect need not show.
    """
    rates, limit = [_rate(phase) for phase in phases], 1 / WAIT
    if (slowest := min(rates[0], rates[-1])) < LEAST_OF_LIMIT * limit:
        message = (
            f"one worker answered {slowest:.2f} requests/s of the {limit:g} that its waits allow; this "
            "machine is too busy, or too slow, to tell what a second adds"
        )
        raise Unavailable(message, "no-hardware")
    return {
        "workers_asked": list(WORKERS),
        "workers_that_answered": [len({each["worker"] for each in phase}) for phase in phases],
        "most_at_once": [_most_at_once(phase) for phase in phases],
        "answers_per_second": [round(rate, 2) for rate in rates],
        "limit_of_one_worker": limit,
        "two_workers_over_limit_of_one": round(rates[1] / limit, 3),
    }


def _answers(outcomes: list[Any], grown: int, expected: Array) -> dict[str, Any]:
    """Return what of the finding is about answers and failures; `grown` outcomes came first."""
    answers = [json.loads(each.body) for each in outcomes if not each.failure]
    return {
        "torch_version": answers[0]["torch"],
        "predictions": len(outcomes),
        "failed_while_growing": sum(bool(each.failure) for each in outcomes[:grown]),
        "failed_while_shrinking": sum(bool(each.failure) for each in outcomes[grown:]),
        "wrong": sum(not _right(each["logits"], expected) for each in answers),
        "failures": [" ".join(each.failure.split()) for each in outcomes if each.failure][:SHOWN],
    }


def _rate(phase: list[dict[str, Any]]) -> float:
    """Return the most answers in a second over a round, from its first wait's begin to its last one's end."""
    rounds = [phase[start : start + ROUND] for start in range(0, len(phase), ROUND)]
    spans = [max(each["ended"] for each in some) - min(each["began"] for each in some) for some in rounds]
    return ROUND / min(spans)


def _most_at_once(phase: list[dict[str, Any]]) -> int:
    """Return how many waits overlapped at most; counted where each begins."""
    return max(sum(other["began"] <= each["began"] < other["ended"] for other in phase) for each in phase)


def _right(logits: list[float], expected: Array) -> bool:
    found = np.array(logits)
    return found.shape == expected.shape and bool(
        np.abs(found - expected).max() <= RTOL * np.abs(expected).max()
    )
