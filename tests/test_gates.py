"""Gates: what each lets through and what it stops, and that none of them ever makes a verdict."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tiny import NANO, besides, bursts, controls, noisy, plan_of, quiet

from kb.effects import Costs, block_values
from kb.gates import gates
from kb.verdict import judge
from kb.words import Effect, Reason, Verdict

PLAN = plan_of((1.5, 2.5), control_every=4, beside=["three/n"])
BLOCKS = 24
SAMPLES = bursts(PLAN, {(0, 0): noisy(2.0, BLOCKS)})
SHARE = st.floats(0, 3)


def gate_of(plan, reason, samples=(), watched=(), flops=None):
    """Return the gate of that name; None where the run has no figures for it."""
    costs = Costs(samples)
    found = gates(plan, samples, costs, block_values(plan, costs).values(), watched, flops or {})
    return next((gate for gate in found if gate.reason is reason), None)


def busy(share: float, arm: str = "one/m0") -> list:
    """Return the run with so many cores busy in the bursts of one arm."""
    return [replace(row, cpu=round(row.cost * share)) if row.arm == arm else row for row in SAMPLES]


# --------------------------------------------------------------------------------------------- control blocks


@pytest.mark.parametrize("bias", [math.log(1.08), -math.log(1.08)])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_a_side_that_is_favoured_by_eight_percent_fails_the_control(bias, count):
    rng = np.random.default_rng(20261121)
    failed = 0
    for _ in range(50):
        measured = (math.log(2) + bias + 0.01 * rng.standard_normal(BLOCKS)).tolist()
        against_itself = (bias + 0.01 * rng.standard_normal(count)).tolist()
        samples = [*bursts(PLAN, {(0, 0): measured}), *controls(PLAN, against_itself)]
        failed += not gate_of(PLAN, Reason.CONTROL_FAILED, samples).passed
    assert failed >= 48


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("count", [2, 8])
def test_noise_passes_the_control(spread, count):
    rng = np.random.default_rng(20261121)
    failed = 0
    for _ in range(200):
        measured = (math.log(2) + spread * rng.standard_normal(8)).tolist()
        samples = [
            *bursts(PLAN, {(0, 0): measured}),
            *controls(PLAN, (spread * rng.standard_normal(count)).tolist()),
        ]
        failed += not gate_of(PLAN, Reason.CONTROL_FAILED, samples).passed
    assert failed <= 4


def test_a_bias_within_the_negligible_margin_passes_however_certain():
    samples = [*SAMPLES, *controls(PLAN, [0.015] * 8)]
    assert gate_of(PLAN, Reason.CONTROL_FAILED, samples).passed


def test_of_a_trend_the_noise_of_controls_is_that_of_its_cells_not_of_its_slope():
    places = [{"batch": batch} for batch in (1, 2, 4)]
    trend = {"effect": Effect.TREND, "settings": places, "deciding": [[at, 0] for at in range(3)]}
    plan = plan_of((None, 0.0), **trend, along="batch", declared=3, control_every=4)
    shifts = noisy(1.0, BLOCKS, spread=0.2)  # every batch alike, so that the slope has no noise at all
    rows = bursts(plan, {(at, 0): [1.0 - 0.3 * at + shift for shift in shifts] for at in range(3)})
    found = judge(plan, [*rows, *controls(plan, [0.03, 0.05])])
    gate = next(each for each in found.gates if each["name"] == Reason.CONTROL_FAILED)
    assert gate["passed"], gate["seen"]


def test_a_run_without_control_blocks_has_no_such_gate():
    assert gate_of(PLAN, Reason.CONTROL_FAILED, SAMPLES) is None
    assert gate_of(replace(PLAN, control_every=0), Reason.CONTROL_FAILED, SAMPLES) is None


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=8))
def test_which_side_is_favoured_does_not_matter_to_the_control(biases):
    one, other = (
        gate_of(PLAN, Reason.CONTROL_FAILED, [*SAMPLES, *controls(PLAN, [sign * bias for bias in biases])])
        for sign in (1, -1)
    )
    assert one.figure == pytest.approx(other.figure, abs=1e-6)


# --------------------------------------------------------------------------------------- the machine and partner


@pytest.mark.parametrize("source", ["others", "stolen", "throttled"])
@pytest.mark.parametrize(("disturbed", "passes"), [(0, True), (4, True), (5, False), (20, False)])
def test_more_than_a_fifth_of_disturbed_blocks_is_interference(source, disturbed, passes):
    lost = quiet(disturbed, **{source: round(0.06 * 2 * NANO)})
    gate = gate_of(PLAN, Reason.INTERFERENCE, watched=[*lost, *quiet(20 - disturbed)])
    assert gate.passed is passes
    assert gate.figure == pytest.approx(disturbed / 20)


def test_a_twentieth_of_the_cores_may_go_elsewhere_in_every_block():
    watched = quiet(20, others=round(0.03 * 2 * NANO), stolen=round(0.019 * 2 * NANO))
    assert gate_of(PLAN, Reason.INTERFERENCE, watched=watched).passed


@pytest.mark.parametrize(("used", "passes"), [(0.0, True), (0.009, True), (0.011, False), (1.0, False)])
def test_waiting_processes_that_compute_are_noticed(used, passes):
    gate = gate_of(PLAN, Reason.PARTNER_BUSY, watched=quiet(8, partner=round(used * NANO)))
    assert gate.passed is passes


# ----------------------------------------------------------------------------------------- threads, plausibility


@pytest.mark.parametrize(
    ("threads", "cores", "passes"),
    [(1, 0.2, True), (1, 1.4, True), (1, 1.6, False), (1, 2.0, False), (4, 5.0, True), (4, 8.0, False)],
)
def test_an_arm_that_keeps_more_cores_busy_than_it_was_given_is_noticed(threads, cores, passes):
    gate = gate_of(replace(PLAN, threads=threads), Reason.SETTINGS_DIFFER, busy(cores), quiet(1))
    assert gate.passed is passes
    assert ("one/m0" in gate.seen) is (cores >= 1.4)


def test_threads_are_held_against_those_of_their_own_place():
    plan = replace(PLAN, settings=[{"threads": 1}, {"threads": "all"}], threads=4)
    crowded = [replace(row, place=1, cpu=4 * row.cost) for row in SAMPLES]
    assert gate_of(plan, Reason.SETTINGS_DIFFER, crowded, quiet(1)).passed
    alone = [replace(row, place=0) for row in crowded]
    assert not gate_of(plan, Reason.SETTINGS_DIFFER, alone, quiet(1)).passed


def test_on_a_device_the_processor_s_cores_are_not_counted():
    assert gate_of(replace(PLAN, device="cuda"), Reason.SETTINGS_DIFFER, busy(9), quiet(1)) is None


@pytest.mark.parametrize(
    ("device", "threads", "most"), [("cpu", 1, 416e9), ("cpu", 2, 832e9), ("cuda", 1, 1e15)]
)
def test_a_step_faster_than_the_chip_can_compute_is_implausible(device, threads, most):
    plan = replace(PLAN, device=device, threads=threads)
    seconds = min(row.cost for row in SAMPLES if row.arm == "one/m0") / NANO
    for share, passes in ((0.99, True), (1.01, False)):
        flops = {"one/m0@0": share * most * seconds}
        gate = gate_of(plan, Reason.IMPLAUSIBLE, SAMPLES, quiet(1), flops)
        assert gate.passed is passes
        assert gate.figure == pytest.approx(share)


def test_where_no_operations_are_known_nothing_is_implausible():
    assert gate_of(PLAN, Reason.IMPLAUSIBLE, SAMPLES, quiet(1)) is None
    assert gate_of(PLAN, Reason.IMPLAUSIBLE, SAMPLES, quiet(1), {"else/where@0": 1e30}) is None


def test_weighed_bytes_are_never_held_against_processor_time_or_operations():
    weighed = [replace(row, cost=10**8 + row.block, cpu=9 * NANO) for row in SAMPLES]
    assert gates(PLAN, weighed, Costs(weighed), [], (), {"one/m0@0": 1e12}) == []
    memory = replace(plan_of((0.9, 1.1), effect=Effect.RATIO), beside=[])
    assert judge(memory, weighed, (), {"one/m0@0": 1e12}).verdict is Verdict.SUPPORTED


# ------------------------------------------------------------------------------------------- what a gate may do

FAILING = {
    Reason.CONTROL_FAILED: {"samples": [*SAMPLES, *controls(PLAN, [0.08, 0.081] * 3)]},
    Reason.INTERFERENCE: {"watched": quiet(BLOCKS, others=NANO)},
    Reason.PARTNER_BUSY: {"watched": quiet(BLOCKS, partner=NANO)},
    Reason.SETTINGS_DIFFER: {"samples": busy(2.0), "watched": quiet(BLOCKS)},
    Reason.IMPLAUSIBLE: {"watched": quiet(BLOCKS), "flops": {"one/m0@0": 1e15}},
}
BECAUSE_OF = {
    Reason.CONTROL_FAILED: "quieter machine",
    Reason.INTERFERENCE: "stop other programs",
    Reason.PARTNER_BUSY: "wait policy",
    Reason.SETTINGS_DIFFER: "set the framework's threads",
    Reason.IMPLAUSIBLE: "mend the verifier",
}
DECIDED = judge(PLAN, SAMPLES)


@pytest.mark.parametrize("reason", FAILING, ids=str)
def test_a_gate_that_fails_takes_every_verdict_and_says_what_to_do(reason):
    found = judge(PLAN, **{"samples": SAMPLES, **FAILING[reason]})
    assert (DECIDED.verdict, DECIDED.direction.verdict) == (Verdict.SUPPORTED, Verdict.SUPPORTED)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)
    assert found.direction.verdict is Verdict.INCONCLUSIVE
    assert {reading["verdict"] for reading in found.readings} == {"inconclusive"}
    assert BECAUSE_OF[reason] in found.because
    assert [gate["name"] for gate in found.gates if not gate["passed"]] == [reason]
    assert (found.estimate, found.interval) == (DECIDED.estimate, DECIDED.interval)


def test_gates_that_pass_change_nothing_but_their_own_list():
    passing = judge(PLAN, [*SAMPLES, *controls(PLAN, [0.001, -0.001] * 3)], quiet(BLOCKS), {"one/m0@0": 1e9})
    assert {gate["name"] for gate in passing.gates} == {reason.value for reason in FAILING}
    assert replace(passing, gates=[]) == replace(DECIDED, gates=[])


def test_gates_are_json_with_their_figure_and_limit():
    found = judge(PLAN, [*SAMPLES, *controls(PLAN, [0.08] * 4)], quiet(BLOCKS)).gates
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for gate in found:
        assert gate["passed"] == (gate["figure"] <= gate["limit"])


@given(
    st.sampled_from([1.0, 1.2, 1.5, 2.0, 3.0]),
    st.lists(st.floats(-0.3, 0.3), max_size=6),
    st.tuples(SHARE, SHARE, SHARE, SHARE),
    st.floats(0, 4),
    st.floats(1e6, 1e16),
)
@settings(max_examples=60)
def test_gates_never_make_a_verdict(centre, biases, watching, cores, flops):
    samples = bursts(PLAN, {(0, 0): noisy(centre, 12)})
    ungated = judge(PLAN, samples)
    names = ("others", "stolen", "throttled", "partner")
    watched = quiet(
        12, **{name: round(share * NANO / 10) for name, share in zip(names, watching, strict=True)}
    )
    working = [replace(row, cpu=round(row.cost * cores)) for row in samples]
    found = judge(PLAN, [*working, *controls(PLAN, biases)], watched, {"one/m0@0": flops})
    verdicts = [
        (found.verdict, ungated.verdict),
        (found.magnitude.verdict, ungated.magnitude.verdict),
        (found.direction.verdict, ungated.direction.verdict),
        *(
            (one["verdict"], other["verdict"])
            for one, other in zip(found.readings, ungated.readings, strict=True)
        ),
    ]
    failed = [gate for gate in found.gates if not gate["passed"]]
    assert all(one is Verdict.INCONCLUSIVE if failed else one == other for one, other in verdicts)
    assert not failed or found.reason.value == failed[0]["name"]
    assert replace(found, cells=[], gates=[]) == replace(ungated, cells=[], gates=[]) or failed


@given(
    st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    st.lists(st.floats(-0.01, 0.01), max_size=8),
    st.lists(st.floats(-5, 5), max_size=20),
)
@settings(max_examples=40)
def test_controls_within_the_noise_and_whatever_stands_beside_change_no_verdict(centre, noise, logs):
    plain = bursts(PLAN, {(0, 0): noisy(centre, 16, spread=0.02)})
    around = [*plain, *besides(PLAN, logs)]
    more = judge(PLAN, [*plain, *controls(PLAN, noise)], context=around)
    assume(all(gate["passed"] for gate in more.gates))
    without = judge(PLAN, plain)
    assert replace(more, beside=[], gates=[]) == replace(without, beside=[], gates=[])
    assert [each.blocks for each in more.beside] == [min(len(logs), 16)] * 2 * bool(logs)
