"""What stands beside a verdict: rates in all and for each core."""

from typing import Any

import pytest

from kb import asides

CELL = {"place": 1, "pair": 0, "estimate": 0.015625}
RECORD = {"estimand": {"unit": "request/s"}, "scope": {"cores": 16}}


@pytest.fixture
def found() -> dict[str, Any]:
    """A stated rate that the bursts of one place keep to, but for one; the server is 64 times slower."""
    columns = {
        "arm": ["stated/32000", "stated/32000", "stated/32000", "server/one", "stated/32000"],
        "place": [1, 1, 1, 1, 0],
        "steps": [64, 128, 64, 1, 1],
        "cost": [100_000_000, 200_000_000, 400_000_000, 100_000_000, 1],
    }
    return {
        "plan": {"pairs": [["server/one", "stated/32000"]], "threads": 2},
        "pilot": {"stated/32000@1": {"items": 50}},
        "samples": columns,
    }


def test_a_measured_rate_is_per_thread_and_a_stated_one_per_core_of_the_scope(found: dict[str, Any]) -> None:
    assert asides.rates(found, RECORD, CELL) == (
        "server/one 500 request/s, 250 for each of 2 cores; "
        "stated/32000 32,000 request/s, 2,000 for each of 16 cores"
    )


@pytest.mark.parametrize(
    "record",
    [{**RECORD, "estimand": {"unit": "s"}}, {**RECORD, "scope": {}}, {**RECORD, "scope": None}],
)
def test_rates_are_told_where_a_rate_and_cores_are_stated(
    found: dict[str, Any], record: dict[str, Any]
) -> None:
    assert asides.rates(found, record, CELL) is None


def test_a_cell_that_was_not_measured_has_no_rate(found: dict[str, Any]) -> None:
    assert asides.rates(found, RECORD, {**CELL, "place": 2}) is None
    assert asides.rates(found, RECORD, {**CELL, "estimate": None}) is None
