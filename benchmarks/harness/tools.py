"""One adapter for each tool: run it on both arms as its documentation says, and read off what it decides.

Every adapter gets a task and returns what was found. A rule's answer is "A" (arm A is faster), "B", or "none"
(no difference claimed). Each tool's files lie in `cases/`; every comparison gets a fresh copy of them.
"""

import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

from comparison import (
    COMMAND_STEPS,
    Adapter,
    Found,
    Task,
    ToolFailure,
    excludes_one,
    execute,
    faster,
    summary,
    whole_command,
    within,
)
from scipy import stats
from work import VARIABLE, repetitions

PRECISION, CONFIDENCE = 0.02, 0.95


def verify(task: Task) -> Found:
    """Run our own `verify` on a claim that arm A is faster; it stops early once that is settled."""
    command = [Path(sys.executable).parent / "verify", "arm-a-faster", "--json", "--quiet", "--threads", "1"]
    command += ["--budget", "quick", "--seconds", str(task.budget), "--seed", str(task.seed)]
    outcome, reached = _followed(task, list(map(str, command)))
    stored = json.loads(next((task.folder / "base/data/runs").glob("*/*.json")).read_text())
    direction = outcome["direction"]
    answer = {"supported": "A", "refuted": "B" if direction["tag"] == "reverse" else "none"}
    interval = outcome["interval"] if None not in outcome["interval"] else None
    rules = {
        "direction": answer.get(direction["verdict"], "none"),
        "interval excludes 1": excludes_one(interval),
    }
    return Found(
        rules,
        outcome["estimate"],
        stored["time"]["bursts"],
        [{"n": outcome["blocks"]}],
        interval,
        level="95%, at any stopping",
        reached=reached,
        reason=outcome["reason"],
    )


def _followed(task: Task, command: list[str]) -> tuple[dict[str, Any], float | None]:
    """Return the outcome, which is the last line, and when a line first gave an interval within +-5%."""
    environment = {**task.environment, VARIABLE: str(repetitions(task.factor)), "KB_ROOT": "base"}
    errors, reached, last = task.folder / "errors", None, "{}"
    began = time.monotonic()
    with errors.open("w") as log:
        pipe = subprocess.PIPE
        running = subprocess.Popen(
            command, cwd=task.folder, env=environment, stdout=pipe, stderr=log, text=True
        )
        try:
            for line in running.stdout or ():
                last = line
                if reached is None and within(json.loads(line).get("interval")):
                    reached = time.monotonic() - began
            running.wait()
        finally:
            running.terminate()
    task.spent += time.monotonic() - began
    if running.returncode not in (0, 1, 3):
        message = f"verify ended with {running.returncode}: {(errors.read_text() + last)[-400:]}"
        raise ToolFailure(message)
    return json.loads(last), reached


def pyperf(task: Task) -> Found:
    """Run pyperf on each arm, then `compare_to`; as many processes as the budget allows, 3 values each."""
    loops = max(1, math.ceil(0.1 / task.step))
    pair = 2 * 1.7 * task.start + 4 * loops * task.step * (1 + task.factor)
    processes = max(2, int((task.budget - 6 * task.start) / pair))
    values = []
    for name, factor in (("a", 1.0), ("b", task.factor)):
        counts = ["-p", str(processes), "-n", "3", "-w", "1", "-l", str(loops)]
        execute(
            task, [task.peers, "pyperf_step.py", "--copy-env", "-q", *counts, "-o", f"{name}.json"], factor
        )
        [benchmark] = json.loads((task.folder / f"{name}.json").read_text())["benchmarks"]
        values.append([value for run in benchmark["runs"] for value in run.get("values", [])])
    said = execute(task, [task.peers, "-m", "pyperf", "compare_to", "a.json", "b.json"])
    a, b = map(summary, values)
    answer = "none" if "Not significant" in said else faster(a["mean"], b["mean"])
    measured = loops * (sum(values[0]) + sum(values[1]))
    return Found({"compare_to": answer}, b["mean"] / a["mean"], measured, [a, b])


def _pytest(task: Task, *options: str) -> tuple[Found, list[list[float]]]:
    """Run pytest-benchmark on each arm, the second with `--benchmark-compare-fail`."""
    seconds = str(task.side_seconds(7))
    command = [task.peers, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin"]
    command += ["test_step.py", f"--benchmark-max-time={seconds}", "--benchmark-save-data", *options]
    command += ["--benchmark-storage=file://saved"]
    execute(task, [*command, "--benchmark-save=a"])
    judged = ["--benchmark-save=b", "--benchmark-compare=0001", "--benchmark-compare-fail=mean:5%"]
    said = execute(task, [*command, *judged], task.factor, accept=(0, 1))
    values, measured = [], 0.0
    for name in ("0001_a", "0002_b"):
        [path] = (task.folder / "saved").glob(f"*/{name}.json")
        found = json.loads(path.read_text())["benchmarks"][0]["stats"]
        values.append(found["data"])
        measured += sum(found["data"]) * found["iterations"]
    a, b = map(summary, values)
    answer = "A" if "Performance has regressed" in said else "none"
    return Found({"compare-fail mean:5%": answer}, b["mean"] / a["mean"], measured, [a, b]), values


def pytest_time(task: Task) -> Found:
    """Run pytest-benchmark with rounds until the time is up, which is its default mode."""
    return _pytest(task)[0]


def pytest_precision(task: Task) -> Found:
    """Run pytest-benchmark until it claims +-2% of each mean at 95%."""
    found, values = _pytest(
        task, f"--benchmark-precision={PRECISION}", f"--benchmark-confidence={CONFIDENCE}"
    )
    found.rules["disjoint claimed +-2%"] = disjoint(*values)
    return found


def disjoint(a: Sequence[float], b: Sequence[float]) -> str:
    """Compare the claimed intervals mean +-2% of both arms; where one was not reached, claim nothing."""
    normal = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    means = []
    for values in (a, b):
        found = summary(values)
        if normal * found["sd"] / math.sqrt(found["n"]) > PRECISION * found["mean"]:
            return "none"
        means.append(found["mean"])
    low, high = sorted(means)
    return faster(*means) if low * (1 + PRECISION) < high * (1 - PRECISION) else "none"


def asv(task: Task) -> Found:
    """Run asv for two commits in the existing environment, then `asv compare --factor 1.05`."""
    commits = _commits(task)
    seconds = max(0.1, task.side_seconds(16) / 2 - 0.1)  # two rounds a commit, a process each, 0.1 s warm-up
    for commit, factor in zip(commits, (1.0, task.factor), strict=True):
        command = [task.peers, "-m", "asv", "run", "-E", f"existing:{task.peers}", "--record-samples"]
        command += ["--set-commit-hash", commit, "-a", f"repeat=(10, 100000, {seconds})"]
        execute(task, command, factor)
    said = execute(task, [task.peers, "-m", "asv", "compare", *commits, "--factor", "1.05"])
    row = next(line for line in said.splitlines() if line.rstrip(" |").endswith("steps.time_step"))
    mark = row.strip("| ")[0]
    values, measured = [], 0.0
    for commit in commits:
        [path] = (task.folder / "results").glob(f"*/{commit[:8]}-*.json")
        stored = json.loads(path.read_text())
        columns = dict(zip(stored["result_columns"], stored["results"]["steps.time_step"], strict=False))
        [samples], [number] = columns["samples"], columns["stats_number"]
        values.append(samples)
        measured += sum(samples) * number
    a, b = map(summary, values)
    answer = {"+": "A", "-": "B"}.get(mark, "none")
    return Found({"compare --factor 1.05": answer}, b["median"] / a["median"], measured, [a, b])


def _commits(task: Task) -> list[str]:
    """Make a repository with two empty commits and describe the machine to asv, outside the tool's time."""
    git = ["git", "-c", "user.name=harness", "-c", "user.email=harness@localhost"]
    commands: list[list[str | Path]] = [["git", "init", "-q", "."]]
    commands += [[*git, "commit", "-q", "--allow-empty", "-m", name] for name in ("a", "b")]
    commands += [[task.peers, "-m", "asv", "machine", "--yes"]]
    before = task.spent
    for command in commands:
        execute(task, command)
    hashes = execute(task, ["git", "rev-list", "--reverse", "HEAD"]).split()
    task.spent = before
    return hashes


def _torch(task: Task, method: str) -> Found:
    """Time both arms in one process with `Timer` and decide as `Compare` colours and prints."""
    said = execute(task, [task.peers, "torch_step.py", method, str(task.side_seconds(17))], task.factor)
    one, other = json.loads(said.splitlines()[-1])
    a, b = summary(one["times"]), summary(other["times"])
    best = min(one["median"], other["median"])
    coloured = max(one["median"], other["median"]) > 1.01 * best
    winner = faster(one["median"], other["median"])
    rules = {
        "colour, over 1% from best": winner if coloured else "none",
        "trimmed figures differ": winner if one["trimmed"] != other["trimmed"] else "none",
    }
    return Found(rules, other["median"] / one["median"], one["spent"] + other["spent"], [a, b])


def torch_blocked(task: Task) -> Found:
    """Time each arm with `Timer.blocked_autorange` for half the budget."""
    return _torch(task, "blocked")


def torch_adaptive(task: Task) -> Found:
    """Time each arm with `Timer.adaptive_autorange(threshold=0.02)` within half the budget."""
    return _torch(task, "adaptive")


def hyperfine(task: Task) -> Found:
    """Run hyperfine on whole commands; decide by its Welch script and by the ratio in its summary."""
    command = task.start + COMMAND_STEPS * task.step * (1 + task.factor) / 2
    runs = max(2, int(task.budget / 2 / command) - 1)
    arms = [" ".join(map(str, whole_command(task, factor))) for factor in (1.0, task.factor)]
    options = ["-N", "-w", "1", "-r", str(runs), "--style", "none", "--export-json", "times.json"]
    execute(task, ["hyperfine", *options, *arms])
    results = json.loads((task.folder / "times.json").read_text())["results"]
    values = [each["times"] for each in results]
    a, b = map(summary, values)
    different = stats.ttest_ind(*values, equal_var=False).pvalue < 0.05
    winner = faster(a["mean"], b["mean"])
    slower = max(a["mean"], b["mean"]) / min(a["mean"], b["mean"])
    spread = slower * math.hypot(a["sd"] / a["mean"], b["sd"] / b["mean"])
    low, high = slower - spread, slower + spread  # printed for the slower command, over the faster one
    interval = [low, high] if winner == "A" else [1 / high, 1 / max(low, 1e-9)]
    rules = {
        "Welch script, p < 0.05": winner if different else "none",
        "ratio +- sd": excludes_one(interval),
    }
    reached = task.spent if within(interval) else None
    ratio, level = b["mean"] / a["mean"], "+-1 sd, no level"
    return Found(rules, ratio, sum(map(sum, values)), [a, b], interval, level, reached)


TOOLS: dict[str, Adapter] = {
    "verify": verify,
    "pyperf": pyperf,
    "pytest-benchmark, time": pytest_time,
    "pytest-benchmark, precision": pytest_precision,
    "asv": asv,
    "torch Timer, blocked": torch_blocked,
    "torch Timer, adaptive": torch_adaptive,
    "hyperfine": hyperfine,
}
