"""The tables of the comparison with other tools, from raw rows whose rates are known."""

import importlib.util
import json
from pathlib import Path

import pytest

HARNESS = Path(__file__).resolve().parent.parent / "benchmarks" / "harness"


@pytest.fixture(scope="module")
def report():
    spec = importlib.util.spec_from_file_location("harness_report", HARNESS / "report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def comparison(tool: str, factor: float, repeat: int, **found) -> dict:
    """A row as `run.py` writes it."""
    row = {
        "kind": "comparison",
        "tool": tool,
        "factor": factor,
        "repeat": repeat,
        "budget": 10.0,
        "load": 0.1,
    }
    answer = {"rules": {"rule": "none"}, "ratio": factor, "measured": 4.0, "wall": 10.0}
    return {**row, **answer, "interval": None, "level": "", "reached": None, **found}


def text(*rows: dict) -> list[str]:
    sitting = {"kind": "sitting", "began": "2026-11-21T10:00:00+00:00", "machine": "a machine"}
    return [
        json.dumps(row) for row in ({**sitting, "versions": {"asv": "1"}, "budget": 10.0, "seed": 1}, *rows)
    ]


def decided(factor: float, *answers: str) -> list[dict]:
    return [comparison("tool", factor, i, rules={"rule": each}) for i, each in enumerate(answers)]


def test_a_rate_has_the_exact_bounds_of_clopper_and_pearson(report):
    assert report.bounds(0, 20) == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)))
    assert report.bounds(5, 20) == pytest.approx((0.08657, 0.49105), abs=1e-5)
    assert report.share(5, 20) == "5/20: 25% [9, 49]"


def test_false_differences_power_and_wrong_directions_are_counted_apart(report):
    rows = decided(1.0, "none", "A", "B", "none") + decided(1.05, "A", "B", "none") + decided(1.25, "A", "A")
    [[tool, rule, false, small, large, wrong]] = report.decisions(rows, ["tool"])
    assert (tool, rule) == ("tool", "rule")
    assert false.startswith("2/4: 50%")
    assert small.startswith("1/3: 33%")
    assert large.startswith("2/2: 100%")
    assert wrong == "1/5"


def test_the_truth_is_one_for_equal_arms_and_else_the_median_reference(report):
    ratios = (1.04, 1.05, 1.20)
    rows = [comparison("reference steps", 1.05, i, rules={}, ratio=each) for i, each in enumerate(ratios)]
    rows += [comparison("reference commands", 1.05, 0, rules={}, ratio=1.03)]
    assert report.truth(rows, "tool", 1.0) == (1.0, 0.0)
    centre, error = report.truth(rows, "tool", 1.05)
    assert centre == 1.05
    assert error == pytest.approx(1.2533 * 1.4826 * 0.01 / 3**0.5, rel=1e-3)
    assert report.truth(rows, "hyperfine", 1.05) == (1.03, float("inf"))
    assert report.truth(rows, "tool", 1.25) is None


def test_coverage_time_to_precision_overhead_and_failures_are_those_of_the_rows(report):
    rows = [
        comparison("tool", 1.0, 0, interval=[0.98, 1.02], level="95%", reached=6.0),
        comparison("tool", 1.0, 1, interval=[1.01, 1.03], level="95%", reached=8.0),
        comparison("tool", 1.0, 2, interval=[0.8, 1.2], level="95%"),
        comparison("tool", 1.0, 3),
        {
            "kind": "comparison",
            "tool": "tool",
            "factor": 1.0,
            "repeat": 4,
            "budget": 10.0,
            "error": "crashed",
        },
    ]
    [[_, level, coverage, after, wall, overhead, failed]] = report.precision(rows, ["tool"])
    assert level == "95%"
    assert coverage.startswith("2/3: 67%")
    assert after == "7.0 s in 2/4, 1 hold the truth"
    assert (wall, overhead, failed) == ("10.0", "60%", "1/5")


def test_a_tool_without_an_interval_says_none(report):
    [[_, level, coverage, after, *_]] = report.precision([comparison("tool", 1.0, 0)], ["tool"])
    assert (level, coverage, after) == ("none", "none", "none")


def test_a_repeated_comparison_replaces_the_failed_one(report):
    failed = {
        "kind": "comparison",
        "tool": "tool",
        "factor": 1.0,
        "repeat": 0,
        "budget": 10.0,
        "error": "crashed",
    }
    _, rows = report.read(text(failed, comparison("tool", 1.0, 0)))
    assert [report.ok(row) for row in rows] == [True]


def test_the_report_has_a_line_for_every_rule_and_names_machine_and_versions(report):
    rows = decided(1.0, "none") + decided(1.05, "A") + decided(1.25, "A")
    shown = report.report(text(*rows, comparison("verify", 1.0, 0)))
    assert "| tool | rule | 0/1: 0% [0, 98] | 1/1: 100% [3, 100] | 1/1: 100% [3, 100] | 0/2 |" in shown
    assert "a machine; budget 10 s a comparison" in shown
    assert "asv 1" in shown
    assert shown.index("| verify | rule") < shown.index("| tool | rule | 0")


def test_comparisons_of_another_budget_stay_out(report):
    longer = comparison("tool", 1.0, 0, budget=60.0, rules={"rule": "A"})
    assert "| tool | rule | 0/1: " in report.report(text(comparison("tool", 1.0, 0), longer))
