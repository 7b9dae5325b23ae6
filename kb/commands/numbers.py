"""Numbers on the command line: what is not one is said with what was found and expected."""

import argparse
import math

LEAST_SECONDS = 10


def positive(text: str) -> int:
    """Return a whole number above 0."""
    number = int(text)
    if number < 1:
        message = f"found {text}, expected at least 1"
        raise argparse.ArgumentTypeError(message)
    return number


def seconds(text: str) -> float:
    """Return a number of seconds in which a verdict can be tried for."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not LEAST_SECONDS <= number < math.inf:
        message = f"found {text}, expected a number of seconds, at least {LEAST_SECONDS}"
        raise argparse.ArgumentTypeError(message)
    return number
