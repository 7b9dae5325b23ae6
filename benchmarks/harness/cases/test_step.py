"""The step under pytest-benchmark."""

from work import configured


def test_step(benchmark):
    """Time the step."""
    benchmark(configured())
