"""What is said beside a verdict and never judged: crossovers, projections, rates, what compilers made."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from kb.crossover import Sweep, sweeps
from kb.projection import ASSUMED, MISSES, projected_interval
from kb.regions import Interval
from kb.sentences import bounds, cell_name, deciding
from kb.words import Effect

Json = Mapping[str, Any]
NANO = 1e9
STATED = "stated/"
"""How an arm's name begins that waits as long as a stated rate would take."""
LEAST_PROJECTED = 3
"""Devices from which on a claim cannot be measured where two are."""


def crossovers(found: Json) -> list[str]:
    """Return where the lead changes hands along the swept setting, a sentence for each arm pair."""
    along = found["plan"]["along"]
    if found["plan"]["effect"] == Effect.TREND:
        return []
    return [f"{cell_name(sweep.settings, sweep.pair)}: {_lead(sweep, along)}" for sweep in sweeps(found)]


def _lead(sweep: Sweep, along: str) -> str:
    of, against = sweep.pair
    first, last = sweep.sizes[0], sweep.sizes[-1]
    ahead = {1: of, -1: against}
    if sweep.crossing is not None and sweep.estimate is not None:
        before, after = sweep.crossing
        later = ahead[sweep.leads[sweep.sizes.index(after)]]
        return f"{later} takes the lead between {along} {before:g} and {after:g}, near {sweep.estimate:.2g}"
    shown = {lead for lead in sweep.leads if lead}
    if not shown:
        return f"no lead is shown from {along} {first:g} to {last:g}"
    leader = ahead[shown.pop()]
    if 0 in sweep.leads:
        sizes = [f"{size:g}" for size, lead in zip(sweep.sizes, sweep.leads, strict=True) if lead]
        return f"{leader} leads at {along} {', '.join(sizes)}; elsewhere no lead is shown"
    return f"{leader} leads from {along} {first:g} to {last:g}, no crossover"


def projection(found: Json, record: Json) -> str | None:
    """Return the efficiency projected to the devices that the claim speaks of; None where none is asked."""
    devices = (record.get("scope") or {}).get("devices", 1)
    cells = deciding(found)
    low, high = found["interval"]
    if not cells or devices < LEAST_PROJECTED or None in (low, high) or found["plan"]["effect"] != "speedup":
        return None
    measured = found["plan"]["settings"][cells[0]["place"]].get("processes", 1)
    if not 1 < measured < devices:
        return None
    reached = projected_interval(Interval(low, high), measured, devices)
    within = bounds(reached.low, reached.high, form=".3f")
    return f"{within} on {devices} devices, a model and no measurement: {ASSUMED}; {MISSES}"


def rates(found: Json, record: Json, cell: Json) -> str | None:
    """Return what the arms of a cell got done in a second, in all and for each core of the claim's scope.

    The rate of the baseline is the median over its bursts, that of the other arm the cell's estimate times
    it. Of a stated rate the cores are those of the scope, of a measured one the threads of the run. None
    unless the claim speaks of a rate (its unit is "... /s") and of cores.
    """
    unit, cores = record["estimand"]["unit"], (record.get("scope") or {}).get("cores")
    if not unit.endswith("/s") or not cores or cell["estimate"] is None:
        return None
    of, against = found["plan"]["pairs"][cell["pair"]]
    samples, place = found["samples"], cell["place"]
    rows = zip(samples["arm"], samples["place"], samples["steps"], samples["cost"], strict=True)
    speeds = [steps / cost for arm, at, steps, cost in rows if (arm, at) == (against, place)]
    if not speeds:
        return None
    baseline = median(speeds) * NANO * found["pilot"][f"{against}@{place}"]["items"]
    told = []
    for arm, rate in ((of, cell["estimate"] * baseline), (against, baseline)):
        shared = cores if arm.startswith(STATED) else found["plan"]["threads"]
        told.append(f"{arm} {rate:,.0f} {unit}, {rate / shared:,.0f} for each of {shared} cores")
    return "; ".join(told)


def anatomy(found: Json, cell: Json) -> str | None:
    """Return what compilers made of the work of a cell's arms; None where no arm says."""
    pair = found["plan"]["pairs"][cell["pair"]]
    parts = {arm: found["pilot"].get(f"{arm}@{cell['place']}", {}).get("anatomy", {}) for arm in pair}
    told = (
        f"{arm}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items())
        for arm, counts in parts.items()
        if counts
    )
    return "; ".join(told) or None
