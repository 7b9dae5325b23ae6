"""Plans: the cells that decide, what a budget leaves out, and that a plan survives its file."""

import json

import pytest
from tiny import plan_of

from kb.claim import Claim
from kb.plan import Plan, digest, make_plan
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


def test_a_smoke_run_takes_one_cell_and_one_block():
    plan = made(Budget.SMOKE, quantifier="some", primary=None)
    assert (len(plan.deciding), plan.most_blocks) == (1, 1)


def test_a_plan_survives_its_file_and_its_hash_with_it():
    plan = made()
    again = Plan.from_json(json.loads(json.dumps(plan.as_json())))
    assert again == plan
    assert digest(again.as_json()) == digest(plan.as_json())


@pytest.mark.parametrize("change", [{"alpha": 0.1}, {"seed": 8}, {"seconds": 1.0}, {"threads": 1}])
def test_any_change_changes_the_hash(change):
    assert digest(plan_of(**change).as_json()) != digest(
        plan_of(seed=7, alpha=0.05, threads=2, seconds=2.0).as_json()
    )


def test_arms_that_are_not_to_be_had_take_their_pairs_with_them():
    plan = made(quantifier="some", primary=None).without({"one/c": "needs g++"})
    assert plan.pairs == [["one/a", "two/b"]]
    assert plan.deciding == [[0, 0], [1, 0]]
    assert plan.narrowed()
    assert plan.dropped == ["one/c: needs g++"]


def test_dropping_what_decides_nothing_narrows_nothing():
    assert not made().without({"one/c": "needs g++"}).narrowed()


def test_a_claim_without_cells_cannot_be_planned():
    with pytest.raises(ValueError, match="nothing can be planned"):
        made(cells=None, primary=None)
