"""The README's table of systems: each has a claim, and where no reason stands, an outcome of a run."""

import re
from pathlib import Path

import pytest

from kb.files import outcome_paths, read_outcome
from kb.library import load_library

CHECKOUT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| ([^|]+) \| `([a-z0-9-]+)` \| ([^|]*)\|$", re.MULTILINE)
TABLE = (
    (CHECKOUT / "README.md").read_text(encoding="utf-8").partition("## Systems\n")[2].partition("\n## ")[0]
)
ROWS = [(system, claim, why.strip()) for system, claim, why in ROW.findall(TABLE)]


def ran(claim: str) -> bool:
    """Tell whether a published outcome has what a verifier found or measured."""
    outcomes = [read_outcome(path) for path in outcome_paths(CHECKOUT, claim) if "evidence" in path.parts]
    return any(each.get("finding") or each.get("samples", {}).get("place") for each in outcomes)


def test_the_table_has_no_row_that_is_not_read():
    assert len(ROWS) == TABLE.count("\n| ") - 1
    assert len(ROWS) > 30


@pytest.mark.parametrize(("system", "claim", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_a_system_has_a_claim_that_ran_it_or_the_reason_why_none_did(system, claim, why):
    assert claim in load_library(CHECKOUT).records
    assert why or ran(claim)
