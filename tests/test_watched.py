"""What was watched beside the bursts: columns, sums, and the share of the cores that went elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.watched import NAMES, Watched, as_columns, from_columns

AMOUNT = st.integers(0, 10**12)
ROW = st.builds(Watched, st.integers(1, 99), st.integers(1, 64), *[AMOUNT] * 7)


@given(st.lists(ROW, max_size=6))
def test_columns_and_rows_are_two_forms_of_the_same(rows):
    columns = as_columns(rows)
    assert from_columns(columns) == rows
    assert tuple(columns) == (NAMES if rows else ())


def test_columns_of_unequal_length_or_with_one_missing_are_refused():
    columns = as_columns([Watched(*range(9))] * 2)
    with pytest.raises(ValueError, match="shorter"):
        from_columns({**columns, "stolen": [1]})
    with pytest.raises(KeyError):
        from_columns({name: column for name, column in columns.items() if name != "stolen"})


@given(ROW, ROW, ROW)
def test_parts_of_a_block_add_up_in_any_order_and_keep_its_number_and_cores(one, two, three):
    both = one + two
    assert (both.block, both.cores) == (one.block, one.cores)
    for name in NAMES[2:]:
        assert getattr(both, name) == getattr(one, name) + getattr(two, name)
    assert (one + two) + three == one + (two + three) == (one + three) + two


@given(ROW, st.integers(1, 1000))
def test_the_disturbance_is_a_share_of_the_cores_time_whatever_the_unit(row, factor):
    scaled = Watched(row.block, row.cores, *(factor * getattr(row, name) for name in NAMES[2:]))
    if row.wall:
        lost = row.others + row.stolen + row.throttled
        assert row.disturbance == pytest.approx(lost / (row.cores * row.wall))
        assert scaled.disturbance == pytest.approx(row.disturbance)


def test_no_time_is_no_division_by_zero():
    assert Watched(*[0] * 9).disturbance == 0.0
