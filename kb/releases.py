"""Which releases were current in a year: a small table in `data/releases.yaml`."""

from pathlib import Path

import yaml

from kb.errors import KbError

TABLE = Path("data") / "releases.yaml"


def of_year(root: Path, year: str) -> tuple[str, ...]:
    """Return the last releases of a year as requirements.

    Parameters
    ----------
    root : Path
        The knowledge base.
    year : str
        Four digits.

    Raises
    ------
    KbError
        Where the table has no such year.
    """
    table = yaml.safe_load((root / TABLE).read_text(encoding="utf-8"))
    known = {str(each): rows for each, rows in table.items()}
    if year not in known:
        message = f"--as-of: found {year!r}, expected one of {', '.join(known)}, which {TABLE} has"
        raise KbError(message)
    return tuple(row["release"] for row in known[year])
