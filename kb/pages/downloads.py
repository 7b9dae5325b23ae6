"""What readers take away: rows as CSV that no spreadsheet runs, and as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV; a text cell that a spreadsheet would run as a formula gets a leading apostrophe.

    Parameters
    ----------
    columns : sequence of str
        Keys of the rows, in order; the first line.
    rows : iterable of mapping
        Lists and mappings are written as JSON.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    elif isinstance(value, list | dict):
        value = json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a JSON array."""
    return json.dumps(list(rows), indent=1)
