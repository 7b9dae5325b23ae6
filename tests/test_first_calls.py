"""After how many steps an arm that starts slowly has caught up."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kb.first_calls import break_even

TIMES = st.integers(1, 1000)


def arm(build: int, cold: int, typical: int) -> dict[str, int]:
    return {"import_ns": 999, "build_ns": build, "cold_ns": cold, "warm_ns": 7, "typical_ns": typical}


ARMS = st.builds(arm, TIMES, TIMES, TIMES)


def total(of: dict[str, int], steps: int) -> int:
    """Return what building, the first call and so many steps take."""
    return of["build_ns"] + of["cold_ns"] + steps * of["typical_ns"]


@pytest.mark.parametrize(
    ("of", "against", "steps"),
    [
        pytest.param(arm(10, 90, 2), arm(5, 5, 5), 30, id="even"),  # (100 - 10) / (5 - 2)
        pytest.param(arm(10, 91, 2), arm(5, 5, 5), 31, id="upward"),
        pytest.param(arm(5, 5, 2), arm(10, 90, 5), 0, id="ahead-in-both"),
        pytest.param(arm(10, 90, 5), arm(5, 5, 5), None, id="never"),
        pytest.param(arm(5, 5, 5), arm(5, 5, 5), None, id="alike"),
        pytest.param(arm(5, 5, 2), arm(1, 9, 5), 0, id="same-start"),
    ],
)
def test_a_slow_start_pays_after_the_difference_in_starts_over_that_in_steps(of, against, steps):
    assert break_even(of, against) == steps


@given(ARMS, ARMS)
def test_it_does_not_matter_which_arm_is_named_first(one, other):
    assert break_even(one, other) == break_even(other, one)


@given(ARMS, ARMS)
def test_from_there_on_the_arm_with_the_faster_step_is_ahead_and_before_it_is_not(one, other):
    assume(one["typical_ns"] != other["typical_ns"])
    faster, slower = sorted((one, other), key=lambda each: each["typical_ns"])
    steps = break_even(one, other)
    assert total(faster, steps) <= total(slower, steps)
    assert steps == 0 or total(faster, steps - 1) > total(slower, steps - 1)
