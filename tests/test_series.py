"""The small series: sources and claims that they name exist, and citations have what they say."""

import csv
from pathlib import Path

import pytest

from kb.library import load_library

CHECKOUT = Path(__file__).resolve().parent.parent
FIGURES = CHECKOUT / "data/figures"
LIBRARY = load_library(CHECKOUT)


def rows(name: str) -> list[dict[str, str]]:
    with (FIGURES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", sorted(FIGURES.glob("*.csv")), ids=lambda path: path.stem)
def test_every_series_is_described_and_has_no_empty_row(path):
    assert f"## {path.name}" in (FIGURES / "README.md").read_text(encoding="utf-8")
    found = rows(path.name)
    assert found
    assert all(row["date"] and None not in row for row in found)


@pytest.mark.parametrize("row", rows("support-states.csv"), ids=lambda row: row["system"])
def test_a_support_state_is_cited_by_its_claim_from_its_source_at_its_date(row):
    cited = LIBRARY.records[row["claim"]].claim.citations
    assert (row["source"], row["date"]) in {(each.source, each.date) for each in cited}
    assert row["source"] in LIBRARY.sources


@pytest.mark.parametrize("row", rows("stack-overflow.csv"), ids=lambda row: row["date"])
def test_a_share_of_a_survey_is_cited_as_it_stands(row):
    cited = LIBRARY.records["stackoverflow-2023-tensorflow-ahead"].claim.citations
    for figure in ("tensorflow", "pytorch"):
        wanted = (
            row["source"],
            figure,
            float(row[f"{figure}_percent"]),
            row["population"],
            row["date"],
            row["read"],
        )
        assert wanted in {(e.source, e.figure, e.value, e.population, e.date, e.read) for e in cited}


@pytest.mark.parametrize("row", rows("icml-papers-tensorflow.csv"), ids=lambda row: row["date"])
def test_a_share_of_papers_is_its_counts_and_is_cited(row):
    share = float(row["percent"])
    assert round(100 * int(row["tensorflow_alone"]) / int(row["papers"]), 1) == share
    cited = LIBRARY.records["tensorflow-research-declined"].claim.citations
    assert (row["date"], share) in {(e.date, e.value) for e in cited if e.figure == "tensorflow-alone"}
