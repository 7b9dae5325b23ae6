"""Input pipelines: images kept as bytes, made floats one by one on the way to the step.

`cell.input` is `memory` (the default: floats that lie ready) or `pipeline`: PyTorch's DataLoader with its
default options over a map-style data set, tf.data with a parallel map and prefetching as its guide has it.
Bytes hold an image in steps of 1/32, a power of two, so that every framework gets the same floats.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from kb.verifier import Array, Cell, Unavailable

MIDDLE = 128
STEPS = 32
Batches = Callable[[int, int], Iterable[tuple[Any, Any]]]
"""The batches of images and labels from a first image to a last."""


def is_piped(cell: Cell) -> bool:
    """Tell whether images come through a pipeline."""
    return bool(cell.settings.get("input", "memory") == "pipeline")


def as_fed(cell: Cell, pixels: Array) -> Array:
    """Return the floats that the step gets: the images themselves, or what bytes keep of them."""
    return _floats(_bytes(pixels)) if is_piped(cell) else pixels


def sliced(x: Any, y: Any, size: int) -> Batches:
    """Return batches cut from arrays that lie ready."""

    def batches(start: int, stop: int) -> Iterable[tuple[Any, Any]]:
        for first in range(start, stop, size):
            last = min(first + size, stop)
            yield x[first:last], y[first:last]

    return batches


def refuse(cell: Cell, who: str) -> None:
    """Refuse a pipeline to a framework that has none of its own.

    Raises
    ------
    Unavailable
        Where the cell asks for one.
    """
    if is_piped(cell):
        message = f"{who} has no input pipeline of its own"
        raise Unavailable(message)


def loaded(pixels: Array, labels: Array, size: int) -> Batches:
    """Return PyTorch's batches, by a DataLoader over a data set that makes one image at a time."""
    import torch
    from torch.utils.data import DataLoader, Dataset, Subset

    class Images(Dataset):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.images, self.labels = (
                torch.from_numpy(_bytes(pixels)),
                torch.from_numpy(labels).to(torch.int64),
            )

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, place: int) -> tuple[Any, Any]:
            image = self.images[place].permute(2, 0, 1).to(torch.float32)
            return (image - MIDDLE) / STEPS, self.labels[place]

    images = Images()

    @cache
    def batches(start: int, stop: int) -> Iterable[tuple[Any, Any]]:
        return DataLoader(Subset(images, range(start, stop)), batch_size=size)

    return batches


def mapped(tf: Any, pixels: Array, labels: Array, size: int) -> Batches:
    """Return TensorFlow's batches, by tf.data."""
    stored = _bytes(pixels)

    def floats(image: Any, label: Any) -> tuple[Any, Any]:
        return (tf.cast(image, tf.float32) - MIDDLE) / STEPS, label

    @cache
    def batches(start: int, stop: int) -> Iterable[tuple[Any, Any]]:
        given = tf.data.Dataset.from_tensor_slices((stored[start:stop], labels[start:stop]))
        return given.map(floats, num_parallel_calls=tf.data.AUTOTUNE).batch(size).prefetch(tf.data.AUTOTUNE)

    return batches


def _bytes(pixels: Array) -> Array:
    return np.clip(np.rint(pixels * STEPS + MIDDLE), 0, 255).astype(np.uint8)


def _floats(stored: Array) -> Array:
    return (stored.astype(np.float32) - MIDDLE) / STEPS
