"""Every stored verdict can be derived again, and one that was touched is found."""

import json

import pytest
from tiny import CAPABILITY, DOCUMENTED, MEASURED, NANO, noisy, quiet, rewritten

from kb.cli import main
from kb.recheck import recheck
from kb.watched import as_columns


@pytest.fixture
def files(outcome_file):
    return {
        MEASURED: outcome_file(MEASURED, "r1", effects=noisy(2.0)),
        CAPABILITY: outcome_file(CAPABILITY, "r2", finding={"sum": 2}, folder="data/evidence"),
        DOCUMENTED: outcome_file(DOCUMENTED, "r3"),
    }


def stored(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_nobody_touched_agrees_with_itself(root, files, capsys):
    assert recheck(root) == (3, [])
    assert main(["recheck"]) == 0
    assert "3 outcomes rechecked, 0 differences" in capsys.readouterr().out


@pytest.mark.parametrize("claim", [MEASURED, CAPABILITY, DOCUMENTED])
def test_one_flipped_verdict_is_found(root, files, claim, capsys):
    rewritten(files[claim], verdict="refuted")
    count, found = recheck(root)
    assert count == 3
    assert [(each.path, each.field, each.stored, each.derived) for each in found] == [
        (files[claim].relative_to(root).as_posix(), "verdict", '"refuted"', '"supported"')
    ]
    assert main(["recheck"]) == 6
    assert "verdict" in capsys.readouterr().err
    others = [other for other in files if other != claim]
    assert [main(["recheck", other]) for other in others] == [0, 0]


def test_one_changed_sample_is_found(root, files):
    samples = stored(files[MEASURED])["samples"]
    samples["cost"][5] = samples["cost"][5] * 11 // 10
    rewritten(files[MEASURED], samples=samples)
    _, found = recheck(root)
    assert "cells" in {each.field for each in found}


@pytest.mark.parametrize(
    ("claim", "field", "value"),
    [
        (CAPABILITY, "finding", {"sum": 3}),
        (MEASURED, "estimate", 2.1),
        (MEASURED, "interval", [1.9, 2.2]),
        (MEASURED, "direction", {"verdict": "refuted", "tag": "reverse"}),
        (MEASURED, "hardware", "gpu"),
        (MEASURED, "because", "trust me"),
        (MEASURED, "gates", [{"name": "interference", "passed": True}]),
        (MEASURED, "specifications", {}),
        (MEASURED, "resolved", 0.001),
        (MEASURED, "plan_sha256", "0" * 64),
        (MEASURED, "record_sha256", "0" * 64),
    ],
)
def test_one_changed_field_is_found(root, files, claim, field, value, capsys):
    rewritten(files[claim], **{field: value})
    assert main(["recheck"]) == 6
    assert files[claim].name in capsys.readouterr().err


def test_a_plan_that_was_changed_with_its_verdict_is_found(root, files):
    plan = stored(files[MEASURED])["plan"]
    plan["alpha"] = 0.5
    rewritten(files[MEASURED], plan=plan)
    _, found = recheck(root)
    assert "plan_sha256" in {each.field for each in found}


def test_a_record_that_was_changed_with_its_verdict_is_found(root, files, capsys):
    record = stored(files[DOCUMENTED])["record"]
    record["citations"][0]["value"] = 40.4
    because = stored(files[DOCUMENTED])["because"].replace("40.2", "40.4")
    readings = [
        {**reading, "because": reading["because"].replace("40.2", "40.4")}
        for reading in stored(files[DOCUMENTED])["readings"]
    ]
    rewritten(files[DOCUMENTED], record=record, because=because, readings=readings)
    assert main(["recheck"]) == 6
    assert "record_sha256" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage", ["column cut short", "column gone", "record without kind", "plan gone wrong", "no finding"]
)
def test_raw_fields_from_which_nothing_can_be_derived_are_an_integrity_fault(root, files, damage, capsys):
    path = files[CAPABILITY if damage == "no finding" else MEASURED]
    data = stored(path)
    if damage == "column cut short":
        data["samples"]["cost"].pop()
    elif damage == "column gone":
        del data["samples"]["cost"]
    elif damage == "record without kind":
        del data["record"]["kind"]
    elif damage == "plan gone wrong":
        data["plan"]["effect"] = "magic"
    else:
        data["finding"] = {"total": 2}
    rewritten(path, **data)
    assert main(["recheck"]) == 6
    assert path.name in capsys.readouterr().err


def test_what_was_watched_bears_on_the_verdict_and_is_rechecked(outcome_file, root):
    path = outcome_file(MEASURED, "r9", effects=noisy(2.0), watched=as_columns(quiet(16, others=NANO)))
    assert stored(path)["reason"] == "interference"
    assert recheck(root) == (1, [])
    rewritten(path, watched=as_columns(quiet(16)))
    _, found = recheck(root)
    assert {"verdict", "reason", "gates"} <= {each.field for each in found}
