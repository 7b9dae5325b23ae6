"""What cannot hold together is found by rule; each rule beside a sound twin in which there is nothing."""

import json
from pathlib import Path

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from kb.cli import main
from kb.contradictions import RULES, Contradiction, contradictions, of_claim
from kb.library import load_library

CHECKOUT = Path(__file__).resolve().parent.parent
HEAD = """\
title: A claim about something
kind: {kind}
statement: Something is so.
favours: neither
stated_in: [{{source: tiny-article, quote: so}}]
as_of: 2023
"""
SHARES = (
    HEAD.format(kind="documented")
    + "period: '2023'\nreadings: [{name: as printed, rounded_to: {share: 1}}]\n"
)


def figures(*given: str, period: str = "2023", step: float = 1) -> str:
    record = SHARES.replace("'2023'", f"'{period}'").replace("share: 1}", f"share: {step:g}}}")
    return record + f"figures: [{', '.join(given)}]\n"


def share(
    value: float, *more: str, name: str = "share", population: str = "papers", unit: str = "percent"
) -> str:
    given = [f"name: {name}", f"value: {value}", f"unit: {unit}", f"population: {population}", *more]
    return f"{{{', '.join(given)}}}"


def logic(check: str) -> str:
    return HEAD.format(kind="logical") + f"logic: [{{{check}, because: of this}}]\n"


def expecting(expectation: str, verifier: str = "tiny_sum") -> str:
    scope = "scope: {hardware: [any], stated: true}\n"
    return (
        HEAD.format(kind="capability")
        + scope
        + f"verifier: {verifier}\nexpect: [{{field: sum, {expectation}}}]\n"
    )


def found(root: Path, **records: str) -> list[Contradiction]:
    """Return what the rules find among these records alone."""
    for name, text in records.items():
        path = root / "claims" / "adoption" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    library = load_library(root)
    assert library.faults == []
    return contradictions(library)


def rules(root: Path, **records: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.rule, each.claims) for each in found(root, **records)]


WHOLE, PART = "subject: users", "part_of: users"


@pytest.mark.parametrize(
    ("rule", "records", "sound"),
    [
        (
            "arithmetic",
            {"a": logic("rule: quotient, left: 1200, right: 1140, stated: 1.06, digits: 2")},
            {"a": logic("rule: quotient, left: 1200, right: 1140, stated: 1.05, digits: 2")},
        ),
        (
            "arithmetic",
            {"a": logic("rule: quotient, left: 50000, right: 35000, stated: 1.44, digits: 2")},
            {"a": logic("rule: quotient, left: 50000, right: 35000, stated: 1.43, digits: 2")},
        ),
        (
            "subset",
            {"a": logic("rule: subset, left: 85, right: 72")},
            {"a": logic("rule: subset, left: 72, right: 85")},
        ),
        (
            "label",
            {"a": logic("rule: label, label: first, left: before, right: after")},
            {"a": logic("rule: label, label: first, left: before, right: before")},
        ),
        (
            "range",
            {"a": logic("rule: range, label: mirror, left: 2, right: 1")},
            {"a": logic("rule: range, label: mirror, left: 1, right: 1")},
        ),
        (
            "part",
            {"a": figures(share(85, PART)), "b": figures(share(72, WHOLE))},
            {"a": figures(share(72, PART)), "b": figures(share(85, WHOLE))},
        ),
        (
            "no-room",
            {"a": figures(share(72), share(28, name="rest"))},
            {"a": figures(share(72), share(20, name="rest"))},
        ),
        (
            "no-room",
            {"a": figures(share(72), share(28, name="rest"))},
            {"a": figures(share(72), share(28, name="rest", population="books"))},
        ),
        (
            "one-quantity",
            {"a": figures(share(80, WHOLE)), "b": figures(share(72, WHOLE))},
            {"a": figures(share(80, WHOLE), step=20), "b": figures(share(72, WHOLE))},
        ),
        (
            "one-quantity",
            {"a": figures(share(80, WHOLE)), "b": figures(share(72, WHOLE), period="2023-05")},
            {"a": figures(share(80, WHOLE)), "b": figures(share(72, WHOLE), period="2024")},
        ),
        (
            "one-quantity",
            {"a": figures(share(80, WHOLE)), "b": figures(share(72, WHOLE))},
            {"a": figures(share(80, WHOLE)), "b": figures(share(72, WHOLE, unit="paper"))},
        ),
        (
            "one-finding",
            {"a": expecting("is: true"), "b": expecting("is: false")},
            {"a": expecting("is: true"), "b": expecting("is: false", verifier="tiny_other")},
        ),
        (
            "one-finding",
            {"a": expecting("at_least: 3"), "b": expecting("at_most: 2")},
            {"a": expecting("at_least: 2"), "b": expecting("at_most: 2")},
        ),
        (
            "one-finding",
            {"a": expecting("is: 3"), "b": expecting("at_most: 2")},
            {"a": expecting("is: text"), "b": expecting("at_most: 2")},
        ),
    ],
)
def test_each_rule_finds_what_cannot_hold_and_nothing_in_its_sound_twin(tmp_path, rule, records, sound):
    assert rules(tmp_path / "clash", **records) == [(rule, tuple(sorted(records)))]
    assert rules(tmp_path / "sound", **sound) == []


def test_no_rule_is_without_a_record_that_it_finds():
    marks = test_each_rule_finds_what_cannot_hold_and_nothing_in_its_sound_twin.pytestmark
    tried = {case[0] for mark in marks for case in mark.args[1]}
    assert tried == set(RULES)


@given(part=st.integers(1, 99), whole=st.integers(1, 99))
def test_a_part_is_found_exactly_where_no_rounding_lets_it_fit(tmp_path_factory, part, whole):
    root = tmp_path_factory.mktemp("parts")
    clash = rules(root, a=figures(share(part, PART)), b=figures(share(whole, WHOLE)))
    assert bool(clash) == (part - 0.5 > whole + 0.5)


def test_a_finding_says_what_stands_against_what_and_where(tmp_path):
    clash = found(tmp_path, a=figures(share(85, PART)), b=figures(share(72, WHOLE)))
    assert [each.as_json() for each in clash] == [
        {
            "rule": "part",
            "claims": ["a", "b"],
            "because": "85 percent of papers is a part of 72 percent of papers, and cannot be larger",
            "path": "claims/adoption/a.yaml",
            "line": 9,
            "field": "figures.0.value",
        }
    ]
    assert of_claim(clash, "b") == clash
    assert of_claim(clash, "c") == []
    assert str(clash[0].as_fault()).startswith("claims/adoption/a.yaml:9: figures.0.value: 85 percent")


def test_the_commands_show_them_and_only_strict_linting_calls_them_faults(tmp_path, monkeypatch, capsys):
    text = expecting("is: 3").replace("A claim about", "Another claim about")
    root = tiny.make_root(tmp_path)
    (root / "claims/adoption/other-sum.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("KB_ROOT", str(root))
    because = "sum is to be 3 here and 2 there"
    clash = ["other-sum", tiny.CAPABILITY]
    assert (main(["lint"]), capsys.readouterr().err) == (0, "")
    assert main(["lint", "--strict"]) == 2
    assert capsys.readouterr().err.rstrip() == (
        f"claims/adoption/other-sum.yaml:9: expect.0: {because} (with {tiny.CAPABILITY}) [one-finding]"
    )
    assert main(["contradictions", "--json"]) == 0
    assert [(each["claims"], each["because"]) for each in json.loads(capsys.readouterr().out)] == [
        (clash, because)
    ]
    assert main(["contradictions", tiny.MEASURED, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["show", tiny.CAPABILITY]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"settles at most one: {because} (against other-sum)" in said
    assert main(["show", tiny.CAPABILITY, "--json"]) == 0
    assert [each["rule"] for each in json.loads(capsys.readouterr().out)["contradictions"]] == ["one-finding"]


def test_the_knowledge_base_s_own_contradictions_are_found_by_rule():
    known = {(each.rule, each.claims) for each in contradictions(load_library(CHECKOUT))}
    assert {
        ("part", ("lightning-85pct-arxiv", "arxiv-72-28-2023")),
        ("no-room", ("arxiv-72-28-2023",)),
        ("label", ("tensorflow-define-by-run-label",)),
        ("range", ("mirroredstrategy-90pct-256gpu",)),
        ("one-quantity", ("arxiv-72-28-2023", "papers-pytorch-80pct-2023")),
        ("one-finding", ("tensorflow-eager-by-default", "tensorflow-static-graph-by-default")),
    } <= known


def test_no_rule_names_a_claim():
    code = (CHECKOUT / "kb/contradictions.py").read_text(encoding="utf-8")
    assert [claim for claim in load_library(CHECKOUT).records if claim in code] == []
