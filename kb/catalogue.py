"""Every claim with how it stands: what `kb list`, the app and exports show. Rows come from files alone."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kb.claim import as_plain
from kb.errors import OldOutcome
from kb.files import outcome_paths, read_outcome
from kb.library import Library, Record
from kb.outcome import frozen_record
from kb.run_request import run_request
from kb.summary import Entry, Standing, standing
from kb.words import Hardware, Reason, Verdict

Row = dict[str, Any]


def entries(root: Path) -> dict[str, list[Entry]]:
    """Return what the summary needs of all outcomes, by claim."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for path in outcome_paths(root):
        with suppress(OldOutcome):
            outcome = read_outcome(path)
            found[outcome["claim"]].append(entry_of(outcome))
    return found


def entry_of(outcome: Mapping[str, Any]) -> Entry:
    """Return what the summary needs of one stored outcome."""
    return Entry(
        run=outcome["run"],
        verdict=Verdict(outcome["verdict"]),
        reason=Reason(outcome["reason"]),
        hardware=Hardware(outcome["hardware"]),
        environment=outcome["environment"],
        record_sha256=outcome["record_sha256"],
        because=outcome["because"],
        dated=bool(outcome.get("releases")),
    )


def rows(library: Library) -> list[Row]:
    """Return one row a claim, in the order of ids; the public object of `kb list --json`."""
    known = entries(library.root)
    return [row(record, known.get(record.id, [])) for record in library.records.values()]


def row(record: Record, outcomes: list[Entry]) -> Row:
    """Return one claim's row."""
    claim = record.claim
    stands = stands_as(record, outcomes)
    speaks = stands.spokesman
    reason, because = (speaks.reason, speaks.because) if speaks else why_untested(record)
    by_hardware = {hardware.value: word.value for hardware, word in sorted(stands.by_hardware.items())}
    return {
        "id": record.id,
        "kind": claim.kind.value,
        "topic": record.topic.value,
        "title": claim.title,
        "summary": stands.summary.value,
        "by_hardware": by_hardware,
        "verifier": claim.verifier,
        "reason": reason.value,
        "because": because,
        "favours": claim.favours,
        "sources": [mention.source for mention in claim.stated_in],
        "as_of": claim.as_of,
        "run": speaks.run if speaks else None,
        "outcomes": len(outcomes),
        "request": run_request(record.id, as_plain(claim), by_hardware, reason),
    }


def stands_as(record: Record, outcomes: list[Entry]) -> Standing:
    """Return how one claim stands under its record's present meaning."""
    return standing(outcomes, frozen_record(record.claim)[1])


def why_untested(record: Record) -> tuple[Reason, str]:
    """Say why a claim without outcomes is untested."""
    claim = record.claim
    if claim.untested is not None:
        return claim.untested.reason, claim.untested.because
    return Reason.NOT_RUN, f"run `verify {record.id}`"
