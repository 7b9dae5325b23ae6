"""A load on every core in a square wave: on for half a period, off for the other half."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

BURNER = """
import ctypes, os, signal, sys, time
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # dies with its parent
core, half = int(sys.argv[1]), float(sys.argv[2])
os.sched_setaffinity(0, {core})
while True:
    while time.monotonic() // half % 2 == 0:
        sum(range(1000))
    time.sleep(half - time.monotonic() % half)
"""


@contextmanager
def square_wave(period: float) -> Iterator[None]:
    """Burn every core that this process may use, all in step.

    Parameters
    ----------
    period : float
        Seconds from one rise of the load to the next.
    """
    burners = [
        subprocess.Popen([sys.executable, "-c", BURNER, str(core), str(period / 2)])
        for core in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def quiet() -> AbstractContextManager[None]:
    """Leave the machine alone."""
    return nullcontext()
