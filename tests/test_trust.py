"""The proof behind `make trust`, in small: the experiment passes the committed rule and finds naive ones out."""

import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from tiny import bursts

from kb.runner import settled
from kb.verdict import judge

pytest.importorskip("scipy.stats")
sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks" / "trust"))

import committed
import criteria
import live
import noise
import simulate
import table
from square_wave import square_wave

PLAN = committed.claimed()
RUNS = 300


def experiment(rule: str, data: str, sd: float) -> simulate.Experiment:
    return next(
        each for each in simulate.experiments() if (each.rule, each.data, each.sd) == (rule, data, sd)
    )


# ------------------------------------------------------------------------------ the rule followed is the rule


@pytest.mark.parametrize("family", ["normal", "spiked", "AR 0.6"])
def test_every_look_of_the_simulation_is_what_judge_says_of_the_raw_samples(family):
    rng = np.random.default_rng(20261121)
    for truth in (1.02, 1.2, 1.3143, 1.5):
        effects = (math.log(truth) + 0.05 * noise.FAMILIES[family](rng, (1, PLAN.most_blocks))[0]).tolist()
        path = committed.evidence_path(PLAN, effects)
        for blocks, cell in enumerate(path, start=PLAN.fewest_blocks):
            look = committed.look_at(PLAN, cell)
            found = judge(PLAN, bursts(PLAN, {(0, 0): effects[:blocks]}))
            assert (look.magnitude, look.direction) == (found.verdict, found.direction)
            assert [each["verdict"] for each in found.readings] == list(look.readings)
            assert look.settled == settled(found)


def test_a_run_is_followed_until_it_is_settled_and_no_further():
    rng = np.random.default_rng(1)
    clear, same, unclear = (
        (math.log(effect) + sd * rng.standard_normal(40)).tolist()
        for effect, sd in ((1.6, 0.01), (1.0, 0.01), (1.0, 0.1))
    )
    for effects, longest in ((clear, 1), (same, 32)):
        course = committed.looks(PLAN, committed.evidence_path(PLAN, effects))
        assert len(course) <= longest
        assert [look.settled for look in course] == [False] * (len(course) - 1) + [True]
    assert (
        len(committed.looks(PLAN, committed.evidence_path(PLAN, unclear)))
        == PLAN.most_blocks - PLAN.fewest_blocks + 1
    )


@pytest.mark.parametrize(
    ("truth", "effect", "wrong"),
    [
        (1.1874, 1.3, {"support"}),
        (1.1876, 1.1, {"refutation"}),
        (1.0199, 1.1, {"direction"}),
        (1.0201, 1.0, {"direction"}),
        (0.9803, 1.0, {"direction"}),
        (0.9805, 0.9, {"direction"}),
        (1.3, 1.3, set()),
        (1.0, 1.0, set()),
        (0.9, 0.9, set()),
    ],
)
def test_a_verdict_is_called_false_exactly_where_it_is(truth, effect, wrong):
    effects = (math.log(effect) + 1e-4 * np.random.default_rng(2).standard_normal(12)).tolist()
    last = committed.looks(PLAN, committed.evidence_path(PLAN, effects))[-1]
    assert committed.errors(PLAN, truth, last) == wrong


@pytest.mark.parametrize("family", noise.FAMILIES)
def test_the_median_of_every_family_of_noise_is_zero(family):
    draws = noise.FAMILIES[family](np.random.default_rng(3), (20_000, 12))[:, -1]
    above = int((draws > 0).sum())
    low, high = table.bounds(above, len(draws))
    assert low - 0.005 < 0.5 < high + 0.005


# -------------------------------------------------------------------------------------- what the experiment shows


@pytest.mark.parametrize(("family", "truth"), [("normal", 1.1874), ("spiked", 1.1876), ("t3", 1.0199)])
def test_the_committed_rule_keeps_false_verdicts_below_six_percent(family, truth):
    row = simulate.count(experiment("committed", family, 0.1), truth, RUNS)
    assert table.faults([row]) == []
    assert row["direction supported" if truth > 1.1 else "magnitude refuted"] > RUNS / 2


@pytest.mark.parametrize(
    ("rule", "data", "sd"),
    [
        ("t, looked at again", "normal", 0.1),
        ("t over all steps", "50 steps a process", 0.1),
        ("all of A, then all of B", "linear drift", 0.03),
        ("all of A, then all of B", "square-wave drift", 0.03),
    ],
)
def test_each_naive_rule_is_found_out(rule, data, sd):
    row = simulate.count(experiment(rule, data, sd), 1.1874, RUNS)
    assert table.bounds(row["support"], RUNS)[0] > table.ALLOWED
    assert table.faults([row]) == []
    assert "may be" in table.faults([{**row, "expect": "holds"}])[0]


def test_a_naive_rule_that_is_not_found_out_is_a_fault():
    row = simulate.count(experiment("committed", "normal", 0.1), 1.1874, RUNS)
    [fault] = table.faults([{**row, "expect": "fails"}])
    assert "not found out" in fault


@pytest.mark.parametrize("data", ["linear drift", "square-wave drift"])
def test_bursts_in_the_order_abba_keep_drift_out_of_the_verdict(data):
    row = simulate.count(experiment("committed", data, 0.03), 1.1874, RUNS)
    assert table.faults([row]) == []


def test_the_table_is_written_between_its_markers_and_nowhere_else(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    table.write(path, "x", "new")
    assert path.read_text() == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    with pytest.raises(ValueError, match="lacks the markers"):
        table.write(path, "y", "new")


# ------------------------------------------------------------------------------------------- what live runs must show


def found(
    factor: float, direction: str, tag: str = "", verdict: str = "inconclusive", machine: str = "quiet"
) -> dict:
    return {
        "machine": machine,
        "factor": factor,
        "work": "sort",
        "size": 1,
        "direction": direction,
        "tag": tag,
        "verdict": verdict,
    }


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (found(1.0, "supported"), "a faster"),
        (found(1.0, "refuted", "reverse"), "b faster"),
        (found(1.0, "refuted", "equal", "refuted"), ""),
        (found(1.0, "inconclusive", verdict="supported"), "25% supported"),
        (found(1.05, "refuted", "reverse"), "b faster"),
        (found(1.05, "refuted", "equal"), "not faster"),
        (found(1.05, "supported", verdict="refuted"), ""),
        (found(1.25, "supported", verdict="supported"), ""),
        (found(1.25, "supported", verdict="refuted"), "25% refuted"),
        (found(1.25, "inconclusive"), ""),
    ],
)
def test_a_live_verdict_is_called_false_exactly_where_it_is(row, wrong):
    assert criteria.false(row["factor"], row) == wrong
    faults = criteria.faults([row] * 20, 20)
    assert bool(wrong) == any("is false" in fault for fault in faults)


def test_nineteen_of_twenty_clear_effects_must_be_seen_on_a_quiet_machine_only():
    seen, missed = found(1.25, "supported", verdict="supported"), found(1.25, "inconclusive")
    assert criteria.faults([seen] * 19 + [missed], 20) == []
    assert "seen in 18 of 20" in criteria.faults([seen] * 18 + [missed] * 2, 20)[0]
    loaded = [{**missed, "machine": "loaded"}] * 20
    assert criteria.faults(loaded, 20) == []


def test_runs_that_were_not_made_are_a_fault():
    assert "19 of 20" in criteria.faults([found(1.0, "inconclusive")] * 19, 20)[0]


def test_there_are_twenty_kinds_and_sizes_of_work_whose_arms_differ_only_in_how_often_they_do_it():
    import known_work

    from kb.verifier import Cell

    assert len(set(live.WORKS)) == 20
    for work, size in live.WORKS[:10]:
        settings = {"work": work, "size": size, "factor": 1.25}
        one, other = (known_work.known_work(Cell(arm, settings, seed=5)) for arm in ("a/x", "b/x"))
        assert np.array_equal(one.outputs()["result"], other.outputs()["result"])


@pytest.mark.parametrize("factor", criteria.FACTORS)
def test_the_slower_arm_repeats_the_work_as_often_as_claimed(factor, monkeypatch):
    import known_work

    from kb.verifier import Cell

    calls = []
    monkeypatch.setitem(known_work.KINDS, "sort", lambda draw, size: lambda: calls.append(size))
    cell = Cell("b/x", {"work": "sort", "size": 3, "factor": factor})
    known_work.known_work(cell).run()
    assert len(calls) == round(20 * factor)
    calls.clear()
    known_work.known_work(replace(cell, arm="a/x")).run()
    assert len(calls) == 20


def test_results_are_kept_of_the_other_machine_or_all_where_a_run_is_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "RESULTS", tmp_path / "results" / "live.jsonl")
    rows = [found(1.0, "inconclusive"), found(1.0, "inconclusive", machine="loaded")]
    assert live._kept(live._asked([])) == []
    live._store(rows)
    assert live._kept(live._asked(["--resume"])) == rows
    assert live._kept(live._asked(["--only", "quiet"])) == rows[1:]
    assert live._kept(live._asked([])) == []


def test_a_live_run_passes_the_parity_gate_in_real_processes_and_decides_nothing_beyond_its_budget():
    row = live.run("quiet", "sort", 4000, 1.25, 0.5)
    assert criteria.key(row) == ("quiet", 1.25, "sort", 4000)
    assert (row["verdict"], row["direction"], row["reason"], row["blocks"]) == (
        "inconclusive",
        "inconclusive",
        "budget",
        0,
    )
    assert "sort" in criteria.line(row)


def test_the_load_burns_every_core_and_is_gone_afterwards():
    me = psutil.Process()
    before = set(me.children())
    with square_wave(60.0):
        burners = [each for each in me.children() if each not in before]
        assert len(burners) == len(os.sched_getaffinity(0))
    assert not any(burner.is_running() for burner in burners)
