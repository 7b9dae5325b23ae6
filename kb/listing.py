"""The rows of `kb list`, from a cache that knows whether any file has changed.

Reading and validating a hundred records takes half a second; a listing should take none. The cache is keyed
by name, size and time of every record and outcome, so it can be deleted at any time.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

FOLDERS = ("claims", "data/sources", "data/evidence", "data/runs")
CACHE = Path("data") / "listing.json"


def listed(root: Path) -> list[dict[str, Any]]:
    """Return one row a claim; see `kb.catalogue.row`.

    Raises
    ------
    RecordFaults
        Where a record cannot be read: a listing that leaves claims out would mislead.
    """
    stamp = _stamp(root)
    try:
        cached = json.loads((root / CACHE).read_text(encoding="utf-8"))
        if cached["stamp"] == stamp:
            rows: list[dict[str, Any]] = cached["rows"]
            return rows
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return _fresh(root, stamp)


def _fresh(root: Path, stamp: list[Any]) -> list[dict[str, Any]]:
    from kb.catalogue import rows  # noqa: PLC0415 - the slow path alone needs pydantic
    from kb.errors import RecordFaults  # noqa: PLC0415
    from kb.library import load_library  # noqa: PLC0415

    library = load_library(root)
    if library.faults:
        raise RecordFaults(library.faults)
    found = rows(library)
    _save(root / CACHE, {"stamp": stamp, "rows": found})
    return found


def _stamp(root: Path) -> list[Any]:
    """Return name, size and time of every file that a listing depends on, the program's own included."""
    found: list[Any] = []
    for folder in (*FOLDERS, Path(__file__).parent):
        for path, _, names in os.walk(root / folder):
            for name in names:
                if name.endswith((".yaml", ".yml", ".json", ".py")):
                    file = f"{path}/{name}"
                    status = os.stat(file)  # noqa: PTH116 - a third of the time
                    found.append([file, status.st_size, status.st_mtime_ns])
    return sorted(found)


def _save(path: Path, data: dict[str, Any]) -> None:
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".listing")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return  # a read-only checkout lists more slowly, and that is all
