"""Downloads: CSV that no spreadsheet runs, JSON that reads back."""

import csv
import io
import json

import pytest

from kb.pages.downloads import as_csv, as_json


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_gets_an_apostrophe(formula):
    assert cells(as_csv(["a"], [{"a": formula}]))[1:] == cells(as_csv(["a"], [{"a": f"'{formula}"}]))[1:]
    assert as_csv(["a"], [{"a": formula}]).count("'") == 1


def test_a_list_that_begins_with_a_formula_gets_an_apostrophe():
    assert cells(as_csv(["a"], [{"a": ["=x", "y"]}]))[1] == ["'=x, y"]


def test_numbers_stay_numbers_even_below_zero():
    assert cells(as_csv(["a", "b"], [{"a": -1.5, "b": 3}]))[1] == ["-1.5", "3"]


def test_quotes_commas_and_line_breaks_read_back():
    text = 'a "b", c\nd'
    assert cells(as_csv(["a"], [{"a": text}]))[1] == [text]


def test_json_reads_back():
    rows = [{"id": "a", "by_hardware": {"cpu": "mixed"}}]
    assert json.loads(as_json(rows)) == rows
