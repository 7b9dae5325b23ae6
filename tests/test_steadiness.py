"""Whether an arm had settled: planted drift is seen, noise is not, and a planted warm-up has its end."""

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import noisy, plan_of

from kb.effects import Sample
from kb.steadiness import drifts, settled_after, unsteady
from kb.verdict import judge
from kb.words import Reason, Verdict

PLAN = plan_of((1.5, 2.5))
ALPHA = 0.05


def processes(paces: np.ndarray, arm="one/m0", side="of", scale=10**8, steps=1) -> list[Sample]:
    """Return one process a row, one burst a column, with these paces."""
    return [
        Sample(block, 0, turn, 0, side, arm, steps, round(pace * scale * steps), 0, 0)
        for block, row in enumerate(paces.tolist(), start=1)
        for turn, pace in enumerate(row)
    ]


def noise(blocks: int, spread: float, bursts: int = 6, seed: int = 1) -> np.ndarray:
    return np.exp(spread * np.random.default_rng(seed).standard_normal((blocks, bursts)))


RISING = np.linspace(1.0, 1.2, 6)


@pytest.mark.parametrize("trend", [RISING, RISING[::-1]], ids=["slower", "faster"])
def test_a_drift_of_a_fifth_within_processes_is_seen_either_way(trend):
    found = drifts(processes(noise(16, 0.02) * trend))
    assert unsteady(found, ALPHA) == {(0, "one/m0")}


def test_noise_of_a_fifth_without_drift_is_no_drift():
    flagged = [unsteady(drifts(processes(noise(20, 0.2, seed=seed))), ALPHA) for seed in range(100)]
    assert sum(map(bool, flagged)) <= 1


def test_one_process_that_drifts_among_steady_ones_says_nothing():
    paces = noise(16, 0.01)
    paces[3] *= np.linspace(1, 3, 6)
    assert unsteady(drifts(processes(paces)), ALPHA) == set()


def test_a_process_with_a_single_burst_says_nothing():
    assert drifts(processes(noise(16, 0.2, bursts=1))) == {}
    assert unsteady({}, ALPHA) == set()


def test_a_drift_below_five_percent_is_none():
    assert unsteady(drifts(processes(noise(40, 0.001) * np.linspace(1, 1.04, 6))), ALPHA) == set()


@given(st.integers(2, 9), st.integers(1, 7), st.integers(1, 4), st.randoms(use_true_random=False))
def test_neither_scale_nor_steps_a_burst_nor_listing_order_move_a_drift(bursts, scale, steps, random):
    paces = noise(5, 0.3, bursts=bursts)
    rows = processes(paces, scale=scale * 10**8, steps=steps)
    random.shuffle(rows)
    half = bursts // 2
    expected = sorted(math.log(median(row[-half:]) / median(row[:half])) for row in paces.tolist())
    assert sorted(drifts(rows)[0, "one/m0"]) == pytest.approx(expected, abs=1e-6)


def test_the_more_arms_are_looked_at_the_more_it_takes_to_call_one_unsteady():
    drifting = {(0, "one/m0"): [0.2 + 0.01 * block for block in range(8)]}
    steady = {(place, "two/m0"): [0.0] * 8 for place in range(6)}
    assert unsteady(drifting, ALPHA) == set(drifting)
    assert unsteady(drifting | steady, ALPHA) == set()
    assert unsteady({key: 2 * values for key, values in (drifting | steady).items()}, ALPHA) == set(drifting)


def run_of(*drifting: str) -> list[Sample]:
    """Return a run in which the treatment is twice as fast, and some arms drift."""
    rows = []
    between = np.exp(noisy(1.0, 16, spread=0.1))[:, None]
    for index, (arm, side, scale) in enumerate((("one/m0", "of", 1), ("two/m0", "against", 2))):
        paces = noise(16, 0.002, seed=index) * between**index * (RISING if arm in drifting else 1)
        rows += processes(paces, arm, side, scale * 10**8)
    return rows


@pytest.mark.parametrize("arm", ["one/m0", "two/m0"])
def test_one_unsteady_arm_takes_every_verdict_of_its_cell(arm):
    assert judge(PLAN, run_of()).verdict is Verdict.SUPPORTED
    found = judge(PLAN, run_of(arm))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NO_STEADY_STATE)
    assert found.direction.verdict is Verdict.INCONCLUSIVE
    assert {reading["verdict"] for reading in found.readings} == {"inconclusive"}
    assert found.cells[0].trouble == "no-steady-state"
    assert "warm_steps" in found.because


def test_arms_beside_take_no_alpha_from_those_that_are_judged():
    rows = [row for row in run_of("one/m0") if row.block <= 8]
    rows += [
        row
        for index in range(5)
        for row in processes(noise(8, 0.01, seed=9 + index), f"three/n{index}", "beside")
    ]
    assert judge(PLAN, rows).reason is Reason.NO_STEADY_STATE


@pytest.mark.parametrize("steps", [40, 100, 400])
@pytest.mark.parametrize("spread", [0.0, 0.002])
def test_the_end_of_a_planted_warm_up_is_found(steps, spread):
    rng = np.random.default_rng(steps)
    slow = steps // 5
    times = 1e6 * np.exp(spread * rng.standard_normal(steps)) * np.where(np.arange(steps) < slow, 1.5, 1.0)
    window = max(5, steps // 20)
    found = settled_after(times.astype(int).tolist())
    assert slow <= found < slow + window


@given(st.integers(20, 300), st.floats(0.0, 0.004), st.integers(0, 9))
def test_flat_times_had_settled_from_the_first_step(steps, spread, seed):
    times = 1e6 * np.exp(np.random.default_rng(seed).uniform(-spread, spread, steps))
    assert settled_after(times.astype(int).tolist()) == 0


@pytest.mark.parametrize("spread", [0.02, 0.2])
def test_noise_is_rarely_taken_for_warm_up(spread):
    rng = np.random.default_rng(1)
    runs = (1e6 * np.exp(spread * rng.standard_normal((200, 200)))).astype(int).tolist()
    assert sum(settled_after(run) == 0 for run in runs) >= 190


@pytest.mark.parametrize("steps", [0, 1, 19])
def test_too_few_steps_tell_nothing(steps):
    assert settled_after([10**6] * steps) is None
