"""The step under asv."""

from work import configured

step = configured()


def time_step():
    """Time the step."""
    step()
