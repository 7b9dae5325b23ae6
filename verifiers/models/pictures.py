"""What two ways of writing an image classifier's training share: pictures, settings, first weights."""

from collections.abc import Sequence

import numpy as np

CLASSES, SIDE = 4, 12
SIZES = {"training": 512, "validation": 128, "test": 128}
BATCH, EPOCHS, RATE = 32, 5, 0.05

Split = tuple[np.ndarray, np.ndarray]


def splits(*, channels_last: bool) -> dict[str, Split]:
    """Return pictures, float32 and (n, 12, 12, 1) or (n, 1, 12, 12), and labels, int64, of each split."""
    random = np.random.default_rng(0)
    stop = np.cumsum(list(SIZES.values()))
    labels = random.integers(0, CLASSES, stop[-1])
    patterns = random.normal(size=(CLASSES, SIDE, SIDE))
    noise = random.normal(size=(stop[-1], SIDE, SIDE))
    pictures = np.expand_dims(patterns[labels] + 1.5 * noise, -1 if channels_last else 1).astype(np.float32)
    return dict(
        zip(SIZES, zip(np.split(pictures, stop[:-1]), np.split(labels, stop[:-1]), strict=True), strict=True)
    )


def weights(shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Return first weights of these shapes, inputs before outputs; biases are 0."""
    random = np.random.default_rng(1)
    return [
        random.normal(0.0, (2 / np.prod(shape[:-1])) ** 0.5, shape) if len(shape) > 1 else np.zeros(shape)
        for shape in shapes
    ]
