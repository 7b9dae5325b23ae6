"""The screen: everything that binds an answer to its scope, and nothing that could harm a terminal."""

import pytest
import rich
import tiny

from kb import screen, sentences


@pytest.fixture
def measured(root):
    claim = tiny.claim_of(root, "tiny-step-faster")
    return tiny.outcome(claim, "tiny-step-faster", "r1", effects=tiny.noisy(2.0))


def test_a_measured_effect_names_its_arms_cell_interval_and_blocks(measured):
    text = sentences.effect(measured, measured["record"])
    (cell,) = sentences.headline(measured)
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
    assert sentences.effect(several, several["record"]).startswith("largest speed-up")
    assert sentences.spread(several) == "1 inside the claimed region, 1 outside, 0 undecided"


def test_context_that_was_left_out_is_said_with_its_reason(measured):
    measured["pilot"]["context"] = {"left_out": "verifiers/tiny_step.py crashed"}
    text = screen.outcome(measured, measured["record"])
    assert "left out: verifiers/tiny_step.py crashed" in " ".join(text.split())


@pytest.mark.parametrize("whole", [False, True])
def test_one_screen_has_what_stands_behind_a_verdict_within_100_columns(root, whole):
    found = rich.rich_outcome(tiny.claim_of(root, "tiny-step-faster"), "tiny-step-faster", "r1")
    lines = screen.outcome(found, found["record"], whole).splitlines()
    labels = [line[:14].strip() for line in lines if line[:1].strip()]
    gates = ["gate"] * 4 if whole else ["gates"]
    behind = ["resolves", "choices", "beside", "first call", *gates, "because", "on", "more"]
    assert labels[1:] == ["claimed", "measured", "direction", "reading", *behind]
    assert max(map(len, lines)) <= screen.WIDTH
    assert "(shown, not judged)" in "\n".join(lines)


def test_a_gate_that_failed_is_told_with_its_figure_limit_and_advice(root):
    claim = tiny.claim_of(root, "tiny-step-faster")
    found = rich.rich_outcome(claim, "tiny-step-faster", "r1", others=0.4)
    assert "1 of 4 failed: interference 100% (limit 20%)" in screen.outcome(found, found["record"])
    text = " ".join(screen.outcome(found, found["record"], whole=True).split())
    assert "interference 100% of at most 20%, failed: stop other programs" in text


def test_of_many_deciding_cells_only_the_first_are_told_one_by_one(root):
    found = rich.rich_outcome(tiny.claim_of(root, "tiny-step-faster"), "tiny-step-faster", "r1")
    many = {**found, "cells": [{**found["cells"][0], "deciding": True}] * 80}
    text = screen.outcome(many, found["record"], whole=True)
    assert text.count("first call   ") == screen.CELLS
    assert "the first 6 of 80 deciding cells" in text


@pytest.mark.parametrize(
    ("effect", "low", "high", "stated"),
    [
        ("speedup", 1.02, None, True),
        ("speedup", None, 0.98, True),
        ("speedup", 0.95, 1.05, False),
        ("speedup", 0.95, None, False),
        ("trend", None, -0.02, True),
        ("trend", -0.1, 0.1, False),
    ],
)
def test_a_direction_is_told_where_the_claim_says_which_side_leads(measured, effect, low, high, stated):
    found = {
        **measured,
        "plan": {**measured["plan"], "effect": effect},
        "readings": [{**measured["readings"][0], "low": low, "high": high}],
    }
    assert sentences.states_direction(found) is stated
    assert (
        any(line.startswith("direction") for line in screen.outcome(found, found["record"]).splitlines())
        is stated
    )


def test_a_finding_is_told_field_by_field_and_tables_on_the_whole_screen_alone(measured):
    finding = {
        "pairs": ["a - b: 281 MB"],
        "share": 0.25,
        "missing": None,
        "table": {"a": 1},
        "long": "x" * 999,
    }
    brief, whole = (
        screen.outcome({**measured, "finding": finding}, measured["record"], each).splitlines()
        for each in (False, True)
    )
    told = [line.split(maxsplit=1)[1] for line in brief if line.startswith("found ")]
    assert told[:2] == ['pairs: ["a - b: 281 MB"]', "share: 0.25"]
    assert [line.partition(":")[0] for line in told[2:]] == ["long"]
    assert [line.split()[1] for line in whole if line.startswith("found ")] == [
        f"{name}:" for name in finding
    ]
    assert sum("xxx" in line for line in brief) < sum("xxx" in line for line in whole)
    assert max(map(len, whole)) <= screen.WIDTH


def test_a_run_that_was_void_has_a_screen_without_figures(root):
    claim = tiny.claim_of(root, "tiny-step-faster")
    found = tiny.outcome(
        claim, "tiny-step-faster", "r1", effects=tiny.noisy(2.0), voids=["threads: 1, not 2"]
    )
    text = screen.outcome(found, found["record"])
    assert "threads: 1, not 2" in text
    assert "measured" not in text


def test_a_paragraph_uses_the_width_in_every_line():
    lines = screen.paragraph("label", "ab " * 100).splitlines()
    assert {len(line) for line in lines[:-1]} == {100}
    assert all(line.startswith(" " * 14) for line in lines[1:])


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
