"""What the arms of training have in common: how they descend, and what each must let itself be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kb.verifier import Array, Arrays
from models.pipelines import Batches

RATE = 2.0**-10  # a power of two, so that dividing a Keras velocity by it gives the gradient exactly
MOMENTUM = 0.9


@dataclass(frozen=True)
class Training:
    """One arm's training; the parity gate uses the machinery that is timed.

    Attributes
    ----------
    passes : callable
        Train once on the images from `start` to `stop`, by batches, and read the last (`fit`: the mean) loss.
    logits : callable
        Of the first batch, in evaluation mode, uncompiled.
    gradients : callable
        Those of the first optimiser step ever, called right after it; common names and layout.
    moved : callable
        The moving means of batch normalisation, common names. Not the variances: PyTorch keeps the unbiased
        variance of a batch, Keras the biased, and neither can be told otherwise.
    observed : callable
        Settings of this mode, read off model, optimiser and tensors, never off what was asked for.
    anatomy : callable
        What a compiler made of one optimiser step.
    """

    passes: Callable[[int, int], float]
    logits: Callable[[], Array]
    gradients: Callable[[], Arrays]
    moved: Callable[[], Arrays]
    observed: Callable[[], Mapping[str, Any]]
    anatomy: Callable[[], Mapping[str, Any]] = dict


def looped(
    advance: Callable[[Any, Any], Any], batches: Batches, finish: Callable[[], object]
) -> Callable[[int, int], float]:
    """Return the `passes` of an arm whose `advance(images, labels)` takes one step and gives its loss."""

    def passes(start: int, stop: int) -> float:
        for images, labels in batches(start, stop):
            loss = advance(images, labels)
        finish()
        return float(loss)

    return passes


def described(kind: str, rate: float, momentum: float) -> str:
    """Return an optimiser's settings in words that are the same for all frameworks."""
    return f"{kind}, rate {rate:g}, momentum {momentum:g}"


def is_moving_mean(name: str) -> bool:
    """Tell the moving means of batch normalisation among names."""
    return name.endswith("/mean")
