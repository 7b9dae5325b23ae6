"""`kb refresh` against a registry of our own: what it keeps, and what it says where nothing answers."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from kb.cli import main
from kb.refresh import GITHUB, PYPI, RELEASES, STARS, merged

ASKED = "repositories: [one/one, two/two]\npackages: [one]\n"


def file(day: str, yanked: bool = False, python: str | None = ">=3.9") -> dict[str, Any]:
    return {"upload_time_iso_8601": f"{day}T12:00:00.000000Z", "yanked": yanked, "requires_python": python}


ONE = {
    "releases": {
        "1.10": [file("2023-05-02"), file("2023-05-01", python=">=3.8")],
        "1.9": [file("2022-01-01", python=None)],
        "1.11rc1": [file("2023-06-01")],
        "2.0": [file("2023-07-01", yanked=True)],
        "not a version": [file("2023-07-02")],
        "3.0": [],
    }
}


class Registry(BaseHTTPRequestHandler):
    """Answers what the server's `answers` hold for a path; hangs until it is released where that is None."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = self.server.answers.get(self.path, 404)
        if found is None:
            self.server.released.wait()
            return
        self.send_response(found if isinstance(found, int) else 200)
        self.end_headers()
        if not isinstance(found, int):
            self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A registry for both kinds, and a knowledge base that asks it."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/refresh.yaml").write_text(ASKED, encoding="utf-8")
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.asked, server.released = [], Event()
    server.answers = {
        "/repos/one/one": {"stargazers_count": 7},
        "/repos/two/two": {"stargazers_count": 8},
        "/pypi/one/json": ONE,
    }
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    for name, value in (
        (GITHUB, address),
        (PYPI, address),
        ("NO_PROXY", "127.0.0.1"),
        ("KB_ROOT", str(tmp_path)),
    ):
        monkeypatch.setenv(name, value)
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def rows(root: Path, series: Path) -> list[list[str]]:
    with (root / series).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_final_releases_that_stand_are_kept_with_their_first_upload(registry, tmp_path):
    assert main(["refresh"]) == 0
    assert rows(tmp_path, RELEASES) == [
        ["package", "version", "date", "requires_python"],
        ["one", "1.9", "2022-01-01", ""],
        ["one", "1.10", "2023-05-01", ">=3.8"],
    ]


def test_stars_are_kept_by_day_and_asking_again_takes_the_days_place(registry, tmp_path):
    today = datetime.now(UTC).date().isoformat()
    (tmp_path / STARS).parent.mkdir()
    (tmp_path / STARS).write_text("date,repository,stars\n2023-01-01,one/one,5\n", encoding="utf-8")
    assert main(["refresh"]) == 0
    registry.answers["/repos/one/one"] = {"stargazers_count": 9}
    assert main(["refresh"]) == 0
    days = {row[0] for row in rows(tmp_path, STARS)[2:]}
    assert today in days  # or, at midnight, the day after
    kept = {(row[1], row[2]) for row in rows(tmp_path, STARS)[1:]}
    assert {("one/one", "5"), ("one/one", "9"), ("two/two", "8")} <= kept
    if days == {today}:
        assert ("one/one", "7") not in kept


def test_what_a_registry_does_not_have_is_said_and_the_rest_is_kept(registry, tmp_path, capsys):
    registry.answers["/repos/one/one"] = 403
    registry.answers["/pypi/one/json"] = {"info": {}}
    assert main(["refresh"]) == 4
    said = capsys.readouterr().err
    assert "answered 403 Forbidden to /repos/one/one" in said
    assert "lists no releases of one" in said
    assert [row[1:] for row in rows(tmp_path, STARS)[1:]] == [["two/two", "8"]]
    assert not (tmp_path / RELEASES).exists()


def test_a_registry_that_does_not_answer_in_time_is_asked_once_and_changes_nothing(
    registry, tmp_path, capsys
):
    registry.answers["/repos/one/one"] = None
    assert main(["refresh", "--timeout", "0.2"]) == 4
    assert "was not reached within 0.2 s" in capsys.readouterr().err
    assert "/repos/two/two" not in registry.asked
    assert not (tmp_path / STARS).exists()
    assert len(rows(tmp_path, RELEASES)) == 3


def test_without_a_network_nothing_changes_and_it_is_said(registry, tmp_path, monkeypatch, capsys):
    assert main(["refresh"]) == 0
    before = {series: (tmp_path / series).read_bytes() for series in (STARS, RELEASES)}
    for name in (GITHUB, PYPI):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["refresh"]) == 4
    assert capsys.readouterr().err.count("127.0.0.1:9 was not reached") == 2
    assert {series: (tmp_path / series).read_bytes() for series in (STARS, RELEASES)} == before


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("data/refresh.yaml", "repositories: [one/one]\n", "expected the lists"),
        ("data/refresh.yaml", "repositories: [one/one]\npackages: [1.10]\n", "put quotes"),
        (str(STARS), "day,stars\n", "expected date, repository, stars"),
    ],
)
def test_a_file_that_is_not_as_expected_is_named(registry, tmp_path, capsys, path, text, said):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text, encoding="utf-8")
    assert main(["refresh"]) == 2
    assert said in capsys.readouterr().err


def test_merging_replaces_rows_of_one_key_and_keeps_the_others():
    known, new = [("a", "1"), ("b", "2")], [("b", "3"), ("c", "4")]
    assert merged(known, new, lambda row: row[:1]) == [("a", "1"), ("b", "3"), ("c", "4")]
