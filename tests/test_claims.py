"""The records of the real knowledge base: complete, clean, and quoting what the articles print."""

import functools
from pathlib import Path

import pytest
import yaml

from kb.library import Library, load_library
from kb.lint import lint

HERE = Path(__file__).parent
ROOT = HERE.parent
SHARED = ROOT.parent / "shared"
INVENTORY = dict(line.split() for line in (HERE / "inventory.txt").read_text(encoding="utf-8").splitlines())
IDS = sorted(path.stem for path in ROOT.glob("claims/*/*.yaml"))


@functools.cache
def library() -> Library:
    return load_library(ROOT)


@functools.cache
def faults() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in lint(library()):
        found.setdefault(Path(fault.path).stem, []).append(str(fault))
    return found


@functools.cache
def article(source: str) -> str:
    (path,) = (SHARED / "sources").glob(f"*-{source}.txt")
    return " ".join(path.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("claim", IDS)
def test_a_claim_is_lint_clean(claim):
    assert faults().get(claim, []) == []
    assert library().record(claim).claim.kind == INVENTORY[claim]


@pytest.mark.parametrize("claim", IDS)
def test_a_claim_quotes_what_its_article_prints(claim):
    if not (SHARED / "sources").is_dir():
        pytest.skip(f"the articles' texts are not part of the repository and not at {SHARED / 'sources'}")
    for mention in library().record(claim).claim.stated_in:
        assert " ".join(mention.quote.split()) in article(mention.source)


def test_sources_are_clean():
    assert {name: found for name, found in faults().items() if name not in IDS} == {}


def test_the_claims_are_exactly_those_of_the_inventory():
    assert len(INVENTORY) == 99
    assert sorted(INVENTORY) == IDS


def test_the_inventory_kept_here_is_the_one_that_was_given():
    given = SHARED / "claims-inventory.yaml"
    if not given.is_file():
        pytest.skip(f"the given inventory is not at {given}")
    assert {
        claim["id"]: claim["kind"] for claim in yaml.safe_load(given.read_text(encoding="utf-8"))
    } == INVENTORY


def test_claims_are_stated_by_articles_and_no_article_is_idle():
    records = library().records.values()
    stating = {mention.source for record in records for mention in record.claim.stated_in}
    assert {library().sources[name].role for name in stating} == {"article"}
    assert stating == {name for name, source in library().sources.items() if source.role == "article"}
