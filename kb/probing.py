"""Verifiers that probe: run once, in a fresh process, for a finding."""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from kb.claim import Claim
from kb.counts import is_number
from kb.errors import VerifierFault
from kb.processes import OWN, Program, Worker
from kb.run import Report, request_seconds
from kb.sentinel import cleaned_up
from kb.words import Budget

Json: TypeAlias = dict[str, Any]
Probed: TypeAlias = dict[Path, tuple[Json, str, Json]]
"""By verifier: its finding, the end of its log, and when it was run."""


def probed_once(
    known: Probed, verifier: Path, budget: Budget, report: Report, program: Program = OWN, device: str = "cpu"
) -> tuple[Json, str, Json]:
    """Return a verifier's finding, the end of its log, and when it was run, which may have been before.

    Parameters
    ----------
    known : Probed
        What is known already; added to.
    """
    if verifier not in known:
        began, started = time.monotonic(), datetime.now(UTC)
        found = probe(verifier, budget, report, program, device)
        known[verifier] = (*found, times(began, started))
    return known[verifier]


def times(began: float, started: datetime) -> Json:
    """Return when something started and ended, and how many seconds it took since `began`."""
    ended, taken = datetime.now(UTC), round(time.monotonic() - began, 3)
    stamps = {"started": started, "ended": ended}
    return {name: at.isoformat(timespec="seconds") for name, at in stamps.items()} | {"seconds": taken}


def probe(
    verifier: Path, budget: Budget, report: Report, program: Program = OWN, device: str = "cpu"
) -> tuple[dict[str, Any], str]:
    """Run a probing verifier once in a fresh process; return its finding and the end of its log.

    All devices but the run's are hidden from the process.

    Raises
    ------
    Unavailable
        Where it lacks what it needs.
    VerifierFault
        Where it crashed, hung or answered rubbish.
    """
    token = secrets.token_hex(8)
    report({"event": "probe"})
    with cleaned_up(token) as caches:
        worker = Worker(verifier, token, 1, device, request_seconds(budget), caches, program=program)
        try:
            worker.seconds = max(worker.seconds, worker.ask("describe")["seconds"])
            finding: dict[str, Any] = worker.ask("probe")["finding"]
            return finding, worker.log_end()
        finally:
            worker.close()


def checked_finding(claim: Claim, finding: Json, log: str) -> Json:
    """Return a finding that has what a claim is decided by.

    Raises
    ------
    VerifierFault
        Where a field is missing, or is no number where one is counted.
    """
    wanted = [each.field for each in claim.expect]
    if claim.estimand is not None and claim.estimand.field is not None:
        wanted.append(claim.estimand.field)
        if (number := finding.get(claim.estimand.field)) is not None and not is_number(number):
            message = f"verifiers/{claim.verifier}.py: {claim.estimand.field} is {number!r}, not a number"
            raise VerifierFault(message, log)
    lacking = [name for name in wanted if name not in finding]
    if lacking:
        named = ", ".join(lacking)
        message = f"verifiers/{claim.verifier}.py: the finding lacks {named}, which the record expects"
        raise VerifierFault(message, log)
    return finding
