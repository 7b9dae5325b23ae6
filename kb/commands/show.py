"""`kb show`: a claim with its outcomes."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from kb import screen
from kb.catalogue import entry_of, row
from kb.claim import as_plain
from kb.contradictions import RULES, Contradiction, contradictions, of_claim
from kb.errors import StoreFault
from kb.files import outcome_paths, read_outcome
from kb.library import Record, load_library
from kb.outcome import frozen_record
from kb.root import find_root


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("claim", metavar="CLAIM-ID")
    parser.add_argument("--json", action="store_true", help="the record with all its outcomes as one object")


def run(options: argparse.Namespace) -> int:
    """Print the claim."""
    root = find_root()
    library = load_library(root)
    record = library.record(options.claim)
    clashes = of_claim(contradictions(library), record.id)
    outcomes, faults = _outcomes(root, record.id)
    found = row(record, [entry_of(outcome) for outcome in outcomes])
    if options.json:
        data = {
            **found,
            "record": as_plain(record.claim),
            "contradictions": [clash.as_json() for clash in clashes],
            "outcomes": outcomes,
            "faults": faults,
        }
        sys.stdout.write(json.dumps(data, indent=1) + "\n")
    else:
        sys.stdout.write(_screen(record, found, outcomes, clashes) + "\n")
        sys.stderr.write("".join(f"\n{screen.paragraph('left out', fault)}\n" for fault in faults))
    return 0


def _outcomes(root: Path, claim: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the outcomes of a claim, and what kept others from being read."""
    outcomes, faults = [], []
    for path in outcome_paths(root, claim):
        try:
            outcomes.append(read_outcome(path))
        except StoreFault as fault:
            faults.append(str(fault))
    return outcomes, faults


def _screen(
    record: Record, found: dict[str, Any], outcomes: list[dict[str, Any]], clashes: list[Contradiction]
) -> str:
    claim = record.claim
    lines = [
        f"{screen.verdict(found['summary'])}  {record.id}",
        screen.paragraph("title", claim.title),
        screen.paragraph("claimed", claim.statement),
        *(screen.paragraph("stated in", f"{m.source}: “{m.quote}”") for m in claim.stated_in),
        screen.paragraph("kind", f"{claim.kind}: {claim.kind.meaning}"),
        screen.paragraph("stands", f"{found['reason']}: {found['because']}"),
        *(screen.request(found["request"]) if found["request"] else []),
        *(screen.paragraph("condition", _condition(c)) for c in claim.conditions),
        *(screen.paragraph(*_relation(r)) for r in claim.relates),
        *(screen.paragraph("cannot hold", _clash(clash, record.id)) for clash in clashes),
    ]
    if claim.notes:
        lines.append(screen.paragraph("notes", claim.notes))
    current = frozen_record(claim)[1]
    for outcome in outcomes:
        lines += ["", screen.outcome(outcome, outcome["record"], whole=True)]
        if outcome["record_sha256"] != current:
            lines.append(
                screen.paragraph("", "the record's meaning has changed since, so this no longer counts")
            )
    return "\n".join(lines)


def _condition(condition: Any) -> str:
    who = "stated" if condition.stated else f"assumed: {condition.because}"
    return f"{condition.name} = {condition.value} ({who})"


def _clash(clash: Contradiction, own: str) -> str:
    others = [claim for claim in clash.claims if claim != own]
    against = f" (against {', '.join(others)})" if others else ""
    return f"{RULES[clash.rule][1]}: {clash.because}{against}"


def _relation(relation: Any) -> tuple[str, str]:
    name, other = relation.target()
    because = f": {relation.because}" if relation.because else ""
    return name.replace("_", " "), f"{other}{because}"
