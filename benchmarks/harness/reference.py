"""The truth that intervals are held against: long interleaved runs of both arms, apart from every tool."""

import json
from statistics import median

from comparison import HERE, Adapter, Found, Task, execute, summary, whole_command
from work import repetitions

REFERENCE_SECONDS = 1.5


def reference_steps(task: Task) -> Found:
    """Estimate the true ratio of steps: arms alternated within a process, the median over processes."""
    ratios, totals = [], [0.0, 0.0]
    command = [task.peers, HERE / "work.py", "interleaved", str(repetitions(task.factor)), REFERENCE_SECONDS]
    while not ratios or task.spent < task.budget / 4:
        spent = json.loads(execute(task, command))
        ratios.append(spent[1] / spent[0])
        totals = [total + seconds for total, seconds in zip(totals, spent, strict=True)]
    return Found({}, median(ratios), sum(totals), [summary(ratios)])


def reference_commands(task: Task) -> Found:
    """Estimate the true ratio of whole commands, which hyperfine measures: ABBA, the median over pairs."""
    ratios, total = [], 0.0
    while not ratios or task.spent < task.budget / 4:
        times = {1.0: 0.0, task.factor: 0.0}
        for factor in (1.0, task.factor, task.factor, 1.0):
            before = task.spent
            execute(task, whole_command(task, factor))
            times[factor] += task.spent - before
        ratios.append(times[task.factor] / times[1.0])
        total += sum(times.values())
    return Found({}, median(ratios), total, [summary(ratios)])


REFERENCES: dict[str, Adapter] = {
    "reference steps": reference_steps,
    "reference commands": reference_commands,
}
