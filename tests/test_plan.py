"""Plans: which blocks are controls, how many threads a place has, and that a plan survives its file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import plan_of

from kb.plan import Plan, digest

GRID = plan_of(
    (1.02, None),
    cells=2,
    settings=[{"batch": 1}, {"batch": 8}],
    deciding=[[place, pair] for place in range(2) for pair in range(2)],
    beside=["three/n", "three/o"],
    declared=4,
)


def test_a_plan_survives_its_file_and_its_hash_with_it():
    again = Plan.from_json(json.loads(json.dumps(GRID.as_json())))
    assert again == GRID
    assert digest(again.as_json()) == digest(GRID.as_json())


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.1},
        {"seed": 8},
        {"seconds": 1.0},
        {"threads": 1},
        {"control_every": 4},
        {"beside": ["three/n"]},
        {"settings": [{"threads": 1}]},
    ],
)
def test_any_change_changes_the_hash(change):
    usual = {"seed": 7, "alpha": 0.05, "threads": 2, "seconds": 2.0}
    assert digest(plan_of(**usual | change).as_json()) != digest(plan_of(**usual).as_json())


@given(st.integers(-1, 200), st.integers(0, 10))
def test_controls_are_every_so_many_blocks_and_never_in_the_pilot(block, every):
    found = plan_of(control_every=every).is_control(block)
    assert found == (block > 0 and every > 0 and block % max(every, 1) == 0)


def test_every_place_has_the_run_s_threads_unless_they_are_swept():
    plan = plan_of(threads=6, settings=[{}, {"threads": 1}, {"threads": "all"}, {"threads": 3, "batch": 2}])
    assert [plan.threads_at(place) for place in range(4)] == [6, 1, 6, 3]


def test_arms_that_are_not_to_be_had_take_their_pairs_with_them():
    plan = GRID.without({"one/m1": "needs g++"})
    assert plan.pairs == [["one/m0", "two/m0"]]
    assert plan.deciding == [[0, 0], [1, 0]]
    assert plan.narrowed()
    assert plan.dropped == ["one/m1: needs g++"]


def test_the_cells_that_are_left_keep_their_arms():
    plan = GRID.without({"two/m0": "needs g++"})
    assert plan.pairs == [["one/m1", "two/m1"]]
    assert plan.deciding == [[0, 0], [1, 0]]


def test_an_arm_beside_that_is_not_to_be_had_narrows_nothing():
    plan = GRID.without({"three/n": "not installed"})
    assert (plan.beside, plan.pairs, plan.deciding) == (["three/o"], GRID.pairs, GRID.deciding)
    assert plan.dropped == ["three/n: not installed"]
    assert not plan.narrowed()


def test_dropping_what_decides_nothing_narrows_nothing():
    plan = plan_of(cells=2, deciding=[[0, 0]], declared=1).without({"one/m1": "needs g++"})
    assert plan.deciding == [[0, 0]]
    assert not plan.narrowed()


def test_of_a_tuned_plan_the_fastest_arm_of_either_side_decides_at_each_place():
    pairs = [[of, against] for of in ("one/a", "one/b") for against in ("two/x", "two/y")]
    grid = plan_of(
        (1.02, None),
        pairs=pairs,
        settings=[{"batch": 1}, {"batch": 8}],
        deciding=[[place, pair] for place in range(2) for pair in range(4)],
        declared=2,
        tuned=True,
    )
    costs = {
        "one/a@0": 2,
        "one/b@0": 1,
        "two/x@0": 3,
        "two/y@0": 4,
        "one/a@1": 1,
        "one/b@1": 2,
        "two/x@1": 9,
        "two/y@1": 8,
    }
    chosen = grid.with_fastest(costs)
    assert [(place, pairs[pair]) for place, pair in chosen.deciding] == [
        (0, ["one/b", "two/x"]),
        (1, ["one/a", "two/y"]),
    ]
    assert not chosen.narrowed()


def test_an_arm_that_is_not_here_is_no_candidate():
    pairs = [["one/a", "two/x"], ["one/b", "two/x"]]
    grid = plan_of((1.02, None), pairs=pairs, deciding=[[0, 0], [0, 1]], declared=1, tuned=True)
    left = grid.without({"one/b": "needs a compiler"}).with_fastest({"one/a@0": 2, "two/x@0": 1})
    assert [left.pairs[pair] for _, pair in left.deciding] == [["one/a", "two/x"]]
