"""Where the lead changes hands along a swept setting."""

import pytest

from kb import asides
from kb.crossover import sweeps

PAIR = ["one/a", "two/b"]


def outcome(*cells, along="batch", effect="speedup", model=None):
    """Return an outcome with one pair: per cell the size, the estimate, and the interval."""
    extra = {} if model is None else {"model": model}
    return {
        "plan": {
            "pairs": [PAIR],
            "along": along,
            "effect": effect,
            "settings": [{"batch": size, **extra} for size, *_ in cells],
        },
        "cells": [
            {"place": place, "pair": 0, "estimate": estimate, "interval": [low, high]}
            for place, (_, estimate, low, high) in enumerate(cells)
        ],
    }


def test_the_lead_changes_between_the_last_size_before_and_the_first_after():
    (sweep,) = sweeps(outcome((1, 2.0, 1.8, 2.2), (4, 1.05, 0.9, 1.2), (16, 0.5, 0.4, 0.6)))
    assert sweep.leads == [1, 0, -1]
    assert sweep.crossing == (1, 16)
    assert 4 < sweep.estimate < 16


def test_the_crossing_is_interpolated_on_log_scales():
    (sweep,) = sweeps(outcome((1, 2.0, 1.8, 2.2), (16, 0.5, 0.4, 0.6)))
    assert sweep.estimate == pytest.approx(4.0)


def test_sizes_count_in_their_order_whatever_the_order_of_measurement():
    (sweep,) = sweeps(outcome((16, 0.5, 0.4, 0.6), (1, 2.0, 1.8, 2.2)))
    assert (sweep.sizes, sweep.leads) == ([1, 16], [1, -1])


def test_a_lead_that_no_interval_shows_crosses_nothing():
    found = outcome((1, 2.0, 0.9, 4.0), (16, 0.5, 0.4, 0.6))
    assert sweeps(found)[0].crossing is None
    assert asides.crossovers(found) == [
        "one/a against two/b: two/b leads at batch 16; elsewhere no lead is shown"
    ]


def test_networks_are_swept_apart():
    first, second = outcome((1, 2.0, 1.8, 2.2), (2, 3.0, 2.8, 3.2), model="a"), None
    second = outcome((1, 0.5, 0.4, 0.6), (2, 0.4, 0.3, 0.5), model="b")
    both = {
        "plan": {**first["plan"], "settings": first["plan"]["settings"] + second["plan"]["settings"]},
        "cells": first["cells"] + [{**cell, "place": cell["place"] + 2} for cell in second["cells"]],
    }
    assert asides.crossovers(both) == [
        "one/a against two/b, model a: one/a leads from batch 1 to 2, no crossover",
        "one/a against two/b, model b: two/b leads from batch 1 to 2, no crossover",
    ]


def test_cells_without_bounds_show_no_lead():
    found = outcome((1, 1.1, None, None), (2, 1.2, None, None))
    assert asides.crossovers(found) == ["one/a against two/b: no lead is shown from batch 1 to 2"]


def test_the_sentence_says_who_leads_afterwards():
    found = outcome((1, 2.0, 1.8, 2.2), (16, 0.5, 0.4, 0.6))
    assert asides.crossovers(found) == [
        "one/a against two/b: two/b takes the lead between batch 1 and 16, near 4"
    ]


@pytest.mark.parametrize(("along", "effect"), [(None, "speedup"), ("batch", "trend")])
def test_without_a_sweep_and_of_a_trend_nothing_is_said(along, effect):
    assert (
        asides.crossovers(outcome((1, 2.0, 1.8, 2.2), (2, 2.0, 1.8, 2.2), along=along, effect=effect)) == []
    )
