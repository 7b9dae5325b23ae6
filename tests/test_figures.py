"""Figures: what a chart draws follows from the outcome, whatever is open, indicative or missing."""

import math

import pytest
import rich
import tiny
from tiny import MEASURED, noisy

from kb import figures, sentences
from kb.effects import as_columns
from kb.words import Effect

RECORD = {"estimand": {"effect": "speedup", "of": "a", "against": "b", "quantity": "time", "unit": "s"}}


def constructed(effect="speedup", low=0.9, high=1.1, estimate=1.0, readings=((1.2, 1.3),), **more):
    return {
        "readings": [{"name": "r", "low": below, "high": above} for below, above in readings],
        "interval": [low, high],
        "estimate": estimate,
        "indicative": False,
        "hardware": "cpu",
        "environment_key": {"host": {"cpu": "tiny", "logical_cores": 2}},
        **more,
    }


def values(chart, layer: int | None = None) -> list[dict]:
    """Return the data of a chart, or of one of its layers."""
    spec = chart.to_dict()
    data = (spec if layer is None or "data" not in spec["layer"][layer] else spec["layer"][layer])["data"]
    return data["values"] if "values" in data else spec["datasets"][data["name"]]


def drawn(chart) -> list[dict]:
    """Return the rows of a chart of rows, in their order."""
    return sorted(values(chart, -1), key=lambda row: row["row"])


def domain(chart) -> list[float]:
    return next(layer["encoding"]["x"]["scale"]["domain"] for layer in chart.to_dict()["layer"])


def test_regions_come_first_and_each_environment_has_its_interval():
    outcomes = [constructed(), constructed(low=1.5, high=1.6, estimate=1.55)]
    rows = drawn(figures.effect_chart(outcomes, RECORD))
    assert [row["kind"] for row in rows] == ["claimed", "measured", "measured"]
    assert [(row["low"], row["high"], row["estimate"]) for row in rows] == [
        (1.2, 1.3, None),
        (0.9, 1.1, 1.0),
        (1.5, 1.6, 1.55),
    ]


def test_an_indicative_outcome_is_drawn_apart_and_says_so():
    row = drawn(figures.effect_chart([constructed(indicative=True)], RECORD))[-1]
    assert row["kind"] == "indicative"
    assert "indicative, does not count" in row["label"]


def test_an_open_edge_ends_at_the_edge_of_the_picture():
    chart = figures.effect_chart([constructed(readings=((1.02, None),), low=None)], RECORD)
    first, last = domain(chart)
    rows = drawn(chart)
    assert (rows[0]["low"], rows[0]["high"]) == (1.02, last)
    assert rows[1]["low"] == first
    assert "1.02 or more" in rows[0]["label"]


@pytest.mark.parametrize(
    ("low", "high", "estimate"), [(0.01, 300.0, 2.0), (1.0, 1.0, 1.0), (None, None, 1.0), (None, None, None)]
)
def test_a_ratio_is_drawn_about_one_on_a_logarithmic_scale(low, high, estimate):
    chart = figures.effect_chart([constructed(low=low, high=high, estimate=estimate or 1.0)], RECORD)
    first, last = domain(chart)
    assert 0 < first < 1 < last
    assert all(math.isfinite(edge) for edge in (first, last))
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"


def test_a_trend_is_drawn_about_zero_on_a_linear_scale():
    record = {"estimand": {**RECORD["estimand"], "effect": "trend"}}
    outcome = constructed(low=-0.2, high=-0.1, estimate=-0.15, readings=((None, 0.0),))
    chart = figures.effect_chart([outcome], record)
    first, last = domain(chart)
    assert first < -0.2
    assert last > 0
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["type"] == "linear"


def test_cells_are_sorted_and_those_that_decide_are_marked():
    plan = tiny.plan_of((1.2, 1.3), cells=3, deciding=[[0, 1]])
    cells = [
        {"place": 0, "pair": pair, "estimate": estimate, "interval": [0.5, 4.0], "deciding": pair == 1}
        for pair, estimate in enumerate((1.1, 2.0, None))
    ]
    rows = drawn(figures.cells_chart({"plan": plan.as_json(), "cells": cells, "beside": []}))
    assert [row["estimate"] for row in rows] == [2.0, 1.1]
    assert "one/m1 against two/m1" in rows[0]["label"]
    assert "decides" in rows[0]["label"]
    assert "decides" not in rows[1]["label"]


def test_an_arm_beside_is_drawn_last_and_apart(root):
    found = rich.rich_outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1")
    rows = drawn(figures.cells_chart(found))
    assert {row["kind"] for row in rows[:2]} == {"indicative", "measured"}
    assert [row["kind"] for row in rows[2:]] == ["beside"] * 4
    assert rows[-1]["label"].startswith("plain/other against plain/twice\nsize 4000: ")
    assert rows[-1]["label"].endswith("not judged")


def test_a_label_of_two_lines_has_room_and_what_does_not_fit_is_cut():
    spec = figures.effect_chart([constructed()], RECORD).to_dict()
    text = spec["layer"][-1]["mark"]
    assert text["clip"] is True
    assert text["lineBreak"] == "\n"
    assert spec["height"] == 2 * (46 + 16) + 55


def test_the_cells_of_a_trend_are_ratios():
    plan = tiny.plan_of(
        (None, 0.0), effect=Effect.TREND, along="batch", settings=[{"batch": 1}, {"batch": 2}]
    )
    cells = [{"place": 1, "pair": 0, "estimate": 1.5, "interval": [1.4, 1.6], "deciding": True}]
    chart = figures.cells_chart({"plan": plan.as_json(), "cells": cells, "beside": []})
    assert domain(chart)[0] < 1 < domain(chart)[1]
    assert "batch 2" in drawn(chart)[0]["label"]


@pytest.mark.parametrize(("unit", "divisor"), [("s", 1e6), ("B", 2**20)])
def test_samples_are_drawn_as_cost_per_step_in_ms_or_mib(unit, divisor):
    plan = tiny.plan_of((1.2, 1.3), settings=[{"batch": 1}, {"batch": 2}])
    samples = tiny.bursts(plan, {(0, 0): noisy(2.0, 3), (1, 0): noisy(1.0, 2)})
    outcome = {"samples": as_columns(samples), "record": {"estimand": {"unit": unit}}}
    found = values(figures.samples_chart(outcome, place=1))
    expected = [sample for sample in samples if sample.place == 1]
    assert [value["cost"] for value in found] == [sample.cost / sample.steps / divisor for sample in expected]
    assert [value["arm"] for value in found] == [sample.arm for sample in expected]


def test_only_figures_of_the_same_name_and_population_are_drawn():
    figure = {"name": "share", "value": 40.0, "unit": "%", "population": "papers"}
    base = {"figure": "share", "value": 41.0, "population": "papers", "date": "2023", "read": "primary"}
    others = [{**base, "figure": "count"}, {**base, "population": "repositories"}, {**base, "value": None}]
    record = {"citations": [base, *others]}
    assert figures.cited(record, figure) == [base]
    chart = figures.figure_chart(record, figure)
    assert values(chart, -1) == [{"date": "2023", "value": 41.0, "read": "primary"}]
    assert values(chart, 0)[0]["value"] == 40.0


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.0, 2.0, "1 to 2"),
        (None, 2.0, "up to 2"),
        (1.02, None, "1.02 or more"),
        (None, None, "no bounds yet"),
    ],
)
def test_bounds_are_said_in_words(low, high, words):
    assert sentences.bounds(low, high) == words


def test_a_gpu_outcome_names_its_accelerator():
    outcome = constructed(hardware="gpu")
    outcome["environment_key"]["accelerators"] = [{"name": "H200"}]
    assert figures.machine(outcome) == "H200, 2 cores"


def test_a_stored_outcome_can_be_drawn(root):
    claim = tiny.claim_of(root, MEASURED)
    outcome = tiny.outcome(claim, MEASURED, "r1", effects=noisy(2.0))
    for chart in (
        figures.effect_chart([outcome], outcome["record"]),
        figures.cells_chart(outcome),
        figures.samples_chart(outcome),
    ):
        chart.to_dict()
