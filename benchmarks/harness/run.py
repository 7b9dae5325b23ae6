"""Compare `verify` with other tools: the same work, equal wall budgets, one sitting, random order.

Every finished comparison is appended to a file of JSON lines at once, so a sitting may be killed at any time;
`--resume` makes what is missing. `report.py` turns the file into the tables of the README.
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from comparison import COMMAND_STEPS, HERE, THREADS, Adapter, Task, ToolFailure
from reference import REFERENCES
from tools import TOOLS
from work import REPETITIONS

FACTORS = (1.0, 1.05, 1.25)
EARLY = {"pytest-benchmark, precision": 3.0, "torch Timer, adaptive": 4.0}
"""Seconds that tools take which stop by a rule of their own long before the budget; for the estimate only."""
PACKAGES = ("pyperf", "pytest-benchmark", "asv", "torch", "numpy", "scipy")
Job = tuple[str, float, int]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="comparisons of each tool at each factor")
    parser.add_argument("--budget", type=float, default=10.0, help="wall seconds of a comparison")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--tools", nargs="*", choices=list(TOOLS), default=list(TOOLS), metavar="TOOL")
    parser.add_argument("--factors", nargs="*", type=float, choices=FACTORS, default=FACTORS)
    parser.add_argument("--peers", type=Path, default=HERE.parent.parent / ".venv-peers/bin/python")
    parser.add_argument("--output", type=Path, help="default results/<date>.jsonl")
    parser.add_argument("--resume", action="store_true", help="add to the output what it lacks")
    return parser.parse_args()


def jobs(options: argparse.Namespace) -> Iterator[Job]:
    """Yield every comparison; a repeat holds all tools at all factors, and references, in random order."""
    for repeat in range(options.repeats):
        found = [(tool, factor, repeat) for tool in options.tools for factor in options.factors]
        found += [(name, factor, repeat) for name in REFERENCES for factor in options.factors if factor != 1]
        random.Random(f"{options.seed}:{repeat}").shuffle(found)
        yield from found


def done(path: Path, budget: float) -> set[Job]:
    """Return the comparisons of this budget that a file already holds, but for those that failed."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {
        (row["tool"], row["factor"], row["repeat"])
        for row in rows
        if row["kind"] == "comparison" and row["budget"] == budget and "error" not in row
    }


def costs(peers: Path) -> tuple[float, float]:
    """Measure the seconds that a process with numpy takes to start, and that a step of arm A takes."""
    starts = [_seconds(peers, 0) for _ in range(5)]
    whole = [_seconds(peers, COMMAND_STEPS) for _ in range(5)]
    return median(starts), max(1e-4, (median(whole) - median(starts)) / COMMAND_STEPS)


def _seconds(peers: Path, steps: int) -> float:
    began = time.monotonic()
    command = [peers, HERE / "work.py", "steps", str(REPETITIONS), str(steps)]
    subprocess.run(command, check=True, env={**os.environ, **THREADS})
    return time.monotonic() - began


def sitting(options: argparse.Namespace, start: float, step: float) -> dict[str, Any]:
    """Describe machine, versions and parameters."""
    code = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    found = subprocess.check_output([options.peers, "-c", code, *PACKAGES], text=True)
    versions = dict(zip(PACKAGES, found.split(), strict=True)) | {"python": platform.python_version()}
    versions["hyperfine"] = subprocess.check_output(["hyperfine", "--version"], text=True).split()[1]
    git = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude=*"]
    versions["verify"] = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    return {
        "kind": "sitting",
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "versions": versions,
        "budget": options.budget,
        "seed": options.seed,
        "start": round(start, 4),
        "step": round(step, 6),
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def compare(job: Job, options: argparse.Namespace, start: float, step: float) -> dict[str, Any]:
    """Make one comparison in a fresh folder and return its row."""
    tool, factor, repeat = job
    adapter: Adapter = {**TOOLS, **REFERENCES}[tool]
    row = {"kind": "comparison", "tool": tool, "factor": factor, "repeat": repeat, "budget": options.budget}
    with tempfile.TemporaryDirectory(prefix="harness-") as place:
        folder = Path(shutil.copytree(HERE / "cases", Path(place) / "cases"))
        seed = random.Random(f"{options.seed}:{job}").randrange(2**31)
        peers = options.peers.absolute()
        task = Task(factor, options.budget, folder, peers, start, step, seed)
        row["load"] = os.getloadavg()[0]
        try:
            found = asdict(adapter(task))
        except (ToolFailure, subprocess.TimeoutExpired) as failure:
            found = {"error": str(failure)[-500:]}
    return row | {"wall": task.spent} | found


def rounded(value: Any) -> Any:
    """Return JSON data with six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def append(path: Path, row: dict[str, Any]) -> None:
    """Append a row and put it on disk before anything else is done."""
    with path.open("a") as file:
        file.write(json.dumps(rounded(row), separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


def seconds_left(todo: list[Job], budget: float) -> float:
    """Estimate how long comparisons take: the budget, a quarter for references, less for early stoppers."""
    return sum(
        budget / 4 if tool in REFERENCES else min(budget, EARLY.get(tool, budget)) for tool, _, _ in todo
    )


def main() -> None:
    """Make all comparisons that are asked for and not yet there."""
    options = arguments()
    path = options.output or HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
    if path.exists() and not options.resume:
        sys.exit(f"{path} exists; add what it lacks with --resume, or name another --output")
    if not options.peers.exists():
        sys.exit(f"{options.peers} does not exist; `make peers` makes it, or name another with --peers")
    if shutil.which("hyperfine") is None:
        sys.exit("needs hyperfine; install it with: apt-get install hyperfine")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a tool under way is stopped too
    path.parent.mkdir(exist_ok=True)
    have = done(path, options.budget)
    todo = [job for job in jobs(options) if job not in have]
    minutes = seconds_left(todo, options.budget) * 1.05 / 60
    print(
        f"{len(todo)} comparisons to make, about {minutes:.0f} minutes; {len(have)} are in {path}", flush=True
    )
    start, step = costs(options.peers)
    append(path, sitting(options, start, step))
    for number, job in enumerate(todo, start=1):
        row = compare(job, options, start, step)
        append(path, row)
        said = row.get("error") or f"ratio {row['ratio']} {row['rules']}"
        print(f"{number}/{len(todo)} {job[0]} at {job[1]}: {said}, {row['wall']:.1f} s", flush=True)


if __name__ == "__main__":
    main()
