"""The screen: everything that binds an answer to its scope, and nothing that could harm a terminal."""

import pytest
import tiny

from kb import screen


@pytest.fixture
def measured(root):
    claim = tiny.claim_of(root, "tiny-step-faster")
    return tiny.outcome(claim, "tiny-step-faster", "r1", effects=tiny.noisy(2.0))


def test_a_measured_effect_names_its_arms_cell_interval_and_blocks(measured):
    text = screen.effect(measured, measured["record"])
    cell = screen.headline_cell(measured)
    of, against = measured["plan"]["pairs"][cell["pair"]]
    for part in ("speed-up of", of, against, "95%", f"{measured['blocks']} blocks"):
        assert part in text


def test_over_several_cells_it_says_which_one_and_how_many_agree(measured):
    other = {**measured["cells"][0], "estimate": 0.9, "interval": [0.8, 0.95]}
    several = {
        **measured,
        "cells": [*measured["cells"], other],
        "plan": {**measured["plan"], "quantifier": "up to"},
    }
    assert screen.effect(several, several["record"]).startswith("largest speed-up")
    assert screen.spread(several) == "1 inside the claimed region, 1 outside, 0 undecided"


def test_control_characters_and_right_to_left_marks_never_reach_the_terminal():
    assert screen.plain("a\x1b[31m\u202eb\x00\nc") == "a[31mb c"


def test_a_table_stays_within_its_widths():
    lines = screen.table([("x" * 50, "y"), ("a", "b" * 50)], (10, 5)).splitlines()
    assert [len(line) for line in lines] == [13, 17]
    assert lines[0].startswith("x" * 9 + "…")


def test_without_a_terminal_there_is_no_colour():
    assert screen.verdict("refuted") == "x refuted"


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (
            {"rule": "quotient", "left": 50000, "right": 35000, "stated": 1.43, "holds": True},
            "50,000 / 35,000 = 1.43: holds",
        ),
        (
            {"rule": "subset", "left": 85, "right": 72, "stated": None, "holds": False},
            "85 within 72: does not hold",
        ),
    ],
)
def test_a_piece_of_logic_is_written_out(check, text):
    assert screen._check(check) == text
