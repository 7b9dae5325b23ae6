"""Scaling efficiency projected to more devices by a model of ring all-reduce; it is shown, and never judged.

A ring all-reduce of S bytes over n devices moves 2 (n - 1) / n * S bytes over each link, in 2 (n - 1) steps
(Thakur, Rabenseifner and Gropp 2005, doi 10.1177/1094342005051521; Patarasuk and Yuan 2009, doi
10.1016/j.jpdc.2008.09.002). With messages large enough for latency not to count, equal links, and the
share of it hidden behind computing unchanged, what communication adds to a step grows by that factor alone.
"""

from kb.regions import Interval

ASSUMED = (
    "a ring over all devices, equal links, messages so large that latency does not count, the same share of "
    "communication hidden behind computing"
)
MISSES = (
    "from 64 V100 to 256 and to 1,024 (NVIDIA's BERT tables of 2019) it comes out 3.5 points below and 5.3 "
    "above what was published"
)


def ring(devices: int) -> float:
    """Return how often the gradients' bytes cross each link of a ring: 2 (n - 1) / n; 0 for one device."""
    return 2 * (devices - 1) / devices


def projected(efficiency: float, measured: int, devices: int) -> float:
    """Return the efficiency of weak scaling on more devices.

    Parameters
    ----------
    efficiency : float
        Measured: the time of one device over that of `measured` devices, each with as much work.
    measured, devices : int
        At how many it was measured, and for how many it is asked; at least 2.
    """
    added = (1 / efficiency - 1) * ring(devices) / ring(measured)
    return 1 / (1 + added)


def projected_interval(interval: Interval, measured: int, devices: int) -> Interval:
    """Return the projections of an interval's edges; it knows nothing of how far the model is off."""
    return Interval(*(projected(edge, measured, devices) for edge in (interval.low, interval.high)))
