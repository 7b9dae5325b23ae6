"""The verdict rule: what must not change a verdict, what must, and how often it may err."""

import json
import math
import random
from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from binomial import upper_bound
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tiny import NANO, besides, bursts, controls, noisy, plan_of, quiet

from kb.effects import Sample
from kb.verdict import judge
from kb.words import Effect, Quantifier, Reason, Verdict

MIRRORED = {"larger": "smaller", "smaller": "larger"}
RUNS, ALLOWED = 300, 0.06
COST = st.integers(10**6, 4 * 10**6)
COSTS = st.lists(st.tuples(COST, COST), min_size=8, max_size=24)


def rows(plan, costs, scale=1, steps=1) -> list[Sample]:
    of, against = plan.pairs[0]
    return [
        Sample(block, 0, 0, position, side, arm, steps, cost * scale * steps, 0, 0)
        for block, pair in enumerate(costs, start=1)
        for position, (side, arm, cost) in enumerate(zip(("of", "against"), (of, against), pair, strict=True))
    ]


def judged(plan, *centres, blocks=24, spread=0.001):
    """Judge cells whose blocks lie closely about these effects."""
    return judge(plan, bursts(plan, {(0, i): noisy(c, blocks, spread) for i, c in enumerate(centres)}))


def over_pairs(effect, region, *cells):
    plan = plan_of(region, effect=effect, cells=2)
    return judge(plan, bursts(plan, {(0, index): logs for index, logs in enumerate(cells)}))


def test_a_contrast_is_judged_by_the_ratio_of_both_speed_ups():
    first, second = noisy(3.0), [0.1 * block for block in range(16)]
    both = over_pairs(
        Effect.CONTRAST, (1.4, 1.6), [a + b for a, b in zip(first, second, strict=True)], second
    )
    assert both.verdict == "refuted"
    assert both.estimate == pytest.approx(3.0, rel=1e-3)
    assert (both.magnitude.tag, both.direction.verdict) == ("larger", "supported")


@pytest.mark.parametrize(
    ("first", "second"), [(1.5, 1.2), (1 / 1.5, 1.2), (1.5, 1 / 1.2), (1 / 1.5, 1 / 1.2)]
)
def test_a_narrowing_asks_for_the_distance_and_not_who_is_ahead(first, second):
    found = over_pairs(Effect.NARROWING, (1.02, None), noisy(first), noisy(second))
    assert (found.verdict, found.estimate) == ("supported", pytest.approx(1.25, rel=1e-3))


def test_noise_does_not_make_arms_that_are_alike_seem_apart():
    """The median of the blocks' absolute values would be 0.05 for both, and the gap not narrower at all."""
    first = noisy(1.1, blocks=40, spread=0.2)
    second = noisy(1.0, blocks=40, spread=0.2)[::-1]
    found = over_pairs(Effect.NARROWING, (1.02, None), first, second)
    assert found.estimate == pytest.approx(1.1, rel=0.01)
    assert found.verdict == "inconclusive"


def test_a_gap_that_widens_refutes_that_it_narrows():
    found = over_pairs(Effect.NARROWING, (1.02, None), noisy(1.2), noisy(1.5))
    assert (found.verdict, found.direction.tag) == ("refuted", "reverse")


def test_blocks_that_lack_a_pair_of_a_contrast_say_nothing():
    found = over_pairs(Effect.CONTRAST, (1.4, 1.6), noisy(1.5), noisy(1.0)[:6])
    assert (found.verdict, found.reason, found.blocks) == ("inconclusive", "budget", 6)


@pytest.mark.parametrize(
    ("centre", "verdict", "tag", "direction", "direction_tag"),
    [
        (2.0, "supported", "", "supported", ""),
        (3.0, "refuted", "larger", "supported", ""),
        (1.2, "refuted", "smaller", "supported", ""),
        (1.0, "refuted", "smaller", "refuted", "equal"),
        (0.5, "refuted", "smaller", "refuted", "reverse"),
        (1.5, "inconclusive", "", "supported", ""),
        (1.02, "refuted", "smaller", "inconclusive", ""),
    ],
)
def test_direction_and_magnitude_are_judged_apart(centre, verdict, tag, direction, direction_tag):
    found = judged(plan_of((1.5, 2.5)), centre)
    assert (found.verdict, found.magnitude.verdict, found.magnitude.tag) == (verdict, verdict, tag)
    assert (found.direction.verdict, found.direction.tag) == (direction, direction_tag)
    reason = {"supported": "inside-region", "refuted": "outside-region", "inconclusive": "precision"}[verdict]
    assert found.reason == reason
    assert found.estimate == pytest.approx(centre, rel=0.002)
    low, high = found.interval
    assert low <= found.estimate <= high


def test_each_reading_is_judged_by_itself_and_one_that_holds_is_enough():
    found = judged(plan_of((1.2, 1.3), (1.9, 2.1)), 2.0)
    assert [(r["verdict"], r["tag"]) for r in found.readings] == [("refuted", "larger"), ("supported", "")]
    assert found.verdict == "supported"
    assert judged(plan_of((1.2, 1.3), (1.9, 2.1)), 1.5).verdict == "refuted"


def test_an_interval_across_two_touching_readings_lies_in_their_union():
    found = judged(plan_of((1.5, 2.0), (2.0, 2.5)), 2.0)
    assert found.verdict == "supported"
    assert [reading["verdict"] for reading in found.readings] == ["inconclusive", "inconclusive"]


def test_without_a_stated_figure_the_magnitude_stays_untested():
    found = judged(plan_of((1.02, None), magnitude=False), 2.0)
    assert (found.verdict, found.magnitude.verdict, found.magnitude.tag) == (
        "supported",
        "untested",
        "no-region",
    )


# ------------------------------------------------------------------------------- what must not change a verdict


@given(COSTS, st.floats(1.05, 1.6), st.floats(1.1, 2.0))
@settings(max_examples=40)
def test_swapping_the_arms_mirrors_verdict_tags_and_direction(costs, low, width):
    high = low * width
    assume(
        all(
            abs(math.log(b / a * edge)) > 1e-9
            for a, b in costs
            for e in (low, high, 1.02)
            for edge in (e, 1 / e)
        )
    )
    plan = plan_of((low, high))
    mirror = replace(plan_of((1 / high, 1 / low)), pairs=[plan.pairs[0][::-1]])
    one = judge(plan, rows(plan, costs))
    other = judge(mirror, rows(mirror, [pair[::-1] for pair in costs]))
    assert (one.verdict, one.reason, one.blocks) == (other.verdict, other.reason, other.blocks)
    assert MIRRORED.get(one.magnitude.tag, one.magnitude.tag) == other.magnitude.tag
    assert (one.direction.verdict == "supported") == (other.direction.tag == "reverse")
    assert (one.direction.tag == "reverse") == (other.direction.verdict == "supported")
    assert (one.direction.tag == "equal") == (other.direction.tag == "equal")
    if one.estimate is not None:
        assert one.estimate * other.estimate == pytest.approx(1, rel=1e-4)


WHOLE = plan_of((1.5, 2.5), (1.1, 1.3), control_every=4, beside=["three/n"])
LOGS = st.lists(st.integers(-800, 800).map(lambda each: each / 1000), min_size=8, max_size=20)
ASIDE = {"of": "against", "against": "of"}


def a_run(plan, cells, biases, waiting: float = 0.0) -> dict:
    """Return the samples, with controls and arms beside, and what was watched, of a whole run."""
    effects = {(0, pair): logs for pair, logs in enumerate(cells)}
    plain = bursts(plan, effects)
    return {
        "samples": [*plain, *controls(plan, biases)],
        "watched": quiet(8, partner=round(waiting * NANO)),
        "context": [*plain, *besides(plan, [0.1] * 8)],
    }


@given(st.lists(LOGS, min_size=1, max_size=3), st.lists(st.sampled_from([-0.1, 0.01, 0.02]), max_size=4))
@settings(max_examples=60)
def test_swapping_the_sides_of_a_whole_run_mirrors_everything(cells, biases):
    plan = replace(plan_of((1.5, 2.5), (1.1, 1.3), cells=len(cells)), control_every=4, beside=["three/n"])
    readings = [replace(each, low=1 / each.high, high=1 / each.low) for each in plan.readings]
    mirror = replace(plan, readings=readings, pairs=[pair[::-1] for pair in plan.pairs])
    run = a_run(plan, cells, biases)
    turned, around = (
        [replace(row, side=ASIDE.get(row.side, row.side)) for row in run[name]]
        for name in ("samples", "context")
    )
    one, other = judge(plan, **run), judge(mirror, turned, run["watched"], context=around)
    assert (one.verdict, one.reason, one.blocks) == (other.verdict, other.reason, other.blocks)
    assert MIRRORED.get(one.magnitude.tag, one.magnitude.tag) == other.magnitude.tag
    for here, there in zip(one.readings, other.readings, strict=True):
        assert here["verdict"] == there["verdict"]
        assert MIRRORED.get(here["tag"], here["tag"]) == there["tag"]
    assert (one.direction.verdict == "supported") == (other.direction.tag == "reverse")
    assert (one.direction.tag == "equal") == (other.direction.tag == "equal")
    assert [gate["passed"] for gate in one.gates] == [gate["passed"] for gate in other.gates]
    assert one.resolved == pytest.approx(other.resolved, rel=1e-4) if one.resolved else not other.resolved
    assert sorted((each.against, each.estimate) for each in one.beside) == sorted(
        (each.against, each.estimate) for each in other.beside
    )


@given(LOGS, st.lists(st.sampled_from([-0.1, 0.01, 0.02]), max_size=4), st.sampled_from([2, 10**3]))
@settings(max_examples=30)
def test_a_machine_that_is_slower_in_everything_changes_nothing(logs, biases, factor):
    run = a_run(WHOLE, [logs], biases, waiting=0.02)
    slower = [replace(row, cost=row.cost * factor, cpu=row.cpu * factor) for row in run["samples"]]
    watched = [
        replace(each, wall=each.wall * factor, bursts=each.bursts * factor, partner=each.partner * factor)
        for each in run["watched"]
    ]
    assert judge(WHOLE, slower, watched, context=run["context"]) == judge(WHOLE, **run)


@given(LOGS, st.lists(st.sampled_from([-0.1, 0.01]), max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_in_which_a_whole_run_is_listed_changes_nothing(logs, biases, random):
    run = a_run(WHOLE, [logs], biases)
    shuffled = {name: random.sample(rows, len(rows)) for name, rows in run.items()}
    assert judge(WHOLE, **shuffled) == judge(WHOLE, **run)


@given(COSTS, st.sampled_from([2, 10, 1000, 10**6]), st.integers(1, 9))
@settings(max_examples=40)
def test_neither_slower_machines_nor_other_units_nor_longer_bursts_change_anything(costs, scale, steps):
    plan = plan_of((1.1, 1.4))
    assert (
        judge(plan, rows(plan, costs, scale))
        == judge(plan, rows(plan, costs))
        == judge(plan, rows(plan, costs, 1, steps))
    )


@given(COSTS, st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_in_which_samples_are_listed_changes_nothing(costs, random):
    plan = plan_of((1.1, 1.4))
    shuffled = rows(plan, costs)
    random.shuffle(shuffled)
    assert judge(plan, shuffled) == judge(plan, rows(plan, costs))


@given(COSTS)
@settings(max_examples=20)
def test_a_judgement_is_json_that_recomputes_byte_for_byte(costs):
    plan = plan_of((1.1, 1.4))
    again = type(plan).from_json(json.loads(json.dumps(plan.as_json())))
    first, second = (json.dumps(judge(p, rows(p, costs)).as_json(), allow_nan=False) for p in (plan, again))
    assert first == second


def test_a_ratio_is_not_turned_round():
    plan = plan_of((1.1, 1.2), effect=Effect.RATIO)
    assert judged(plan, 1.15).verdict == "supported"
    assert judged(plan, 1 / 1.15).direction.tag == "reverse"


# ------------------------------------------------------------------------------------------------ quantifiers


@pytest.mark.parametrize(
    ("quantifier", "centres", "verdict"),
    [
        (Quantifier.SOME, (1.0, 2.0, 1.0), "supported"),
        (Quantifier.SOME, (1.0, 1.0, 1.0), "refuted"),
        (Quantifier.SOME, (1.0, 1.5, 1.0), "inconclusive"),
        (Quantifier.UP_TO, (1.0, 2.0, 1.0), "supported"),
        (Quantifier.UP_TO, (1.0, 1.2, 1.0), "refuted"),
        (Quantifier.EVERY, (2.0, 2.1, 1.9), "supported"),
        (Quantifier.EVERY, (2.0, 1.0, 2.0), "refuted"),
        (Quantifier.EVERY, (2.0, 1.5, 2.0), "inconclusive"),
        (Quantifier.TYPICAL, (2.0,), "supported"),
        (Quantifier.TYPICAL, (1.0,), "refuted"),
    ],
)
def test_the_quantifier_says_how_many_cells_decide(quantifier, centres, verdict):
    assert judged(plan_of((1.5, 2.5), quantifier=quantifier, cells=len(centres)), *centres).verdict == verdict


@given(st.lists(st.permutations(range(12)), min_size=2, max_size=4), st.sampled_from([0.002, 0.02, 0.05]))
@settings(max_examples=30)
def test_a_typical_claim_over_cells_is_judged_by_the_median_of_each_block_across_them(orders, spread):
    columns = [
        [
            math.log(1.4 + 0.3 * cell) + spread * (place - 5.5) * (1 + math.sqrt(2 + cell) / 9)
            for place in order
        ]
        for cell, order in enumerate(orders)
    ]
    plan = plan_of((1.5, 2.5), cells=len(columns))
    many = judge(plan, bursts(plan, {(0, cell): logs for cell, logs in enumerate(columns)}))
    alone = plan_of((1.5, 2.5))
    usual = [median(logs) for logs in zip(*columns, strict=True)]
    one = judge(alone, bursts(alone, {(0, 0): usual}))
    assert (many.verdict, many.reason, many.direction, many.blocks) == (
        one.verdict,
        one.reason,
        one.direction,
        12,
    )
    assert many.estimate == pytest.approx(one.estimate, rel=1e-5)


def test_one_odd_cell_of_three_does_not_turn_the_usual_case():
    assert judged(plan_of((1.5, 2.5), cells=3), 2.0, 0.5, 2.1).verdict == "supported"
    assert judged(plan_of((1.5, 2.5), cells=3), 2.0, 0.5, 0.6).verdict == "refuted"


def test_blocks_that_lack_a_deciding_cell_do_not_count_for_the_usual_case():
    plan = plan_of((1.5, 2.5), cells=2)
    found = judge(plan, bursts(plan, {(0, 0): noisy(2.0, 24), (0, 1): noisy(2.0, 7)}))
    undecided(found, Reason.BUDGET)
    assert found.blocks == 7


def test_up_to_is_not_refuted_by_a_cell_that_exceeds_an_open_region():
    plan = plan_of((2.25, None), quantifier=Quantifier.UP_TO, cells=2)
    found = judged(plan, 18.0, 1.0)
    assert found.verdict == "supported"
    assert found.estimate == pytest.approx(18, rel=0.01)


def test_only_deciding_cells_decide():
    plan = plan_of((1.5, 2.5), cells=2, deciding=[[0, 0]], declared=1)
    found = judged(plan, 2.0, 1.0)
    assert found.verdict == "supported"
    assert [cell.deciding for cell in found.cells] == [True, False]


def test_a_single_cell_that_decides_for_many_is_held_to_a_smaller_alpha():
    blocks = 8
    alone = judged(plan_of((1.5, 2.5), quantifier=Quantifier.SOME), 2.0, blocks=blocks)
    many = plan_of((1.5, 2.5), quantifier=Quantifier.SOME, cells=40)
    assert alone.verdict == "supported"
    assert judged(many, 2.0, *[1.0] * 39, blocks=blocks).verdict == "inconclusive"


def test_a_trend_that_falls_is_supported_and_one_that_grows_refuted():
    plan = plan_of(
        (None, 0.0),
        effect=Effect.TREND,
        settings=[{"batch": b} for b in (1, 2, 4)],
        deciding=[[p, 0] for p in range(3)],
        along="batch",
        declared=3,
    )
    falling = {(place, 0): noisy(math.exp(1 - 0.3 * place)) for place in range(3)}
    growing = {(place, 0): noisy(math.exp(0.4 + 0.3 * place)) for place in range(3)}
    assert (found := judge(plan, bursts(plan, falling))).verdict == "supported"
    assert found.direction.verdict == "supported"
    assert found.estimate == pytest.approx(-0.3, abs=0.01)
    assert judge(plan, bursts(plan, growing)).verdict == "refuted"


# ------------------------------------------------------------------------------------------ what never decides


@given(st.integers(0, 7), st.floats(0.2, 5.0))
@settings(max_examples=40)
def test_fewer_than_eight_blocks_never_decide_anything(blocks, centre):
    undecided(judged(plan_of((1.5, 2.5)), centre, blocks=blocks), Reason.BUDGET)


@pytest.mark.parametrize("centre", [2.0, 1.0])
def test_a_smoke_plan_never_decides_however_many_blocks_it_has(centre):
    undecided(judged(plan_of((1.5, 2.5), most_blocks=1), centre), Reason.SMOKE)


def undecided(found, reason):
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)
    assert found.direction.verdict == Verdict.INCONCLUSIVE
    assert {reading["verdict"] for reading in found.readings} == {"inconclusive"}


NARROWED = {"dropped": ["jax/jit: not installed"], "declared": 3}


@pytest.mark.parametrize(
    ("quantifier", "centres", "decides"),
    [
        (Quantifier.EVERY, (2.0, 2.0), False),
        (Quantifier.EVERY, (2.0, 1.0), True),
        (Quantifier.SOME, (1.0, 1.0), False),
        (Quantifier.SOME, (2.0, 1.0), True),
        (Quantifier.UP_TO, (1.0, 1.0), False),
    ],
)
def test_dropped_arms_forbid_what_would_need_every_cell(quantifier, centres, decides):
    found = judged(plan_of((1.5, 2.5), quantifier=quantifier, cells=2, **NARROWED), *centres)
    if decides:
        assert found.verdict in ("supported", "refuted")
    else:
        undecided(found, Reason.NO_SOFTWARE)
        assert "jax/jit" in found.because


def test_what_could_have_been_resolved_is_told_where_nothing_was():
    found = judged(plan_of((1.5, 2.5)), 1.5, spread=0.2)
    assert found.reason == Reason.PRECISION
    low, high = found.interval
    assert found.resolved == pytest.approx(1.02 * math.sqrt(high / low) - 1, rel=1e-4)
    assert f"{found.resolved:.1%}" in found.because
    assert judged(plan_of((1.5, 2.5)), 1.5, blocks=6).resolved is None


def test_the_narrower_the_interval_the_smaller_the_effect_that_is_told():
    told = [judged(plan_of((1.5, 2.5)), 1.5, spread=spread).resolved for spread in (0.01, 0.1, 0.5)]
    assert told == sorted(told)
    assert told[0] > 0.02


def test_dropped_arms_forbid_a_direction_that_would_need_every_cell():
    found = judged(plan_of((1.5, 2.5), quantifier=Quantifier.EVERY, cells=2, **NARROWED), 2.0, 1.2)
    assert found.verdict == "refuted"
    assert found.direction.verdict == "inconclusive"


def test_dropped_arms_forbid_a_reading_that_would_need_every_cell():
    plan = plan_of((1.5, 2.5), (4.0, 5.0), quantifier=Quantifier.SOME, cells=2, **NARROWED)
    found = judged(plan, 2.0, 1.0)
    assert [reading["verdict"] for reading in found.readings] == ["supported", "inconclusive"]


def test_arms_that_decide_nothing_may_be_dropped():
    plan = plan_of((1.5, 2.5), dropped=["jax/jit: not installed"])
    assert judged(plan, 2.0).verdict == "supported"


def test_early_and_late_blocks_that_contradict_each_other_are_dependence():
    plan = plan_of((1.5, 2.5))
    effects = noisy(2.0, 8) + noisy(3.0, 32)
    undecided(judge(plan, bursts(plan, {(0, 0): effects})), Reason.DEPENDENCE)


@pytest.mark.parametrize("seed", range(3))
def test_median_and_mean_with_opposite_verdicts_are_estimand_sensitive(seed):
    plan = plan_of((0.95, 1.3))
    far = random.Random(seed).sample(range(40), 9)
    effects = [log + math.log(12) * (block in far) for block, log in enumerate(noisy(1.2, 40))]
    found = judge(plan, bursts(plan, {(0, 0): effects}))
    undecided(found, Reason.ESTIMAND_SENSITIVE)
    assert found.cells[0].interval[1] < found.cells[0].mean_interval[0]


def test_no_samples_at_all_decide_nothing():
    undecided(judge(plan_of((1.5, 2.5)), []), Reason.BUDGET)


# --------------------------------------------------------------------------------------------- false verdicts

LOOKS = (8, 12, 20, 30, 40)
LOW, HIGH = 1.2, 1.6


def first_decision(plan, effects: list[float]) -> str:
    """Return the first decision of a run that is looked at again and again, as the runner does."""
    for blocks in LOOKS:
        found = judge(plan, bursts(plan, {(0, 0): effects[:blocks]}))
        if found.verdict in ("supported", "refuted"):
            return found.verdict.value
    return "inconclusive"


@pytest.mark.parametrize(("edge", "side"), [(LOW, -1), (LOW, 1), (HIGH, -1), (HIGH, 1)])
def test_false_verdicts_at_the_edges_of_a_region_stay_below_five_percent(edge, side):
    rng = np.random.default_rng([20261121, int(edge * 10), side + 1])
    plan = plan_of((LOW, HIGH))
    truth = math.log(edge) + side * 1e-4
    false = "refuted" if LOW <= math.exp(truth) <= HIGH else "supported"
    runs = truth + 0.1 * np.stack([rng.standard_normal((RUNS // 2, 40)), rng.standard_t(3, (RUNS // 2, 40))])
    wrong = sum(first_decision(plan, run) == false for run in runs.reshape(RUNS, 40).tolist())
    assert upper_bound(wrong, RUNS) <= ALLOWED


def test_a_clear_effect_is_found_so_that_caution_is_no_excuse():
    rng = np.random.default_rng(20261121)
    plan = plan_of((LOW, HIGH))
    runs = math.log(1.385) + 0.05 * rng.standard_normal((40, 40))
    decisions = [first_decision(plan, run) for run in runs.tolist()]
    assert decisions.count("supported") >= 38
    assert "refuted" not in decisions
