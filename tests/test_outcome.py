"""Outcomes: judged fields follow from raw ones, and nothing that failed or was off scope decides."""

import json

import pytest
import tiny
from pydantic import ValidationError
from tiny import CAPABILITY, DOCUMENTED, MEASURED, NANO, noisy, quiet

from kb.claim import Claim
from kb.outcome import Outcome, frozen_record, rejudge
from kb.scopes import off_scope
from kb.watched import as_columns as watched_columns
from kb.words import Hardware

CALM, NOISY = watched_columns(quiet(16)), watched_columns(quiet(16, others=NANO))
FAST = {"plain/once@0": {"typical_ns": 9, "flops": 1e15}, "run": {"blocks": 16, "resolvable": None}}

GIVEN = [
    (MEASURED, {"effects": noisy(2.0)}, "supported", "inside-region"),
    (MEASURED, {"effects": noisy(1.0)}, "refuted", "outside-region"),
    (MEASURED, {"effects": noisy(1.5)}, "inconclusive", "precision"),
    (MEASURED, {"effects": noisy(2.0, 5)}, "inconclusive", "budget"),
    (MEASURED, {"effects": noisy(2.0), "budget": "smoke"}, "inconclusive", "smoke"),
    (MEASURED, {"effects": noisy(2.0, 5), "interrupted": True}, "inconclusive", "interrupted"),
    (MEASURED, {"effects": noisy(2.0), "interrupted": True}, "supported", "inside-region"),
    (MEASURED, {"interrupted": True}, "inconclusive", "interrupted"),
    (MEASURED, {"effects": noisy(2.0), "watched": CALM}, "supported", "inside-region"),
    (MEASURED, {"effects": noisy(2.0), "watched": NOISY}, "inconclusive", "interference"),
    (MEASURED, {"effects": noisy(2.0), "watched": CALM, "pilot": FAST}, "inconclusive", "implausible"),
    (MEASURED, {"effects": noisy(2.0), "voids": ["plain/once: threads is 2"]}, "untested", "settings-differ"),
    (MEASURED, {"effects": [], "parity": ["logits: differs"]}, "untested", "parity-failed"),
    (MEASURED, {"effects": noisy(2.0), "hardware": "gpu"}, "untested", "off-scope"),
    (CAPABILITY, {"finding": {"sum": 2}}, "supported", "finding"),
    (CAPABILITY, {"finding": {"sum": 3}}, "refuted", "finding"),
    (CAPABILITY, {"finding": {"sum": 2}, "hardware": "gpu"}, "supported", "finding"),
    (DOCUMENTED, {}, "supported", "figures-agree"),
]
DECISIVE = [(claim, given) for claim, given, verdict, _ in GIVEN if verdict in ("supported", "refuted")]


@pytest.mark.parametrize(
    ("claim", "given", "verdict", "reason"), GIVEN, ids=[f"{g[3]}-{i}" for i, g in enumerate(GIVEN)]
)
def test_judged_fields_are_a_fixed_point_of_rejudging(root, claim, given, verdict, reason):
    raw = tiny.raw_outcome(tiny.claim_of(root, claim), claim, "r1", **given)
    judged = rejudge(raw)
    assert (judged["verdict"], judged["reason"]) == (verdict, reason)
    assert rejudge({**raw, **judged}) == judged
    stored = Outcome.model_validate({**raw, **judged}).as_json()
    again = json.loads(json.dumps(stored, allow_nan=False))
    assert rejudge(again) == json.loads(json.dumps(judged))
    assert {name: again[name] for name in judged} == json.loads(json.dumps(judged))


@pytest.mark.parametrize(("claim", "given"), DECISIVE)
@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"failure": "verifiers/x.py crashed"}, "crashed"),
        ({"lacking": {"reason": "no-hardware", "because": "needs a GPU"}}, "no-hardware"),
        ({"lacking": {"reason": "no-software", "because": "needs jax"}, "failure": "and crashed"}, "crashed"),
    ],
)
def test_what_failed_or_was_lacking_never_decides(root, claim, given, trouble, reason):
    found = tiny.outcome(tiny.claim_of(root, claim), claim, "r1", **given, **trouble)
    assert (found["verdict"], found["reason"], found["indicative"]) == ("untested", reason, False)
    assert {found["direction"]["verdict"], found["magnitude"]["verdict"]} == {"untested"}
    assert found["readings"] == found["expectations"] == []


def test_off_scope_an_outcome_is_indicative_and_keeps_what_was_seen(root):
    found = tiny.outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1", effects=noisy(2.0), hardware="gpu")
    assert (found["verdict"], found["reason"], found["indicative"]) == ("untested", "off-scope", True)
    assert found["direction"]["verdict"] == "supported"
    assert found["readings"][0]["verdict"] == "supported"
    assert found["estimate"] == pytest.approx(2, rel=0.01)


def test_an_outcome_keeps_its_gates_and_its_specification_curve(root):
    claim = tiny.claim_of(root, MEASURED)
    found = tiny.outcome(claim, MEASURED, "r1", effects=noisy(2.0), watched=CALM)
    assert {gate["name"]: gate["passed"] for gate in found["gates"]} == {
        "settings-differ": True,
        "interference": True,
        "partner-busy": True,
    }
    assert found["specifications"]["readings"] == [
        {"name": "twice", "inside": 3, "outside": 0, "undecided": 0}
    ]
    assert found["specifications"]["chance"] <= 2 / 500
    assert found["specifications"]["columns"]["estimate"][0] == found["estimate"]
    assert found["beside"] == []


@pytest.mark.parametrize("claim", [CAPABILITY, DOCUMENTED])
def test_what_is_not_measured_has_neither_gates_nor_a_curve(root, claim):
    found = tiny.outcome(tiny.claim_of(root, claim), claim, "r1", finding={"sum": 2})
    assert (found["gates"], found["specifications"], found["beside"]) == ([], {}, [])


def test_off_scope_too_what_was_lacking_stays_the_reason(root):
    lacking = {"reason": "no-software", "because": "needs jax"}
    found = tiny.outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1", lacking=lacking, hardware="gpu")
    assert (found["reason"], found["because"], found["indicative"]) == ("no-software", "needs jax", False)


def scoped(**scope) -> Claim:
    text = tiny.RECORDS[f"claims/programming/{CAPABILITY}.yaml"]
    import yaml

    data = {**yaml.safe_load(text), "scope": {"stated": True, **scope}}
    return Claim.model_validate_json(json.dumps(data))


@pytest.mark.parametrize(
    ("scope", "hardware", "cores", "off"),
    [
        ({"hardware": ["cpu"]}, "cpu", 2, False),
        ({"hardware": ["cpu", "gpu"]}, "gpu", 2, False),
        ({"hardware": ["gpu"]}, "cpu", 2, True),
        ({"hardware": ["tpu"]}, "gpu", 2, True),
        ({"hardware": ["any"]}, "tpu", 2, False),
        ({"hardware": ["gpu"]}, "any", 2, False),
        ({"hardware": ["cpu"], "cores": 16}, "cpu", 15, True),
        ({"hardware": ["cpu"], "cores": 16}, "cpu", 16, False),
        ({"hardware": ["gpu"], "devices": 256}, "gpu", 2, True),
        ({"hardware": ["gpu"], "devices": 1}, "gpu", 2, False),
    ],
)
def test_scope_is_hardware_cores_and_devices(scope, hardware, cores, off):
    because = off_scope(scoped(**scope), Hardware(hardware), {"host": {"logical_cores": cores}})
    assert (because is not None) is off
    assert because is None or "indicative" in because


@pytest.mark.parametrize("cores", ["unknown", None])
def test_cores_that_could_not_be_read_are_not_enough_cores(cores):
    assert off_scope(scoped(hardware=["cpu"], cores=16), Hardware.CPU, {"host": {"logical_cores": cores}})


def test_the_hash_of_a_record_is_that_of_its_meaning(root):
    claim = tiny.claim_of(root, MEASURED)
    data, sha256 = frozen_record(claim)
    assert frozen_record(Claim.model_validate_json(json.dumps(data))) == (data, sha256)
    mended = {"title": "Another title", "notes": "n", "relates": [], "favours": "both"}
    assert frozen_record(claim.model_copy(update=mended))[1] == sha256
    for changed in ({"statement": "Otherwise."}, {"as_of": 2024}, {"readings": []}, {"verifier": None}):
        assert frozen_record(claim.model_copy(update=changed))[1] != sha256


def test_an_outcome_with_a_field_that_nobody_knows_is_refused(root):
    found = tiny.outcome(tiny.claim_of(root, DOCUMENTED), DOCUMENTED, "r1")
    with pytest.raises(ValidationError, match="extra"):
        Outcome.model_validate({**found, "trust_me": True})


def test_the_public_line_names_what_scripts_need(root):
    found = tiny.outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1", effects=noisy(2.0))
    line = Outcome.model_validate(found).line()
    assert list(line) == [
        "claim", "run", "verdict", "reason", "because", "direction", "magnitude", "readings", "estimate",
        "interval", "resolved", "blocks", "gates", "environment", "hardware", "indicative", "seconds", "finding",
    ]  # fmt: skip
    assert {name: found[name] for name in line} == line
