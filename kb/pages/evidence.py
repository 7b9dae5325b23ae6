"""Everything that a claim's page shows, read from records and outcome files; no drawing here."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kb.catalogue import entry_of, row, stands_as
from kb.claim import as_plain
from kb.errors import StoreFault
from kb.files import outcome_paths, read_outcome
from kb.library import Library, Record
from kb.outcome import Outcome, frozen_record
from kb.source import Source
from kb.summary import Standing

Json = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """A claim with all that bears on it.

    Attributes
    ----------
    record : Record
        The claim.
    plain : dict
        Its record as JSON data.
    row : dict
        Its row of `kb list`.
    standing : Standing
        Per environment, per hardware class, over all.
    sources : dict of str to Source
        Bibliographic records by id.
    outcomes : list of dict
        Valid outcomes, the newest first.
    sha256 : str
        Hash of the record's present meaning; outcomes under another do not count.
    faults : list of str
        What kept outcome files from being read.
    """

    record: Record
    plain: Json
    row: Json
    standing: Standing
    sources: dict[str, Source]
    outcomes: list[Json]
    sha256: str
    faults: list[str]

    def counts(self, outcome: Json) -> bool:
        """Tell whether an outcome was judged under the record's present meaning."""
        return bool(outcome["record_sha256"] == self.sha256)

    def speaking(self) -> list[Json]:
        """Return the outcome that speaks for each environment, the claim's spokesman first."""
        runs = {entry.run for entry in self.standing.by_environment.values()}
        spokesman = self.standing.spokesman
        found = [outcome for outcome in self.outcomes if outcome["run"] in runs]
        return sorted(found, key=lambda outcome: spokesman is None or outcome["run"] != spokesman.run)

    def dated(self) -> list[Json]:
        """Return the newest outcome with the releases of each year, or with other releases, asked for."""
        found: dict[tuple[str, ...], Json] = {}
        for outcome in self.outcomes:
            if outcome.get("releases") and self.counts(outcome):
                found.setdefault(tuple(outcome["releases"]), outcome)
        return list(found.values())


def gather(library: Library, claim: str) -> Evidence:
    """Read a claim and its outcomes; an unreadable outcome file becomes a fault, not an error.

    Raises
    ------
    RecordFaults
        Where the claim's own record is at fault.
    UnknownClaim
        Where no record bears the id.
    """
    record = library.record(claim)
    outcomes, faults = _outcomes(library.root, record.id)
    entries = [entry_of(outcome) for outcome in outcomes]
    return Evidence(
        record=record,
        plain=as_plain(record.claim),
        row=row(record, entries),
        standing=stands_as(record, entries),
        sources=library.sources,
        outcomes=outcomes,
        sha256=frozen_record(record.claim)[1],
        faults=faults,
    )


def nearest(claim: str, known: list[str]) -> list[str]:
    """Return up to five ids that look like the one asked for."""
    return get_close_matches(claim, known, n=5, cutoff=0.3)


def _outcomes(root: Path, claim: str) -> tuple[list[Json], list[str]]:
    outcomes, faults = [], []
    for path in outcome_paths(root, claim):
        try:
            outcomes.append(Outcome.model_validate(read_outcome(path)).as_json())
        except StoreFault as fault:
            faults.append(str(fault))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            faults.append(
                f"{path.relative_to(root)}: {field}: {first['msg']}; `kb recheck` examines all outcomes"
            )
    return sorted(outcomes, key=lambda outcome: str(outcome["run"]), reverse=True), faults
