"""An outcome: what one `verify` of one claim in one environment came to, with everything behind it.

It is written once, as JSON, and never changed. `judged` holds every field that is derived; `rejudge` derives
them again from the rest, which is what `kb recheck` compares.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from kb.claim import Claim, as_plain
from kb.counts import judge_count
from kb.documents import checked, judge_documents
from kb.effects import from_columns
from kb.findings import judge_finding
from kb.gates import flops_of
from kb.plan import Plan, digest
from kb.regions import NEGLIGIBLE, POLICY, TOLERANCE
from kb.scopes import off_scope
from kb.specifications import curve
from kb.verdict import judge
from kb.watched import from_columns as watched_from
from kb.words import Hardware, Kind, Reason, Verdict

Json: TypeAlias = dict[str, Any]
FORMAT = 2
UNSETTLED = {"verdict": "untested", "tag": ""}


class Outcome(BaseModel):
    """The file format of an outcome, version 2.

    `direction`, `magnitude`: verdict and tag. `readings`: per reading its verdict. `estimate`, `interval`:
    the effect and its 95% confidence sequence, on the claim's own scale. `indicative`: off the claim's
    scope, so `verdict` is untested while `direction` and `readings` say what was seen. `gates`: what must
    hold before a verdict counts, each with its figure and limit. `beside`: arms shown and never judged.
    `specifications`: the grid of other defensible choices, and how often each reading holds in it.
    `releases`: those asked for in place of what is installed, `as_of` their year; such an outcome is shown
    beside today's and never counts with them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    claim: str
    run: str
    kind: Kind
    verdict: Verdict
    reason: Reason
    because: str
    direction: Json = Field(default_factory=lambda: dict(UNSETTLED))
    magnitude: Json = Field(default_factory=lambda: dict(UNSETTLED))
    readings: list[Json] = []
    estimate: float | None = None
    interval: list[float | None] = [None, None]
    resolved: float | None = None
    blocks: int = 0
    indicative: bool = False
    hardware: Hardware
    environment: str
    environment_key: Json
    context: Json
    versions: dict[str, str]
    budget: str
    as_of: str | None = None
    releases: list[str] = []
    started: str
    ended: str
    seconds: float
    time: dict[str, float] = {}
    record: Json
    record_sha256: str
    verifier: str | None = None
    verifier_sha256: str | None = None
    verifier_commit: str | None = None
    policy: Json = Field(
        default_factory=lambda: {"version": POLICY, "negligible": NEGLIGIBLE, "tolerance": TOLERANCE}
    )
    plan: Json | None = None
    plan_sha256: str | None = None
    parity: list[str] = []
    voids: list[str] = []
    settings: Json = {}
    pilot: Json = {}
    first_calls: Json = {}
    interrupted: bool = False
    gates: list[Json] = []
    cells: list[Json] = []
    beside: list[Json] = []
    specifications: Json = {}
    samples: dict[str, list[Any]] = {}
    samples_sha256: str | None = None
    watched: dict[str, list[int]] = {}
    weighed: list[Json] = []
    context_samples: dict[str, list[Any]] = {}
    trial: dict[str, list[Any]] = {}
    finding: Json | None = None
    expectations: list[Json] = []
    logic: list[Json] = []
    lacking: Json | None = None
    failure: str | None = None
    log: str = ""

    def as_json(self) -> Json:
        """Return the outcome as JSON data, as it is stored."""
        data: Json = self.model_dump(mode="json")
        return data

    def line(self) -> Json:
        """Return the public object of `verify --json`."""
        names = (
            "claim",
            "run",
            "verdict",
            "reason",
            "because",
            "direction",
            "magnitude",
            "readings",
            "estimate",
        )
        more = ("interval", "resolved", "blocks", "gates", "environment", "hardware", "indicative")
        data = self.as_json()
        return {name: data[name] for name in (*names, *more, "seconds", "finding")}


def rejudge(stored: Mapping[str, Any]) -> Json:
    """Derive an outcome's judged fields from its raw fields.

    Parameters
    ----------
    stored : mapping
        The raw fields of an outcome as JSON data; judged fields, if there are any, are not looked at.

    Returns
    -------
    dict
        `verdict`, `reason`, `because`, `direction`, `magnitude`, `readings`, `estimate`, `interval`,
        `resolved`, `blocks`, `gates`, `cells`, `beside`, `specifications`, `expectations`, `logic`,
        `indicative`.
    """
    claim = Claim.model_validate_json(json.dumps(stored["record"]))
    kind = claim.kind
    if stored.get("failure"):
        judged = _unsettled(Verdict.UNTESTED, Reason.CRASHED, stored["failure"])
    elif stored.get("lacking"):
        lacking = stored["lacking"]
        judged = _unsettled(Verdict.UNTESTED, Reason(lacking["reason"]), lacking["because"])
    elif kind in (Kind.DOCUMENTED, Kind.LOGICAL):
        judged = _plainly(judge_documents(claim))
    elif stored.get("finding") is not None and kind is Kind.MEASURED:
        judged = _plainly(judge_count(claim, stored["finding"]))
    elif stored.get("finding") is not None:
        judged = _plainly(judge_finding(claim.expect, stored["finding"]))
    elif stored.get("parity"):
        judged = _unsettled(Verdict.UNTESTED, Reason.PARITY_FAILED, "; ".join(stored["parity"][:3]))
    elif stored.get("voids"):
        because = "; ".join(stored["voids"][:3]) + "; mend the verifier, or unset what overrides it"
        judged = _unsettled(Verdict.UNTESTED, Reason.SETTINGS_DIFFER, because)
    elif stored.get("plan"):
        judged = _measured(stored)
    else:
        judged = _unsettled(Verdict.INCONCLUSIVE, Reason.INTERRUPTED, Reason.INTERRUPTED.meaning)
    return {**_scoped(claim, stored, judged), "logic": checked(claim)}


def _measured(stored: Mapping[str, Any]) -> Json:
    plan = Plan.from_json(stored["plan"])
    samples, watched = from_columns(stored["samples"]), watched_from(stored.get("watched", {}))
    flops = flops_of(stored.get("pilot", {}))
    context = from_columns(stored.get("context_samples", {}))
    judged = _plainly(judge(plan, samples, watched, flops, context))
    judged["specifications"] = curve(plan, samples, context)
    undecided = judged["verdict"] not in (Verdict.SUPPORTED, Verdict.REFUTED)
    if stored.get("interrupted") and undecided:
        judged |= {"reason": Reason.INTERRUPTED.value, "because": Reason.INTERRUPTED.meaning}
    return judged


def _scoped(claim: Claim, stored: Mapping[str, Any], judged: Json) -> Json:
    """Take the verdict from an outcome that is off the claim's scope; it stays as an indication."""
    off = off_scope(claim, Hardware(stored["hardware"]), stored["environment_key"])
    if off is None or judged["verdict"] == Verdict.UNTESTED.value:
        return {**judged, "indicative": False}
    untested = {"verdict": Verdict.UNTESTED.value, "reason": Reason.OFF_SCOPE.value, "because": off}
    return {**judged, **untested, "indicative": True}


def _plainly(judgement: Any) -> Json:
    """Return a judgement of any kind under the outcome's names."""
    lists = {name: list[Any]() for name in ("readings", "cells", "beside", "gates", "expectations", "logic")}
    rest: Json = {
        "specifications": {},
        "estimate": None,
        "resolved": None,
        "interval": [None, None],
        "blocks": 0,
    }
    unsettled = {"direction": dict(UNSETTLED), "magnitude": dict(UNSETTLED)}
    return {**lists, **rest, **unsettled, **_plain(judgement)}


def _unsettled(verdict: Verdict, reason: Reason, because: str) -> Json:
    return _plainly({"verdict": verdict.value, "reason": reason.value, "because": because})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value.value if isinstance(value, Verdict | Reason) else value


def frozen_record(claim: Claim) -> tuple[Json, str]:
    """Return a record as an outcome keeps it, and the hash of its meaning."""
    data = as_plain(claim)
    return data, meaning_hash(data)


def meaning_hash(record: Mapping[str, Any]) -> str:
    """Return the hash of what of a record bears on its verdict: what only explains may be mended later."""
    mendable = ("title", "notes", "relates", "favours", "published")
    return digest({name: value for name, value in record.items() if name not in mendable})
