"""The process in which a verifier runs: it hosts one side of a comparison and obeys a pipe.

Standard library and numpy only. Requests and replies are JSON lines on two inherited file descriptors, so
whatever a verifier prints goes to its log and cannot be mistaken for a reply.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from kb.memory import Meter, weight
from kb.verifier import Cell, Declaration, Step, Unavailable, declared

WARM_SECONDS = 1.0
FEWEST_WARM = 3
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)
MODULES = {"pytorch": "torch", "tensorflow": "tensorflow", "jax": "jax"}


class Host:
    """One verifier, loaded, with the steps that were built for its cells."""

    def __init__(self, path: Path) -> None:
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            message = f"{path} is not a Python script"
            raise ImportError(message)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        self.function: Callable[..., Any] = declared(module)
        self.declaration: Declaration = self.function.declaration  # type: ignore[attr-defined]
        self.steps: dict[str, Step] = {}
        self.import_ns = 0

    def describe(self) -> dict[str, Any]:
        """Say what the verifier declares."""
        return dict(vars(self.declaration))

    def open(self, key: str, cell: dict[str, Any]) -> dict[str, Any]:
        """Import the framework and build the step of a cell, each timed apart."""
        asked = Cell(**cell)
        if not self.steps:
            self.import_ns = _timed(lambda: _import(asked.framework))[0]
        built, step = _timed(lambda: self.function(asked))
        if not isinstance(step, Step):
            message = f"the verifier returned {type(step).__name__}, expected a kb.verifier.Step"
            raise TypeError(message)
        self.steps[key] = step
        return {
            "import_ns": self.import_ns,
            "build_ns": built,
            "items": step.items,
            "flops": step.flops,
        }

    def outputs(self, key: str, path: str) -> dict[str, Any]:
        """Save the arrays that the parity gate compares."""
        arrays = {name: np.asarray(array) for name, array in self.steps[key].outputs().items()}
        if odd := [name for name, array in arrays.items() if array.dtype.kind not in "biufc"]:
            message = f"outputs must be arrays of numbers; {', '.join(odd)} is not"
            raise TypeError(message)
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return {"arrays": sorted(arrays)}

    def anatomy(self, key: str) -> dict[str, Any]:
        """Say what the arm made of the work."""
        return {"anatomy": dict(self.steps[key].anatomy())}

    def warm(self, key: str, steps: int) -> dict[str, Any]:
        """Run steps until they are done, or a second has passed; report each, and what was then in force."""
        step, times = self.steps[key], list[int]()
        began = time.perf_counter()
        while len(times) < max(steps, 1):
            times.append(_timed(step.run)[0])
            if len(times) >= FEWEST_WARM and time.perf_counter() - began > WARM_SECONDS:
                break
        gc.collect()
        later = sorted(times[1:] or times)
        return {
            "first_ns": times[0],
            "typical_ns": later[len(later) // 2],
            "times": times,
            "settings": dict(step.settings()),
        }

    def burst(self, key: str, steps: int) -> dict[str, Any]:
        """Time a burst of steps as a whole."""
        run = self.steps[key].run
        gc.collect(1)  # all generations were collected after warm-up; doing so each time costs 0.1 s
        before = resource.getrusage(resource.RUSAGE_SELF)
        cpu, start = time.process_time_ns(), time.monotonic_ns()
        wall = time.perf_counter_ns()
        for _ in range(steps):
            run()
        wall = time.perf_counter_ns() - wall
        cpu = time.process_time_ns() - cpu
        switched = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before.ru_nivcsw
        return {"cost": wall, "cpu": cpu, "start": start, "switches": switched}

    def cpu(self) -> dict[str, Any]:
        """Report the processor time used so far, from which idleness is told, and whether children live."""
        return {"cpu": time.process_time_ns(), "children": _has_children()}

    def weigh(self, cell: dict[str, Any], steps: int) -> dict[str, Any]:
        """Measure how far memory peaks above its level after the framework was imported."""
        asked = Cell(**cell)
        _import(asked.framework)
        meter = Meter(asked.framework, asked.device)
        meter.start()
        start = time.monotonic_ns()
        step = self.function(asked)
        for _ in range(steps):
            step.run()
        found = meter.stop()
        return {
            "cost": weight(found, asked.device),
            "weighed": found,
            "cpu": time.process_time_ns(),
            "start": start,
            "settings": dict(step.settings()),
        }

    def probe(self) -> dict[str, Any]:
        """Return the finding of a probing verifier."""
        finding = self.function()
        wanted = set(self.declaration.fields)
        if not isinstance(finding, dict) or set(finding) != wanted:
            message = (
                f"the finding must be a dict with exactly the fields {sorted(wanted)}; found {finding!r:.300}"
            )
            raise TypeError(message)
        return {"finding": finding}


def _has_children() -> bool:
    """Tell whether this process has started others; where the system cannot say, that it may have."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _import(framework: str) -> None:
    """Import a framework ahead of the verifier; where it is missing, the verifier says what it needs."""
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(MODULES.get(framework, "numpy"))


def _timed(call: Callable[[], Any]) -> tuple[int, Any]:
    began = time.perf_counter_ns()
    value = call()
    return time.perf_counter_ns() - began, value


def _serve(host: Host, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until the pipe closes."""
    for line in requests:
        request = json.loads(line)
        try:
            reply = getattr(host, request.pop("do"))(**request)
        except Unavailable as lacking:
            reply = {"unavailable": str(lacking), "reason": lacking.reason}
        replies.write(json.dumps(reply, allow_nan=False) + "\n")
        replies.flush()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Load the verifier named in the arguments and serve it on the two file descriptors after it."""
    _die_with_parent()
    path, reading, writing = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    with (
        os.fdopen(reading, encoding="utf-8") as requests,
        os.fdopen(writing, "w", encoding="utf-8") as replies,
    ):
        try:
            _serve(Host(path), requests, replies)
        except Unavailable as lacking:
            replies.write(json.dumps({"unavailable": str(lacking), "reason": lacking.reason}) + "\n")
        except ModuleNotFoundError as missing:
            traceback.print_exc()
            needed = f"needs {missing.name}; install it with: pip install {missing.name}"
            replies.write(json.dumps({"unavailable": needed, "reason": "no-software"}) + "\n")
        except BaseException:
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # frameworks that hang at exit must not hold up the run
