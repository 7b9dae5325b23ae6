"""The pilot of a run: the parity gate, and what steps cost; nothing of it is judged."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kb.parity import differences
from kb.processes import Worker
from kb.run import NANO, Run, Slot
from kb.verifier import Unavailable
from kb.words import Quantifier


def pilot(run: Run, workers: dict[str, Worker], weighing: bool) -> None:
    """Open every arm once, hold the arms against each other, and learn what their steps cost."""
    lacking: dict[str, str] = {}
    run.report({"event": "pilot", "arms": [arm for _, arm in run.slots()]})
    for place in range(len(run.plan.settings)):
        outputs: dict[Slot, Any] = {}
        for side, arm in run.slots():
            if arm in lacking:
                continue
            try:
                outputs[side, arm] = _open(run, workers[side], arm, place, weighing)
            except Unavailable as missing:
                lacking[arm] = str(missing)
        if _gated(run, place):
            run.measured.parity.extend(_compare(run, outputs, place))
    if lacking:
        _drop(run, lacking)


def _gated(run: Run, place: int) -> bool:
    """Tell whether arms are compared at a place: everywhere, unless later places continue one training."""
    return place == 0 or run.declaration["order"] == "mirrored"


def _open(run: Run, worker: Worker, arm: str, place: int, weighing: bool) -> dict[str, Any]:
    key = f"{arm}@{place}"
    opened = worker.ask("open", key=key, cell=run.cell(arm, place))
    arrays = _outputs(worker, key) if _gated(run, place) else {}
    warmed = {} if weighing else worker.ask("warm", key=key, steps=run.declaration["warm_steps"])
    run.measured.settings[arm] = worker.ask("settings", key=key)["settings"]
    run.measured.pilot[key] = {**opened, **warmed, "burst_steps": _burst_steps(run, warmed)}
    return arrays


def _outputs(worker: Worker, key: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "outputs.npz")
        worker.ask("outputs", key=key, path=path)
        with np.load(path, allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}


def _burst_steps(run: Run, warmed: dict[str, Any]) -> int:
    least = int(run.declaration["min_steps"])
    typical = warmed.get("typical_ns")
    return max(least, math.ceil(run.plan.burst_seconds * NANO / typical)) if typical else least


def _compare(run: Run, outputs: dict[Slot, Any], place: int) -> list[str]:
    """Hold every arm against the first; being equal is transitive up to the tolerance."""
    slots = sorted(outputs, key=lambda slot: slot[0] != "against")
    rtol, atol = run.declaration["rtol"], run.declaration["atol"]
    return [
        f"{slot[1]} against {slots[0][1]} at {run.plan.settings[place]}: {difference}"
        for slot in slots[1:]
        for difference in differences(outputs[slot], outputs[slots[0]], rtol, atol)
    ]


def _drop(run: Run, lacking: dict[str, str]) -> None:
    narrowed = run.plan.without(lacking)
    decides_alone = run.plan.quantifier is Quantifier.TYPICAL and narrowed.narrowed()
    if decides_alone or not narrowed.deciding:
        raise Unavailable("; ".join(narrowed.dropped))
    run.measured.plan = narrowed
