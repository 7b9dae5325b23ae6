# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "pydantic", "pyyaml", "polars", "duckdb"]
# ///
"""How many of the articles' decided claims current releases refute, counted over this knowledge base."""

from typing import Any

from kb.catalogue import rows
from kb.library import load_library
from kb.root import find_root
from kb.verifier import probes
from kb.words import Kind, Summary

ARTICLES = {"showdown-2025", "tech-comparison", "tech-matchups"}
KINDS = (Kind.MEASURED, Kind.CAPABILITY)
SELF = "survey-soon-outdated"
FEWEST = 20
"""Decided claims from which a share says something."""


@probes(fields=("decided", "refuted", "mixed", "undecided", "share", "refuted_claims", "missing"))
def outdated_claims() -> dict[str, Any]:
    """Count verdicts under current releases on what the three articles state and a release can change.

    The one verifier that reads the knowledge base itself, so it alone imports more of kb than its face.
    """
    testable = [
        row
        for row in rows(load_library(find_root()))
        if row["kind"] in KINDS and ARTICLES & set(row["sources"]) and row["id"] != SELF
    ]
    by_summary = {word: [row["id"] for row in testable if row["summary"] == word] for word in Summary}
    refuted, mixed = by_summary[Summary.REFUTED], by_summary[Summary.MIXED]
    decided = len(refuted) + len(mixed) + len(by_summary[Summary.SUPPORTED])
    enough = decided >= FEWEST
    return {
        "decided": decided,
        "refuted": len(refuted),
        "mixed": len(mixed),
        "undecided": len(testable) - decided,
        "share": len(refuted) / decided if enough else None,
        "refuted_claims": refuted,
        "missing": None
        if enough
        else f"{decided} claims are decided here, {FEWEST} are needed; verify more of them first",
    }
