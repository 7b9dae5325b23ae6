"""Outcome files: whole or not at all, and never written over."""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tiny
from tiny import CAPABILITY, DOCUMENTED

from kb.catalogue import entries
from kb.commands import show
from kb.database import rebuild
from kb.errors import KbError, StoreFault
from kb.files import as_text, outcome_paths, publish, read_outcome, store, write_once
from kb.recheck import recheck

ROOT = Path(__file__).parent.parent


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    path = write_once(tmp_path / "a" / "b", "x.json", "text")
    assert path.read_text(encoding="utf-8") == "text"
    assert names(path.parent) == ["x.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_existing_file_is_never_replaced(tmp_path):
    path = write_once(tmp_path, "x.json", "first")
    with pytest.raises(StoreFault, match="never written over"):
        write_once(tmp_path, "x.json", "second")
    assert path.read_text(encoding="utf-8") == "first"
    assert names(tmp_path) == ["x.json"]


def test_of_many_writers_of_one_name_exactly_one_succeeds(tmp_path):
    def attempt(text: str) -> str | None:
        try:
            write_once(tmp_path, "x.json", text)
        except StoreFault:
            return None
        return text

    with ThreadPoolExecutor(8) as pool:
        written = [text for text in pool.map(attempt, [str(n) * 10_000 for n in range(16)]) if text]
    assert len(written) == 1
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == written[0]
    assert names(tmp_path) == ["x.json"]


def test_where_the_disk_takes_no_more_there_is_a_fault_and_no_file(tmp_path):
    script = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from kb.errors import StoreFault\nfrom kb.files import write_once\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_once(Path(sys.argv[1]), 'x.json', 'y' * 5000)\n"
        "except StoreFault as fault:\n    print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "x.json cannot be written: File too large" in done.stdout
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreFault):
        write_once(tmp_path / "file" / "folder", "x.json", "text")


def test_what_is_stored_is_read_again_one_field_a_line(root):
    found = tiny.outcome(tiny.claim_of(root, DOCUMENTED), DOCUMENTED, "r1")
    path = store(root, found)
    assert path == root / "data/runs" / DOCUMENTED / "r1.json"
    assert read_outcome(path) == found
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(found) + 2


def test_a_figure_that_is_not_finite_is_not_stored(root):
    with pytest.raises(ValueError, match="JSON"):
        as_text({"estimate": float("nan")})


def test_publishing_copies_byte_for_byte_and_only_once(root, outcome_file):
    path = outcome_file(DOCUMENTED, "r1")
    copy = publish(root, "r1")
    assert copy == root / "data/evidence" / DOCUMENTED / "r1.json"
    assert copy.read_bytes() == path.read_bytes()
    with pytest.raises(StoreFault, match="never written over"):
        publish(root, "r1")


@pytest.mark.parametrize("run", ["nothing", "*", "../r1", "r?"])
def test_only_a_run_of_exactly_that_name_is_published(root, outcome_file, run):
    outcome_file(DOCUMENTED, "r1")
    with pytest.raises(KbError, match="no run"):
        publish(root, run)
    assert not (root / "data/evidence").exists()


def test_each_run_is_listed_once_and_the_published_copy_first(root, outcome_file):
    outcome_file(DOCUMENTED, "r1")
    outcome_file(DOCUMENTED, "r2")
    outcome_file(CAPABILITY, "r3", finding={"sum": 2})
    published = publish(root, "r2")
    paths = list(outcome_paths(root))
    assert sorted(path.stem for path in paths) == ["r1", "r2", "r3"]
    assert paths[0] == published
    assert [path.stem for path in outcome_paths(root, CAPABILITY)] == ["r3"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"run": "r2", "claim": "tiny-share"}',
        '{"run": "r1", "claim": "other"}',
        "\xff",
    ],
)
def test_a_file_that_is_no_outcome_of_its_path_is_a_fault(root, text):
    path = root / "data/runs" / DOCUMENTED / "r1.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreFault, match=r"r1\.json"):
        read_outcome(path)


@pytest.mark.parametrize(
    ("number", "age"), [(1, "an older"), (3, "another"), (None, "another"), ("1", "another")]
)
def test_an_outcome_of_another_format_is_refused_with_what_to_do(root, outcome_file, number, age):
    path = outcome_file(DOCUMENTED, "r1")
    tiny.rewritten(path, format=number)
    said = (
        rf"r1\.json: written by {age} kb \(format {number}, this one reads 2\).* rerun `verify {DOCUMENTED}`"
    )
    with pytest.raises(StoreFault, match=said):
        read_outcome(path)


def test_an_older_outcome_is_left_out_of_a_claim_of_listings_and_of_the_store(root, outcome_file, capsys):
    outcome_file(DOCUMENTED, "r1")
    tiny.rewritten(outcome_file(DOCUMENTED, "r0"), format=1)
    assert show.run(argparse.Namespace(claim=DOCUMENTED, json=False)) == 0
    shown = capsys.readouterr()
    assert "run r1" in shown.out
    assert "r0" not in shown.out
    assert "written by an older kb (format 1" in " ".join(shown.err.split())
    assert rebuild(root, {}) == 1
    assert [entry.run for entry in entries(root)[DOCUMENTED]] == ["r1"]
    assert recheck(root) == (1, [])


def test_an_outcome_is_json_that_any_tool_reads(root, outcome_file):
    path = outcome_file(DOCUMENTED, "r1")
    assert json.loads(path.read_bytes())["verdict"] == "supported"
