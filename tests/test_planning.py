"""From a claim's record to a plan: the cells that decide, and what a budget leaves out."""

import json

import pytest

from kb.claim import Claim
from kb.plan import Plan
from kb.planning import CONTROL_EVERY, FEWEST_BLOCKS, make_plan
from kb.words import Budget

CLAIM = {
    "title": "A claim over a grid",
    "kind": "measured",
    "statement": "One is faster than the other.",
    "favours": "neither",
    "stated_in": [{"source": "article", "quote": "faster"}],
    "as_of": 2026,
    "estimand": {"quantity": "time", "unit": "s", "effect": "speedup", "of": "one", "against": "two"},
    "quantifier": "typical",
    "readings": [{"name": "faster", "low": 1.02}],
    "scope": {"hardware": ["cpu"], "stated": True},
    "cells": {"batch": [1, 8], "arms": [["one/a", "two/b"], ["one/c", "two/b"]]},
    "primary": {"batch": 8, "arms": ["one/a", "two/b"]},
}


def made(budget: Budget = Budget.NORMAL, **changed) -> Plan:
    record = {**CLAIM, **changed}
    claim = Claim.model_validate_json(
        json.dumps({name: value for name, value in record.items() if value is not None})
    )
    return make_plan("a-claim", claim, budget, 2, "cpu", 7)


def test_a_typical_claim_is_decided_by_its_primary_cell():
    plan = made()
    assert [(plan.settings[place], plan.pairs[pair]) for place, pair in plan.deciding] == [
        ({"batch": 8}, ["one/a", "two/b"])
    ]
    assert len(plan.settings) * len(plan.pairs) == 4


def test_a_quick_run_measures_deciding_cells_alone():
    plan = made(Budget.QUICK)
    assert (plan.settings, plan.pairs, plan.deciding) == ([{"batch": 8}], [["one/a", "two/b"]], [[0, 0]])


def test_without_a_primary_all_cells_decide():
    assert len(made(quantifier="some", primary=None).deciding) == 4


def test_a_primary_may_choose_several_values_and_any_arms():
    plan = made(cells={**CLAIM["cells"], "batch": [1, 8, 64]}, primary={"batch": [1, 8]})
    assert [(plan.settings[place]["batch"], pair) for place, pair in plan.deciding] == [
        (1, 0),
        (1, 1),
        (8, 0),
        (8, 1),
    ]


def test_a_smoke_run_of_a_contrast_has_both_of_its_pairs():
    estimand = {**CLAIM["estimand"], "effect": "contrast"}
    plan = made(Budget.SMOKE, estimand=estimand, primary={"batch": [1, 8]})
    assert plan.deciding == [[0, 0], [0, 1]]


def test_off_the_scope_other_values_take_the_place_of_a_settings():
    cells = {**CLAIM["cells"], "off_scope": {"batch": [2]}}
    record = {**CLAIM, "cells": cells}
    claim = Claim.model_validate_json(json.dumps(record))
    inside, outside = (
        make_plan("a-claim", claim, Budget.NORMAL, 2, "cpu", 7, in_scope=here) for here in (True, False)
    )
    assert [each["batch"] for each in inside.settings] == [1, 8]
    assert [each["batch"] for each in outside.settings] == [2]
    assert outside.deciding == [[0, 0]]


def test_a_tuned_claim_declares_a_cell_for_each_place_whatever_the_modes():
    arms = [["one/a", "two/b"], ["one/c", "two/b"]]
    plan = made(quantifier="every", primary=None, cells={"batch": [1, 8], "tuned": True, "arms": arms})
    assert (plan.tuned, plan.declared, len(plan.deciding)) == (True, 2, 4)


def test_a_smoke_run_takes_one_cell_and_one_block():
    plan = made(Budget.SMOKE, quantifier="some", primary=None)
    assert (len(plan.deciding), plan.most_blocks) == (1, 1)


def test_threads_that_are_swept_make_places_of_their_own():
    cells = {"batch": [8], "threads": [1, "all"], "arms": CLAIM["cells"]["arms"]}
    plan = made(cells=cells, primary={"batch": 8, "threads": "all", "arms": ["one/a", "two/b"]})
    assert [plan.threads_at(place) for place in range(2)] == [1, 2]
    assert plan.deciding == [[1, 0]]


@pytest.mark.parametrize(
    ("budget", "beside"),
    [(Budget.SMOKE, []), (Budget.QUICK, []), (Budget.NORMAL, ["three/n"]), (Budget.DEEP, ["three/n"])],
)
def test_arms_beside_are_measured_where_there_is_time_and_are_in_no_pair(budget, beside):
    plan = made(budget, cells={**CLAIM["cells"], "beside": ["three/n"]})
    assert plan.beside == beside
    assert all("three/n" not in pair for pair in plan.pairs)
    assert "beside" not in plan.settings[0]


def test_a_run_is_long_enough_for_a_verdict_and_has_controls_before_it():
    plan = made()
    assert plan.fewest_blocks == FEWEST_BLOCKS <= plan.most_blocks
    assert any(plan.is_control(block) for block in range(1, FEWEST_BLOCKS))
    assert plan.control_every == CONTROL_EVERY


def test_time_that_is_given_takes_the_place_of_the_budget_s():
    claim = Claim.model_validate_json(json.dumps(CLAIM))
    assert made().seconds == 600
    assert make_plan("a-claim", claim, Budget.NORMAL, 2, "cpu", 7, seconds=30.0).seconds == 30


@pytest.mark.parametrize(
    ("budget", "seconds", "off_scope"),
    [
        (Budget.QUICK, None, 90),
        (Budget.QUICK, 50.0, 50),
        (Budget.NORMAL, None, 600),
        (Budget.DEEP, None, 3600),
    ],
)
def test_a_quick_run_that_can_never_count_has_half_the_time(budget, seconds, off_scope):
    claim = Claim.model_validate_json(json.dumps(CLAIM))
    plan = make_plan("a-claim", claim, budget, 2, "cpu", 7, seconds, in_scope=False)
    assert plan.seconds == off_scope
    assert make_plan("a-claim", claim, Budget.QUICK, 2, "cpu", 7).seconds == 180


@pytest.mark.parametrize(
    ("budget", "in_scope", "primary", "deciding"),
    [
        (Budget.NORMAL, False, CLAIM["primary"], 420),
        (Budget.NORMAL, True, CLAIM["primary"], 600),
        (Budget.QUICK, False, CLAIM["primary"], 90),
        (Budget.NORMAL, False, None, 600),
    ],
)
def test_only_where_no_verdict_can_be_starved_is_time_kept_for_cells_that_decide_nothing(
    budget, in_scope, primary, deciding
):
    cells = {**CLAIM["cells"], "arms": CLAIM["cells"]["arms"][:1]}
    record = {**CLAIM, "cells": cells, "primary": primary, "quantifier": "every"}
    if primary is not None:
        record["primary"] = {**primary, "arms": CLAIM["cells"]["arms"][0]}
    claim = Claim.model_validate_json(json.dumps({k: v for k, v in record.items() if v is not None}))
    plan = make_plan("a-claim", claim, budget, 2, "cpu", 7, in_scope=in_scope)
    assert plan.deciding_seconds() == pytest.approx(deciding)


def test_a_claim_without_cells_cannot_be_planned():
    with pytest.raises(ValueError, match="nothing can be planned"):
        made(cells=None, primary=None)
