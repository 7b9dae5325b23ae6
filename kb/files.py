"""Outcome files: the truth from which everything else is rebuilt. Written once, whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb.errors import KbError, OldOutcome, StoreFault
from kb.outcome import FORMAT

RUNS = Path("data") / "runs"
EVIDENCE = Path("data") / "evidence"


def write_once(folder: Path, name: str, text: str) -> Path:
    """Write a file under a temporary name, flush it, and name it; an existing file is never replaced.

    Raises
    ------
    StoreFault
        Where it cannot be written, or a file of that name exists.
    """
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            os.link(temporary, path)
        finally:
            Path(temporary).unlink()
    except FileExistsError:
        message = f"{path} exists; outcomes are never written over"
        raise StoreFault(message) from None
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}; free space or check permissions, then rerun"
        raise StoreFault(message) from None
    return path


def store(root: Path, outcome: dict[str, Any]) -> Path:
    """Store a new outcome below `data/runs/` and return its path."""
    return write_once(root / RUNS / outcome["claim"], f"{outcome['run']}.json", as_text(outcome))


def as_text(outcome: dict[str, Any]) -> str:
    """Return an outcome as the text of its file: one field a line, so that a review shows what differs."""
    fields = (f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in outcome.items())
    return "{\n" + ",\n".join(fields) + "\n}\n"


def publish(root: Path, run: str) -> Path:
    """Copy an outcome of this machine to `data/evidence/`, where it is reviewed and kept in git.

    Raises
    ------
    KbError
        Where no run of this machine bears that id.
    """
    found = [path for path in (root / RUNS).glob("*/*.json") if path.stem == run]
    if not found:
        message = f"no run {run!r} below {RUNS}; `kb show CLAIM-ID` lists the runs of a claim"
        raise KbError(message)
    folder = root / EVIDENCE / found[0].parent.name
    return write_once(folder, found[0].name, found[0].read_text(encoding="utf-8"))


def outcome_paths(root: Path, claim: str = "*") -> Iterator[Path]:
    """Yield the files of all outcomes, each run once, the published copy before the local one."""
    seen: set[tuple[str, str]] = set()
    for folder in (EVIDENCE, RUNS):
        for path in sorted((root / folder).glob(f"{claim}/*.json")):
            run = (path.parent.name, path.name)
            if run not in seen:
                seen.add(run)
                yield path


def read_outcome(path: Path) -> dict[str, Any]:
    """Read an outcome file.

    Raises
    ------
    StoreFault
        Where it is not JSON or not an outcome.
    OldOutcome
        Where another version of kb wrote it.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: not a readable outcome: {error}"
        raise StoreFault(message) from None
    if not isinstance(data, dict) or data.get("run") != path.stem or data.get("claim") != path.parent.name:
        message = (
            f"{path}: found run {str(data)[:40]}..., expected an outcome whose claim and run its path names"
        )
        raise StoreFault(message)
    if data.get("format") != FORMAT:
        raise OldOutcome(_of_another(path, data.get("format")))
    return data


def _of_another(path: Path, found: object) -> str:
    age = "an older" if isinstance(found, int) and found < FORMAT else "another"
    return (
        f"{path}: written by {age} kb (format {found!s:.20}, this one reads {FORMAT}); move it away and "
        f"rerun `verify {path.parent.name}`"
    )
