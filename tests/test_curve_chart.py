"""The specification curve: in order, with every choice below its effect, thinned without losing what was judged."""

from itertools import pairwise

import pytest
import rich
import tiny
from tiny import MEASURED

from kb.curve_chart import MOST, curve_chart, specifications, thinned, varied
from kb.effects import as_columns
from kb.plan import Plan
from kb.specifications import curve
from kb.words import Effect


@pytest.fixture
def found(root):
    return rich.rich_outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1")


def rows_of(found) -> list[dict]:
    return specifications(found, Plan.from_json(found["plan"]))


def values(layer: dict, spec: dict) -> list[dict]:
    return layer["data"]["values"] if "values" in layer["data"] else spec["datasets"][layer["data"]["name"]]


def test_specifications_stand_from_the_least_effect_to_the_largest(found):
    rows = rows_of(found)
    assert len(rows) == len(found["specifications"]["columns"]["place"]) == 2 * 3 * 2
    estimates = [row["estimate"] for row in rows]
    assert estimates == sorted(estimates)


def test_only_what_was_fixed_beforehand_is_marked_as_judged(found):
    (judged,) = [row for row in rows_of(found) if row["judged"]]
    assert judged["choices"] == {
        "value of a block": "median",
        "bursts": "all",
        "of": rich.ONCE,
        "against": rich.TWICE,
        "size": "2000",
    }
    assert judged["estimate"] == found["estimate"]
    assert [judged["low"], judged["high"]] == found["interval"]


def test_only_choices_that_differ_have_a_row_and_each_specification_a_dot_in_it(found):
    rows = rows_of(found)
    choices = varied(rows)
    assert choices == [
        ("value of a block", "least"),
        ("value of a block", "mean"),
        ("value of a block", "median"),
        ("bursts", "all"),
        ("bursts", "later half"),
        ("size", "2000"),
        ("size", "4000"),
    ]
    spec = curve_chart(found).to_dict()
    dots = values(spec["layer"][1]["layer"][1], spec)
    assert len(dots) == 3 * len(rows)
    assert {dot["choice"] for dot in dots} == set(range(len(choices)))


def test_numbers_are_ordered_by_size():
    rows = [{"choices": {"batch": each}} for each in ("128", "8", "all", "32")]
    assert [choice for _, choice in varied(rows)] == ["8", "32", "128", "all"]


def test_many_specifications_are_thinned_evenly_and_what_was_judged_stays():
    rows = [{"estimate": float(n), "judged": n == 501} for n in range(1000)]
    kept = thinned(rows)
    drawn = [row["estimate"] for row in kept]
    assert len(drawn) in (MOST, MOST + 1)
    assert drawn[0] == 0
    assert drawn[-1] == 999
    assert 501 in drawn
    assert max(later - earlier for earlier, later in pairwise(drawn)) <= 9
    assert [row["rank"] for row in kept] == list(range(len(kept)))


def test_where_all_were_judged_thinning_still_holds():
    rows = [{"estimate": float(n), "judged": n % 2 == 0} for n in range(1000)]
    assert len(thinned(rows)) == MOST


def test_few_specifications_are_all_drawn():
    rows = [{"estimate": float(n), "judged": False} for n in range(MOST)]
    assert len(thinned(rows)) == MOST


def test_an_open_interval_and_an_open_region_end_at_the_edge_of_the_picture(found):
    columns = found["specifications"]["columns"]
    columns["low"] = [None] * len(columns["low"])
    found["readings"][0]["high"] = None
    spec = curve_chart(found).to_dict()
    bands, rules = (spec["layer"][0]["layer"][index] for index in (0, 2))
    first, last = bands["encoding"]["y"]["scale"]["domain"]
    assert values(bands, spec)[0]["high"] == last
    assert {row["low"] for row in values(rules, spec)} == {first}


def test_a_trend_is_drawn_about_zero(root):
    plan = tiny.plan_of(
        (None, 0.0), effect=Effect.TREND, along="batch", settings=[{"batch": 1}, {"batch": 2}]
    )
    samples = tiny.bursts(plan, {(0, 0): tiny.noisy(2.0), (1, 0): tiny.noisy(1.5)})
    outcome = {"plan": plan.as_json(), "specifications": curve(plan, samples), "samples": as_columns(samples)}
    spec = curve_chart({**outcome, "readings": [{"name": "r", "low": None, "high": 0.0}]}).to_dict()
    scale = spec["layer"][0]["layer"][0]["encoding"]["y"]["scale"]
    assert scale["type"] == "linear"
    assert scale["domain"][0] < 0 < scale["domain"][1]
