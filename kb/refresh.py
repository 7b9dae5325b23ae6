"""Stars and release dates as their registries give them today: GitHub's API and PyPI's JSON.

They are evidence to cite. Nothing is judged from them until a record cites a row.
"""

import csv
import io
import json
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import yaml
from packaging.version import InvalidVersion, Version

from kb.errors import KbError

Row: TypeAlias = tuple[str, ...]
ASKED = Path("data") / "refresh.yaml"
STARS = Path("data") / "figures" / "github-stars.csv"
RELEASES = Path("data") / "figures" / "pypi-releases.csv"
STAR_COLUMNS = ("date", "repository", "stars")
RELEASE_COLUMNS = ("package", "version", "date", "requires_python")
GITHUB, PYPI = "KB_GITHUB_API", "KB_PYPI"
ADDRESSES = {GITHUB: "https://api.github.com", PYPI: "https://pypi.org"}
AGENT = {"User-Agent": "claims-kb", "Accept": "application/json"}


class Unreached(Exception):
    """A registry gave no usable answer.

    Parameters
    ----------
    message : str
        Which, and what it said.
    silent : bool
        Whether it gave none at all, so that asking it for more is in vain.
    """

    def __init__(self, message: str, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


@dataclass(frozen=True)
class Asked:
    """What is asked for: `owner/name` of repositories on GitHub, names of packages on PyPI."""

    repositories: list[str]
    packages: list[str]


def asked(root: Path) -> Asked:
    """Read what a knowledge base asks for.

    Raises
    ------
    KbError
        Where `data/refresh.yaml` is absent or is not two lists of names.
    """
    path = root / ASKED
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = Asked(**table)
    except (OSError, yaml.YAMLError, TypeError) as error:
        message = f"{ASKED}: found {error}; expected the lists `repositories` and `packages`"
        raise KbError(message) from None
    if not all(isinstance(name, str) for name in (*found.repositories, *found.packages)):
        message = f"{ASKED}: found a name that is no text; put quotes around it"
        raise KbError(message)
    return found


def stars(repository: str, day: str, seconds: float) -> Row:
    """Return the row of a repository's stargazers today.

    Raises
    ------
    Unreached
        Where GitHub does not give a count.
    """
    found = _answer(GITHUB, f"/repos/{repository}", seconds)
    count = found.get("stargazers_count")
    if not isinstance(count, int):
        message = f"{_host(GITHUB)} gives no stargazers_count for {repository}"
        raise Unreached(message)
    return day, repository, str(count)


def releases(package: str, seconds: float) -> list[Row]:
    """Return the rows of a package's releases, oldest first.

    A release is a version without a pre-release mark of which a file stands that is not withdrawn; its date
    is the earliest upload of one.

    Raises
    ------
    Unreached
        Where PyPI does not list them.
    """
    found = _answer(PYPI, f"/pypi/{package}/json", seconds).get("releases")
    if not isinstance(found, dict):
        message = f"{_host(PYPI)} lists no releases of {package}"
        raise Unreached(message)
    dated = []
    for version, files in found.items():
        standing = [file for file in files if not file.get("yanked")]
        if standing and _is_final(version):
            first = min(standing, key=lambda file: str(file["upload_time_iso_8601"]))
            day = str(first["upload_time_iso_8601"])[:10]
            dated.append((package, version, day, str(first.get("requires_python") or "")))
    return sorted(dated, key=lambda row: (row[2], Version(row[1])))


def _is_final(version: str) -> bool:
    try:
        return not Version(version).is_prerelease
    except InvalidVersion:
        return False


def merged(known: Iterable[Row], new: Iterable[Row], key: Callable[[Row], Row]) -> list[Row]:
    """Return known rows with the new ones, which take the place of those with the same key; sorted."""
    rows = {key(row): row for row in known} | {key(row): row for row in new}
    return sorted(rows.values(), key=key)


def read_rows(path: Path, columns: Row) -> list[Row]:
    """Return the rows of a series; none where there is no file yet.

    Raises
    ------
    KbError
        Where the file has other columns.
    """
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if tuple(header) != columns or any(len(row) != len(columns) for row in rows):
        message = f"{path}: found the columns {', '.join(header)}, expected {', '.join(columns)}"
        raise KbError(message)
    return [tuple(row) for row in rows]


def write_rows(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    """Write a series under a temporary name, and name it: readers see the old file or the new one.

    Raises
    ------
    KbError
        Where it cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text.getvalue())
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}; free space or check permissions"
        raise KbError(message) from None


def _answer(registry: str, path: str, seconds: float) -> Mapping[str, Any]:
    """Return the JSON object at a path of a registry.

    Raises
    ------
    Unreached
        Where there is none within the time, with the reason.
    """
    address = f"{os.environ.get(registry, ADDRESSES[registry])}{path}"
    request = urllib.request.Request(address, headers=AGENT)  # noqa: S310 - the user's own registry, or ours
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        message = f"{_host(registry)} answered {error.code} {error.reason} to {path}"
        raise Unreached(message) from None
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", error)
        message = f"{_host(registry)} was not reached within {seconds:g} s: {why}"
        raise Unreached(message, silent=True) from None
    if not isinstance(found, dict):
        message = f"{_host(registry)} answered something else than an object to {path}"
        raise Unreached(message)
    return found


def _host(registry: str) -> str:
    return urlsplit(os.environ.get(registry, ADDRESSES[registry])).netloc
