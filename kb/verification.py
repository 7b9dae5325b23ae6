"""One `verify` of one claim: from its record to an outcome, whatever happens on the way."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from kb.commit import commit
from kb.devices import devices, hardware_class
from kb.effects import as_columns
from kb.environment import default_threads, observe
from kb.errors import VerifierFault
from kb.library import Library, Record
from kb.outcome import Json, Outcome, frozen_record, rejudge
from kb.packages import missing
from kb.plan import digest
from kb.planning import make_plan, wall_time
from kb.probing import Probed, checked_finding, probed_once, times
from kb.processes import OWN, Program
from kb.programs import installed, program
from kb.run import Measurement, Report
from kb.runner import measure
from kb.scopes import off_scope
from kb.verifier import Unavailable
from kb.watched import as_columns as watched_as_columns
from kb.words import Budget, Hardware, Kind, Reason

IDENTITY = ("claim", "record_sha256", "verifier_sha256", "environment", "budget", "releases")


@dataclass(frozen=True)
class Options:
    """How to verify.

    Attributes
    ----------
    budget : Budget
        How much time a claim may take.
    device : str
        Where the arms run.
    threads : int
        Threads for every framework.
    seed : int or None
        Seed of weights, data and order; drawn, and recorded, if None.
    seconds : float or None
        Wall time for a claim; that of the budget if None.
    versions : tuple of str
        Requirements such as `torch==2.1.2` in place of what is installed; the run then has an environment of
        its own.
    as_of : str or None
        The year whose releases these are.
    report : callable
        Called with each event of the run.
    probed : dict
        What each probing verifier found, and when. Claims that share a verifier share its run where they are
        given the same dict, which is for one device, threads and releases.
    """

    budget: Budget = Budget.NORMAL
    device: str = "cpu"
    threads: int = field(default_factory=default_threads)
    seed: int | None = None
    seconds: float | None = None
    versions: tuple[str, ...] = ()
    as_of: str | None = None
    report: Report = field(default=lambda event: None)
    probed: Probed = field(default_factory=dict)


def verify(library: Library, record: Record, options: Options) -> Outcome:
    """Verify one claim and return its outcome; only faults of the record itself are raised.

    Parameters
    ----------
    library : Library
        Where the verifier lies.
    record : Record
        The claim.
    options : Options
        Budget, device, threads.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    nothing_yet: list[str] | None = [] if options.versions and _is_run(record) else None
    raw: Json = {"interrupted": False, **_circumstances(library, record, options, nothing_yet)}
    try:
        runs_on, there = _program(library, record, options)
        if there is not None:
            raw |= _circumstances(library, record, options, there)
        raw |= _raw(library, record, options, runs_on, _in_scope(record, raw))
    except Unavailable as lacking:
        raw["lacking"] = {"reason": _reason(lacking.reason), "because": str(lacking)}
    except VerifierFault as fault:
        raw |= {"failure": str(fault), "log": fault.log}
    except KeyboardInterrupt:
        raw["interrupted"] = True
    raw = {**times(began, started), **raw}
    raw["run"] = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    return Outcome.model_validate({**raw, **rejudge(raw)})


def _in_scope(record: Record, circumstances: Json) -> bool:
    hardware = Hardware(circumstances["hardware"])
    return off_scope(record.claim, hardware, circumstances["environment_key"]) is None


def identity(library: Library, record: Record, options: Options) -> Json | None:
    """Return by which fields an outcome is one of this record, verifier, environment, releases and budget.

    `seconds` is the wall time of the plan, if there is one. None where an environment would have to be made
    to know.
    """
    there: list[str] | None = None
    if options.versions and _is_run(record):
        there = installed(library.verifier_path(record.claim.verifier or ""), options.versions)
        if there is None:
            return None
    found = _circumstances(library, record, options, there)
    seconds = wall_time(options.budget, options.seconds, _in_scope(record, found))
    return {name: found[name] for name in IDENTITY} | {"seconds": seconds}


def is_of(wanted: Json, outcome: Json) -> bool:
    """Tell whether a stored outcome has an identity: a new run would only repeat it."""
    seconds = (outcome["plan"] or wanted)["seconds"]
    return seconds == wanted["seconds"] and all(outcome[name] == wanted[name] for name in IDENTITY)


def _is_run(record: Record) -> bool:
    return record.claim.verifier is not None and record.claim.untested is None


def _program(library: Library, record: Record, options: Options) -> tuple[Program, list[str] | None]:
    if not _is_run(record):
        return OWN, None
    verifier = library.verifier_path(record.claim.verifier or "")
    return program(
        verifier, options.versions, lambda said: options.report({"event": "installing", "said": said})
    )


def _raw(library: Library, record: Record, options: Options, runs_on: Program, in_scope: bool) -> Json:
    """Do the work that the claim's kind asks for and return the raw fields that come of it."""
    claim = record.claim
    if claim.kind in (Kind.DOCUMENTED, Kind.LOGICAL) and not (claim.untested and not claim.logic):
        return {}
    if claim.untested is not None:
        return {"lacking": {"reason": claim.untested.reason.value, "because": claim.untested.because}}
    verifier = library.verifier_path(claim.verifier or "")
    if not options.versions and (lacks := missing(verifier)) is not None:
        raise Unavailable(lacks)
    if options.device not in devices():
        here = ", ".join(devices())
        message = f"needs the device {options.device}; this machine has {here}"
        raise Unavailable(message, Reason.NO_HARDWARE.value)
    if claim.kind is Kind.CAPABILITY or (claim.estimand is not None and claim.estimand.field is not None):
        asked = (options.probed, verifier, options.budget, options.report, runs_on, options.device)
        finding, log, when = probed_once(*asked)
        return {**when, "finding": checked_finding(claim, finding, log)}
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    named = (record.id, claim, options.budget, options.threads, options.device, seed, options.seconds)
    plan = make_plan(*named, in_scope)
    return _measured(measure(plan, verifier, options.report, runs_on))


def _measured(measured: Measurement) -> Json:
    plan, samples = measured.plan.as_json(), as_columns(measured.samples)
    seconds = measured.seconds
    own = seconds["wall"] - seconds["bursts"] - seconds["processes"]
    return {
        "plan": plan,
        "plan_sha256": digest(plan),
        "parity": measured.parity,
        "voids": measured.voids,
        "settings": measured.settings,
        "pilot": measured.pilot,
        "first_calls": measured.first_calls,
        "interrupted": measured.interrupted,
        "samples": samples,
        "samples_sha256": digest(samples),
        "watched": watched_as_columns(measured.watched),
        "weighed": measured.weighed,
        "context_samples": as_columns(measured.context),
        "trial": as_columns(measured.trial),
        "time": {name: round(value, 3) for name, value in {**seconds, "own": own}.items()},
    }


def _circumstances(library: Library, record: Record, options: Options, there: list[str] | None) -> Json:
    """Return what the outcome says of record, verifier, environment and budget."""
    claim = record.claim
    environment = observe(options.device, options.threads, installed=there)
    frozen, record_hash = frozen_record(claim)
    nowhere = claim.kind in (Kind.DOCUMENTED, Kind.LOGICAL, Kind.JUDGEMENT)
    verifier = library.verifier_path(claim.verifier) if claim.verifier else None
    exists = verifier is not None and verifier.is_file()
    return {
        "claim": record.id,
        "kind": claim.kind.value,
        "hardware": (Hardware.ANY if nowhere else hardware_class(options.device)).value,
        "environment": environment.fingerprint,
        "environment_key": environment.key,
        "context": environment.context,
        "versions": environment.key["packages"],
        "budget": options.budget.value,
        "as_of": options.as_of,
        "releases": list(options.versions),
        "record": frozen,
        "record_sha256": record_hash,
        "verifier": claim.verifier if exists else None,
        "verifier_sha256": code_hash(verifier) if verifier is not None and exists else None,
        "verifier_commit": commit(library.root) if exists else None,
    }


def code_hash(verifier: Path) -> str:
    """Return the SHA-256 over a verifier's script and the models that verifiers share."""
    found = hashlib.sha256(verifier.read_bytes())
    for path in sorted((verifier.parent / "models").glob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _reason(name: str) -> str:
    return name if name in (Reason.NO_HARDWARE, Reason.NO_DATA) else Reason.NO_SOFTWARE.value
