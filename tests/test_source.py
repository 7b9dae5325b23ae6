"""Bibliographic records come out as CSL-JSON."""

import json

import pytest
from pydantic import ValidationError

from kb.source import Author, Source

MINIMAL = {"type": "article-journal", "title": "On tiny things", "read": "primary", "role": "literature"}


def source(**more):
    return Source.model_validate_json(json.dumps({**MINIMAL, **more}))


def test_a_record_becomes_a_csl_item_with_date_parts_and_csl_names():
    found = source(
        author=[{"family": "Novac", "given": "O.-C."}, {"literal": "ACME"}],
        issued="2022-11-16",
        accessed="2026-11",
        **{"container-title": "Sensors", "DOI": "10.3390/s22228872"},
    )
    assert found.csl("novac-2022") == {
        "id": "novac-2022",
        "type": "article-journal",
        "title": "On tiny things",
        "author": [{"family": "Novac", "given": "O.-C."}, {"literal": "ACME"}],
        "issued": {"date-parts": [[2022, 11, 16]]},
        "accessed": {"date-parts": [[2026, 11]]},
        "container-title": "Sensors",
        "DOI": "10.3390/s22228872",
    }


def test_how_we_read_a_source_is_not_part_of_its_citation():
    assert {"read", "role"}.isdisjoint(source().csl("x"))


@pytest.mark.parametrize(
    ("author", "short"),
    [({"literal": "ACME"}, "ACME"), ({"family": "Li", "given": "S."}, "Li, S."), ({"family": "Li"}, "Li")],
)
def test_an_author_is_shown_as_citations_do(author, short):
    assert Author(**author).short() == short


@pytest.mark.parametrize(
    "wrong",
    [
        {"issued": "November 2022"},
        {"issued": 2022},
        {"DOI": "https://doi.org/10.1/x"},
        {"URL": "javascript:alert(1)"},
        {"accessed": "2026"},
        {"read": "skimmed"},
        {"role": "rumour"},
        {"type": "tweet"},
        {"container_name": "Sensors"},
    ],
    ids=str,
)
def test_what_is_not_in_csl_terms_is_refused(wrong):
    with pytest.raises(ValidationError):
        source(**wrong)
