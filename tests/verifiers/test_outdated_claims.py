"""The share of outdated claims, counted over a small knowledge base of real records and outcomes."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import tiny

from kb.counts import judge_count
from kb.library import load_library
from kb.processes import Worker

ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "verifiers" / "outdated_claims.py"
FIELDS = ["decided", "refuted", "mixed", "undecided", "share", "refuted_claims", "missing"]
SELF = "survey-soon-outdated"
ARTICLES = ("showdown-2025", "tech-comparison", "tech-matchups")
TRUE, FALSE = {"finding": {"sum": 2}}, {"finding": {"sum": 3}}
LACKING = {"lacking": {"reason": "no-hardware", "because": "needs a GPU"}}
RUNS = count(1)


def record(source: str) -> str:
    """Return a capability record that states what the source states."""
    return tiny.RECORDS[f"claims/programming/{tiny.CAPABILITY}.yaml"].replace("tiny-article", source)


def add(root: Path, claim: str, source: str, *outcomes: dict[str, Any], text: str | None = None) -> None:
    """Write a claim, and an outcome of it for each set of raw fields."""
    path = root / "claims" / "programming" / f"{claim}.yaml"
    path.write_text(text or record(source), encoding="utf-8")
    read = tiny.claim_of(root, claim) if outcomes else None
    for raw in outcomes:
        tiny.write(root, tiny.outcome(read, claim, f"r{next(RUNS):03}", **raw))


@pytest.fixture
def base(root: Path) -> Path:
    """A knowledge base whose own three claims are stated elsewhere, one of them refuted."""
    add(root, tiny.CAPABILITY, "tiny-article", FALSE)
    return root


def decided(root: Path, claims: int) -> None:
    """Add claims of the articles: the first five refuted, two more mixed, the others supported."""
    for number in range(claims):
        outcomes = [FALSE] if number < 5 else [TRUE]
        if number in (5, 6):
            outcomes.append(FALSE | {"environment": "e1"})
        add(root, f"claim-{number:02}", ARTICLES[number % 3], *outcomes)


def found(base: Path) -> dict[str, Any]:
    """Return the finding as a worker gives it; `KB_ROOT` names the knowledge base."""
    worker = Worker(VERIFIER, "test-outdated", 1, "cpu", seconds=100, caches=base / "caches")
    try:
        assert worker.ask("describe")["fields"] == FIELDS
        return worker.ask("probe")["finding"]
    finally:
        worker.close()


def verdict(finding: dict[str, Any]) -> tuple[str, str, str]:
    """Return what the claim of the real knowledge base would come to."""
    judged = judge_count(load_library(ROOT).record(SELF).claim, finding)
    return judged.verdict, judged.reason, judged.because


def test_enough_decided_claims_give_the_exact_share(base: Path) -> None:
    decided(base, 20)
    add(base, "not-run", ARTICLES[0])
    finding = found(base)
    assert finding == {
        "decided": 20,
        "refuted": 5,
        "mixed": 2,
        "undecided": 1,
        "share": 0.25,
        "refuted_claims": [f"claim-{number:02}" for number in range(5)],
        "missing": None,
    }
    assert verdict(finding) == ("supported", "finding", "share is 0.25: inside some of it, a notable part")


def test_too_few_decided_claims_give_no_share_and_say_how_many_are_needed(base: Path) -> None:
    decided(base, 19)
    finding = found(base)
    said = "19 claims are decided here, 20 are needed; verify more of them first"
    assert (finding["decided"], finding["refuted"], finding["share"]) == (19, 5, None)
    assert finding["missing"] == said
    assert verdict(finding) == ("untested", "no-data", said)


def test_a_knowledge_base_without_outcomes_has_all_its_claims_undecided(base: Path) -> None:
    add(base, "claim-00", ARTICLES[0])
    finding = found(base)
    assert (finding["decided"], finding["undecided"], finding["share"]) == (0, 1, None)


def test_neither_its_own_claim_nor_one_from_elsewhere_counts(base: Path) -> None:
    decided(base, 20)
    before = found(base)
    add(base, SELF, ARTICLES[0], FALSE)
    add(base, "from-elsewhere", "tiny-article", FALSE)
    add(base, "undecided-elsewhere", "paperzilla")
    assert found(base) == before
    add(base, "claim-20", ARTICLES[0], FALSE)
    assert (found(base)["decided"], found(base)["refuted"]) == (21, 6)


def test_a_claim_that_an_article_states_beside_another_source_counts(base: Path) -> None:
    text = record("tiny-article").replace(
        "stated_in:\n", "stated_in:\n  - {source: tech-matchups, quote: one and one}\n"
    )
    add(base, "in-both", "", FALSE, text=text)
    assert found(base)["refuted_claims"] == ["in-both"]


def test_what_no_release_can_change_does_not_count(base: Path) -> None:
    text = tiny.RECORDS[f"claims/adoption/{tiny.DOCUMENTED}.yaml"].replace("tiny-article", ARTICLES[0])
    add(base, "adopted-by-many", "", text=text)
    finding = found(base)
    assert (finding["decided"], finding["undecided"]) == (0, 0)


def test_outcomes_that_decide_nothing_today_leave_a_claim_undecided(base: Path) -> None:
    add(base, "not-run", ARTICLES[0])
    add(base, "no-gpu", ARTICLES[0], LACKING)
    add(base, "of-other-releases", ARTICLES[0], FALSE | {"releases": ["torch==2.1.2"], "as_of": "2023"})
    add(base, "of-another-record", ARTICLES[0], FALSE)
    add(base, "of-another-record", "", text=record(ARTICLES[0]).replace("is: 2", "is: 3"))
    finding = found(base)
    assert (finding["decided"], finding["undecided"], finding["refuted_claims"]) == (0, 4, [])


def test_a_measured_claim_counts_by_its_blocks(base: Path) -> None:
    text = tiny.RECORDS[f"claims/training/{tiny.MEASURED}.yaml"].replace("tiny-article", ARTICLES[1])
    add(base, "measured-slower", "", {"effects": tiny.noisy(1.1, 40)}, text=text)
    add(base, "measured-as-fast", "", {"effects": tiny.noisy(2.0, 40)}, text=text)
    finding = found(base)
    assert (finding["decided"], finding["refuted_claims"]) == (2, ["measured-slower"])
