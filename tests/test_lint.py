"""Every rule of `kb.lint.RULES` has records that break it, each beside its sound twin."""

from pathlib import Path

import pytest
import tiny

from kb.library import load_library
from kb.lint import RULES, lint

MEASURED = tiny.RECORDS[f"claims/training/{tiny.MEASURED}.yaml"]
TREND = MEASURED.replace("effect: speedup", "effect: trend").replace(
    "quantifier: typical\n", "quantifier: typical\nalong: size\n"
)
CAPABILITY = tiny.RECORDS[f"claims/programming/{tiny.CAPABILITY}.yaml"]
DOCUMENTED = tiny.RECORDS[f"claims/adoption/{tiny.DOCUMENTED}.yaml"]
JUDGEMENT = """\
title: Choose Python for tiny programs
kind: judgement
statement: Python is to be preferred for tiny programs.
favours: neither
stated_in:
  - {source: tiny-article, quote: choose Python}
as_of: 2025
untested: {reason: not-testable, because: advice}
"""
LOGICAL = JUDGEMENT.replace("kind: judgement", "kind: logical").replace(
    "untested: {reason: not-testable, because: advice}",
    "logic:\n  - {rule: subset, left: 1, right: 2, because: a part}",
)
FIFTEEN = " ".join(["word"] * 15)

NARROWING = (
    MEASURED.replace("effect: speedup", "effect: narrowing")
    .replace("[[plain/once, plain/twice]]", "[[plain/once, plain/twice], [plain/twice, plain/twice]]")
    .replace("size: [2000]", "size: [1000, 2000]")
    .replace("primary: {size: 2000, arms: [plain/once, plain/twice]}", "primary: {size: 2000}")
)
BREAKS = [
    ("cross-reference", CAPABILITY, "source: tiny-article", "source: nowhere", "stated_in.0.source", 6),
    ("cross-reference", DOCUMENTED, "source: tiny-census", "source: nowhere", "citations.0.source", 14),
    ("cross-reference", MEASURED, "rests_on: tiny-adds-up", "rests_on: no-such", "relates.0.rests_on", 23),
    ("cross-reference", MEASURED, "rests_on: tiny-adds-up", "same_as: changed", "relates.0.same_as", 23),
    ("quote", CAPABILITY, "quote: one and one", f"quote: {FIFTEEN} more", "stated_in.0.quote", 6),
    ("kind-fields", MEASURED, "quantifier: typical\n", "", "quantifier", 1),
    ("kind-fields", MEASURED, "readings:\n  - {name: twice, value: 2.0}\n", "", "readings", 1),
    (
        "kind-fields",
        CAPABILITY,
        "scope: {hardware: [any], stated: false, because: arithmetic}\n",
        "",
        "scope",
        1,
    ),
    (
        "kind-fields",
        LOGICAL,
        "logic:\n  - {rule: subset, left: 1, right: 2, because: a part}",
        "",
        "logic",
        1,
    ),
    ("kind-fields", JUDGEMENT, "reason: not-testable", "reason: no-data", "untested.reason", 8),
    ("settled-somehow", CAPABILITY, "verifier: tiny_sum\n", "", "", 1),
    ("settled-somehow", CAPABILITY, "verifier: tiny_sum", "verifier: not_there", "verifier", 9),
    (
        "settled-somehow",
        CAPABILITY,
        "verifier: tiny_sum",
        "verifier: tiny_sum\nuntested: {reason: no-data, because: none}",
        "untested",
        10,
    ),
    (
        "figures",
        DOCUMENTED,
        "figure: share, value: 40.2",
        "figure: shares, bears: for, value: 40.2",
        "citations.0.figure",
        14,
    ),
    ("figures", DOCUMENTED, 'period: "2023"', 'period: "2023"\nfacts: [{name: a, says: b}]', "facts", 9),
    ("verifier-fields", CAPABILITY, "expect:\n  - {field: sum, is: 2}\n", "", "expect", 1),
    (
        "verifier-fields",
        MEASURED,
        "primary: {size: 2000, arms: [plain/once, plain/twice]}\n",
        "",
        "primary",
        1,
    ),
    ("verifier-fields", MEASURED, "primary: {size: 2000", "primary: {size: 3", "primary.size", 21),
    ("verifier-fields", MEASURED, "primary: {size: 2000", "primary: {width: 3", "primary.width", 21),
    (
        "verifier-fields",
        MEASURED,
        "primary: {size: 2000, arms: [plain/once, plain/twice]}",
        "primary: {size: 2000, arms: [plain/twice, plain/once]}",
        "primary.arms",
        21,
    ),
    (
        "verifier-fields",
        MEASURED,
        "plain/twice]]",
        "plain/twice], [plain/never, plain/twice]]",
        "cells.arms.1",
        20,
    ),
    ("verifier-fields", MEASURED, "quantifier: typical", "quantifier: typical\nalong: width", "along", 11),
    ("verifier-fields", MEASURED, "effect: speedup", "effect: contrast", "cells.arms", 20),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  off_scope: {width: [1]}\n", "cells.off_scope", 19),
    (
        "verifier-fields",
        MEASURED,
        "  arms: [[plain/once, plain/twice]]",
        "  tuned: true\n  arms: [[plain/once, plain/twice], [plain/twice, plain/once]]",
        "cells.tuned",
        20,
    ),
    (
        "verifier-fields",
        NARROWING,
        "primary: {size: 2000}",
        "primary: {size: [1000, 2000]}",
        "primary",
        21,
    ),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  beside: [plain/never]\n", "cells.beside.0", 19),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  beside: [plain/twice]\n", "cells.beside.0", 19),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  threads: [0]\n", "cells.threads.0", 19),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  threads: [1, many]\n", "cells.threads.1", 19),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  threads: [true]\n", "cells.threads.0", 19),
    ("verifier-fields", MEASURED, "cells:\n", "cells:\n  threads: [1.5]\n", "cells.threads.0", 19),
    (
        "verifier-fields",
        TREND,
        "  size: [2000]",
        "  size: [2000, all]",
        "cells.size",
        20,
    ),
    ("verifier-fields", MEASURED, "effect: speedup", "effect: trend", "along", 1),
    ("region-hull", MEASURED, "low: 1.5", "low: 1.49", "region.low", 13),
    ("region-hull", MEASURED, "high: 2.5, ", "", "region.high", 13),
    ("figures", DOCUMENTED, "rounded_to: {share: 1}", "rounded_to: {part: 1}", "readings.0.rounded_to", 12),
    (
        "figures",
        DOCUMENTED,
        "readings:\n  - {name: to a whole percent, rounded_to: {share: 1}}\n",
        "",
        "readings",
        1,
    ),
    ("figures", DOCUMENTED, 'period: "2023"\n', "", "period", 1),
]


def lint_of(root: Path, text: str) -> list[tuple[str, str, int]]:
    (root / "claims/serving").mkdir(exist_ok=True)
    (root / "claims/serving/changed.yaml").write_text(text, encoding="utf-8")
    faults = [fault for fault in lint(load_library(root)) if Path(fault.path).stem == "changed"]
    return [(fault.rule, fault.field, fault.line) for fault in faults]


def test_a_sound_knowledge_base_is_clean(root):
    assert lint(load_library(root)) == []


@pytest.mark.parametrize(
    "sound",
    [MEASURED, TREND, CAPABILITY, DOCUMENTED, JUDGEMENT, LOGICAL],
    ids=["measured", "trend", "capability", "documented", "judgement", "logical"],
)
def test_the_sound_twin_of_each_kind_is_clean(root, sound):
    assert lint_of(root, sound) == []


@pytest.mark.parametrize(
    ("rule", "sound", "old", "new", "field", "line"),
    BREAKS,
    ids=[f"{rule}-{field or 'record'}-{number}" for number, (rule, _, _, _, field, _) in enumerate(BREAKS)],
)
def test_a_record_that_breaks_one_rule_is_reported_under_that_rule_alone(
    root, rule, sound, old, new, field, line
):
    assert old in sound
    assert lint_of(root, sound.replace(old, new)) == [(rule, field, line)]


def test_a_judgement_without_its_reason_breaks_two_rules(root):
    text = JUDGEMENT.replace("untested: {reason: not-testable, because: advice}", "")
    assert lint_of(root, text) == [("settled-somehow", "", 1), ("kind-fields", "untested", 1)]


def test_every_rule_is_broken_by_some_record_here():
    assert {rule for rule, *_ in BREAKS} == set(RULES)


def test_a_quote_of_fifteen_words_is_the_longest_allowed(root):
    assert lint_of(root, CAPABILITY.replace("one and one}", f"{FIFTEEN}}}")) == []


def test_arms_beside_and_swept_threads_are_sound_where_the_verifier_knows_them(root):
    script = root / "verifiers/tiny_step.py"
    known = script.read_text(encoding="utf-8").replace('"plain/twice")', '"plain/twice", "other/once")')
    script.write_text(known, encoding="utf-8")
    swept = MEASURED.replace("cells:\n", "cells:\n  beside: [other/once]\n  threads: [1, 4, all]\n")
    assert lint_of(root, swept.replace("primary: {", "primary: {threads: all, ")) == []


def test_an_arm_beside_may_be_any_where_nothing_of_the_verifier_is_known(root):
    (root / "verifiers/tiny_step.py").write_text("def (", encoding="utf-8")
    assert lint_of(root, MEASURED.replace("cells:\n", "cells:\n  beside: [other/once]\n")) == []


def test_a_verifier_that_is_not_written_yet_is_said_to_be_so(root):
    text = CAPABILITY.replace(
        "verifier: tiny_sum", "verifier: later\nuntested: {reason: no-verifier, because: later}"
    )
    assert lint_of(root, text) == []


def test_faults_of_the_loader_and_of_the_rules_come_together_sorted(root):
    (root / "claims/adoption/broken.yaml").write_text("title: [", encoding="utf-8")
    lint_of(root, CAPABILITY.replace("source: tiny-article", "source: nowhere"))
    faults = lint(load_library(root))
    assert [fault.rule for fault in faults] == ["syntax", "cross-reference"]
    assert faults == sorted(faults)


def test_lint_never_runs_a_verifier(root):
    mark = root / "mark"
    script = root / "verifiers/tiny_step.py"
    script.write_text(f"open({str(mark)!r}, 'w')\n" + script.read_text(encoding="utf-8"), encoding="utf-8")
    assert lint(load_library(root)) == []
    assert not mark.exists()
