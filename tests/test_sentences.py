"""Sentences: what an outcome says of its effect, its gates, its other choices, and of starting an arm."""

import pytest
import rich
import tiny
from tiny import MEASURED

from kb import sentences, waits


@pytest.fixture
def found(root):
    return rich.rich_outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1")


def cell(found):
    return sentences.deciding(found)[0]


def test_a_typical_claim_over_several_cells_is_the_median_of_them(found):
    several = {**found, "cells": [{**each, "deciding": True} for each in found["cells"]]}
    said = sentences.effect(several, several["record"])
    assert said.startswith("speed-up of plain against plain, median of 2 cells: ")
    assert "20" not in said.partition(":")[0]


@pytest.fixture
def without_bursts(found):
    return found | {"samples": {}, "context_samples": {}}


def test_the_arm_that_starts_later_pays_after_the_steps_that_make_it_up(without_bursts):
    said = waits.pays(without_bursts, cell(without_bursts))
    assert said == "plain/once starts 3.1 s later and pays after 31 steps"


def test_the_step_is_that_of_the_bursts_and_not_of_a_few_while_warming_up(found):
    assert waits.pays(found, cell(found)) == "plain/once starts 3.1 s later and pays after 32 steps"


def test_an_arm_that_starts_later_and_is_no_faster_never_pays(without_bursts):
    found = without_bursts
    found["first_calls"] |= {f"{rich.ONCE}@0": rich.first(1.0, 0.5, 3.0, 0.2)}
    assert waits.pays(found, cell(found)) == (
        "plain/once starts 3.1 s later and never pays, its step being no faster"
    )


def test_thousands_of_steps_are_grouped(without_bursts):
    found = without_bursts
    found["first_calls"] |= {f"{rich.ONCE}@0": rich.first(1.0, 0.5, 3.0, 0.19975)}
    assert "pays after 12,400 steps" in waits.pays(found, cell(found))


def test_starting_is_told_part_by_part(found):
    said = waits.first_call(found, cell(found))
    assert "plain/once: import 1 s, build 500 ms, first call 3 s" in said
    assert "plain/twice: import 4 s, build 100 ms, first call 300 ms" in said


@pytest.mark.parametrize("known", [{}, {"plain/once@0": {"import_ns": 1}}])
def test_where_first_calls_are_not_known_nothing_is_said(found, known):
    found["first_calls"] = known
    assert waits.pays(found, cell(found)) is None
    assert waits.first_call(found, cell(found)) is None


def test_gates_that_all_passed_are_one_line_with_the_control(found):
    said = sentences.gates(found)
    assert said.startswith("all 4 passed: ")
    assert "interference 0%" in said
    assert "an arm against itself came out at 1.0" in said


def test_gates_that_failed_are_named_with_their_limits_alone(root):
    found = rich.rich_outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1", others=0.4)
    assert found["reason"] == "interference"
    assert sentences.gates(found) == "1 of 4 failed: interference 100% (limit 20%)"


def test_a_run_without_gates_says_nothing_of_them(found):
    assert sentences.gates({**found, "gates": []}) is None


def test_other_choices_are_counted_inside_and_outside_the_claimed_region(found):
    assert sentences.choices(found) == (
        "12 of 12 specifications inside the claimed region, 0 outside; "
        "labels flipped at random come as far from none in 0.2% of trials"
    )


def test_over_several_readings_each_is_counted(found):
    curve = found["specifications"]
    other = {"name": "other", "inside": 0, "outside": 11, "undecided": 1}
    several = {**found, "specifications": {**curve, "readings": [*curve["readings"], other], "chance": None}}
    assert sentences.choices(several) == (
        "of 12 specifications, twice: 12 inside, 0 outside; other: 0 inside, 11 outside"
    )


def test_what_stands_beside_is_told_at_the_places_that_are_asked_for(found):
    here = sentences.beside(found, [cell(found)])
    assert [said.rpartition(" (95% ")[0] for said in here] == [
        "plain/other against plain/once 0.71",
        "plain/other against plain/twice 1.42",
    ]
    assert len(sentences.beside(found, found["cells"])) == 4
    assert " at size 4000 " in sentences.beside(found, found["cells"])[-1]


def test_the_smallest_effect_that_was_told_from_none_is_said_where_known(found):
    assert sentences.resolves({**found, "resolved": 0.0612}) == "effects of 6.12% or more"
    assert sentences.resolves({**found, "resolved": None}) is None
