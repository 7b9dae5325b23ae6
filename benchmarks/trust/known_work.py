# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Work of known amount: both arms do the same, b as much more of it as the claim's cell says.

A repetition takes about a tenth of a millisecond; a step of arm a repeats it 20 times, of arm b 20, 21 or 25.
numpy alone, so that a fresh process starts within 0.2 s.
"""

import hashlib
import json
import zlib
from collections.abc import Callable

import numpy as np

from kb.verifier import Cell, Step, measures, rng

REPETITIONS = 20
Work = Callable[[], object]


def matmul(draw: np.random.Generator, size: int) -> Work:
    """Multiply two square matrices in float32."""
    left, right = draw.standard_normal((2, size, size), np.float32)
    into = np.empty_like(left)
    return lambda: np.matmul(left, right, out=into)


def solve(draw: np.random.Generator, size: int) -> Work:
    """Solve a system of linear equations."""
    matrix, vector = draw.standard_normal((size, size)), draw.standard_normal(size)
    return lambda: np.linalg.solve(matrix, vector)


def sort(draw: np.random.Generator, size: int) -> Work:
    """Sort numbers of which the order is drawn."""
    numbers = draw.random(size)
    return lambda: np.sort(numbers)


def fft(draw: np.random.Generator, size: int) -> Work:
    """Transform a real signal."""
    signal = draw.random(size)
    return lambda: np.fft.rfft(signal)


def copy(draw: np.random.Generator, size: int) -> Work:
    """Copy bytes."""
    source = draw.integers(0, 256, size, np.uint8)
    into = np.empty_like(source)

    def run() -> object:
        np.copyto(into, source)
        return into

    return run


def exponential(draw: np.random.Generator, size: int) -> Work:
    """Raise e to an array of numbers."""
    numbers = draw.random(size)
    into = np.empty_like(numbers)
    return lambda: np.exp(numbers, out=into)


def loop(draw: np.random.Generator, size: int) -> Work:
    """Add up a list in plain Python."""
    numbers = draw.integers(0, 9, size).tolist()

    def run() -> int:
        total = 0
        for number in numbers:
            total += number
        return total

    return run


def convolution(draw: np.random.Generator, size: int) -> Work:
    """Convolve 16 channels into 16, 3 x 3 wide, through the matrix of all windows; then a ReLU."""
    image = draw.standard_normal((size, size, 16), np.float32)
    weights = draw.standard_normal((3, 3, 16, 16), np.float32).reshape(-1, 16)
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))

    def run() -> object:
        columns = windows.transpose(0, 1, 3, 4, 2).reshape(-1, len(weights))
        return np.maximum(columns @ weights, 0)

    return run


def digest(draw: np.random.Generator, size: int) -> Work:
    """Hash bytes with BLAKE2."""
    text = draw.bytes(size)
    return lambda: hashlib.blake2b(text).digest()


def compress(draw: np.random.Generator, size: int) -> Work:
    """Deflate a list of numbers written as text."""
    text = json.dumps(draw.integers(0, 99, size).tolist()).encode()
    return lambda: zlib.compress(text, 1)


KINDS = {
    each.__name__: each
    for each in (matmul, solve, sort, fft, copy, exponential, loop, convolution, digest, compress)
}


@measures(arms=("a/x", "b/x"), min_steps=5, warm_steps=20)
def known_work(cell: Cell) -> Step:
    """Return a step that repeats `cell.work` of `cell.size`, in arm b `cell.factor` times as often."""
    repeated = round(REPETITIONS * (cell.factor if cell.framework == "b" else 1.0))
    work = KINDS[cell.work](rng(cell), cell.size)

    def run() -> None:
        for _ in range(repeated):
            work()

    return Step(run=run, outputs=lambda: {"result": _as_array(work())})


def _as_array(result: object) -> np.ndarray:
    array = np.frombuffer(result, np.uint8) if isinstance(result, bytes) else np.asarray(result)
    return np.stack([array.real, array.imag])
