"""Recheck: derive every stored verdict again from its raw fields and compare, byte for byte."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kb.errors import OldOutcome
from kb.files import outcome_paths, read_outcome
from kb.outcome import meaning_hash, rejudge
from kb.plan import digest


@dataclass(frozen=True)
class Disagreement:
    """A stored field that differs from what the raw fields give."""

    path: str
    field: str
    stored: str
    derived: str


def recheck(root: Path, claim: str = "*") -> tuple[int, list[Disagreement]]:
    """Recheck all outcomes below a root, or those of one claim.

    Returns
    -------
    int, list of Disagreement
        How many outcomes were derived again, and every difference.
    """
    count, found = 0, []
    for path in outcome_paths(root, claim):
        with suppress(OldOutcome):
            found.extend(_compare(path, path.relative_to(root).as_posix()))
            count += 1
    return count, found


def _compare(path: Path, shown: str) -> list[Disagreement]:
    stored = read_outcome(path)
    try:
        derived = {**rejudge(stored), "record_sha256": meaning_hash(stored["record"])}
        derived["plan_sha256"] = digest(stored["plan"]) if stored["plan"] else None
        derived["samples_sha256"] = digest(stored["samples"]) if stored["samples"] else None
    except Exception as error:  # whatever raw fields that were tampered with lead to
        return [Disagreement(shown, "raw fields", f"{type(error).__name__}: {error}", "nothing")]
    return [
        Disagreement(shown, name, _text(stored.get(name)), _text(value))
        for name, value in derived.items()
        if _text(stored.get(name)) != _text(value)
    ]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
