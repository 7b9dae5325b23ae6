"""The store: built from files, lost without loss, written by one and read by many."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import tiny
from tenacity import stop_after_attempt
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy

from kb import database
from kb.database import add, digest_of, path_of, query, reading, rebuild
from kb.errors import StoreFault
from kb.outcome import frozen_record

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def files(outcome_file) -> list[Path]:
    """Outcomes of every kind."""
    return [
        outcome_file(MEASURED, "r1", effects=noisy(2.0, 9)),
        outcome_file(MEASURED, "r2", effects=noisy(1.0, 8), environment="e1", folder="data/evidence"),
        outcome_file(MEASURED, "r3", lacking={"reason": "no-software", "because": "needs 'jax'"}),
        outcome_file(
            CAPABILITY, "r4", finding={"sum": 2, "list": [1, "a"], "none": None, "deep": {"x": True}}
        ),
        outcome_file(CAPABILITY, "r5", failure="crashed", log="line\n\x1b[31mred"),
        outcome_file(DOCUMENTED, "r6"),
    ]


def hashes(root: Path) -> dict[str, str]:
    return {name: frozen_record(tiny.claim_of(root, name))[1] for name in (MEASURED, CAPABILITY, DOCUMENTED)}


def test_what_an_outcome_says_can_be_queried(root, files):
    for path in files:
        add(root, path)
    found = query(root, "FROM history WHERE claim = ? ORDER BY run", [MEASURED])
    assert found["run"].to_list() == ["r1", "r2", "r3"]
    assert found["verdict"].to_list() == ["supported", "refuted", "untested"]
    assert found["counts"].to_list() == [True, True, True]
    assert found["estimate"][0] == pytest.approx(2, rel=0.01)
    assert found["low"][0] < found["estimate"][0] < found["high"][0]
    raw = query(root, "FROM sample WHERE run = ? ORDER BY start, position", ["r1"])
    assert raw.height == 18
    assert set(raw["arm"]) == {"plain/once", "plain/twice"}
    fields = query(root, "SELECT field, value FROM finding WHERE run = 'r4' ORDER BY field").rows()
    assert dict(fields)["sum"] == "2"
    assert query(root, "SELECT value, population FROM citation").rows() == [(40.2, "tiny programs")]
    assert query(root, "SELECT count(*) FROM block WHERE run = 'r1'").item() == 9


def test_adding_twice_changes_nothing(root, files):
    for path in files:
        add(root, path)
    before = digest_of(root)
    for path in files:
        add(root, path)
    assert digest_of(root) == before


def test_a_store_that_was_lost_is_rebuilt_equal_from_the_files(root, files):
    for path in files:
        add(root, path)
    before = digest_of(root)
    for path in (root / "data").glob("kb*.duckdb"):
        path.unlink()
    assert rebuild(root, hashes(root)) == len(files)
    assert digest_of(root) == before
    rebuild(root, hashes(root))
    assert digest_of(root) == before


def test_equal_digests_mean_equal_content(root, files):
    rebuild(root, hashes(root))
    before = digest_of(root)
    files[0].unlink()
    rebuild(root, hashes(root))
    changed = {table for table, digest in digest_of(root).items() if digest != before[table]}
    assert {"run", "outcome", "sample", "block"} <= changed


def test_no_temporary_files_are_left(root, files):
    for path in files:
        add(root, path)
    rebuild(root, hashes(root))
    left = {path.name for path in (root / "data").iterdir() if path.is_file()}
    assert left <= {"kb.duckdb", "kb-read.duckdb", "kb.lock"}


def test_two_processes_that_add_at_once_lose_nothing(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "first"))
    halves = [[str(outcome_file(DOCUMENTED, f"{who}{n}")) for n in range(5)] for who in "ab"]
    script = (
        "import sys\nfrom pathlib import Path\nfrom kb.database import add\n"
        "for path in sys.argv[2:]:\n    add(Path(sys.argv[1]), Path(path))\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(root), *half], cwd=CHECKOUT, stderr=subprocess.PIPE, text=True
        )
        for half in halves
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert query(root, "SELECT count(*) FROM run").item() == 11


HOLD = """
import sys
from pathlib import Path
from kb.database import _connection, _writing, path_of
root = Path(sys.argv[1])
with _writing(root), _connection(path_of(root)) as connection:
    connection.execute("BEGIN")
    connection.execute("DELETE FROM run")
    print("held", flush=True)
    sys.stdin.read()
    connection.execute("ROLLBACK")
"""


def test_a_reader_reads_while_a_writer_holds_the_store(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "r1"))
    writer = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        assert query(root, "SELECT run FROM run").rows() == [("r1",)]
    finally:
        writer.communicate(timeout=60)
    assert writer.returncode == 0


def test_a_writer_writes_while_readers_read_and_they_keep_what_they_saw(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "r1"))
    with reading(root) as reader:
        add(root, outcome_file(DOCUMENTED, "r2"))
        assert reader.execute("SELECT count(*) FROM run").fetchall() == [(1,)]
    assert query(root, "SELECT count(*) FROM run").item() == 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH '{root}/other.duckdb'",
        "COPY (SELECT 1) TO '{root}/copied.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "DELETE FROM run",
        "CREATE TABLE more (x INTEGER)",
    ],
)
def test_a_reader_is_locked_down(root, outcome_file, sql):
    add(root, outcome_file(DOCUMENTED, "r1"))
    with reading(root) as reader, pytest.raises(duckdb.Error):
        reader.execute(sql.format(root=root))
    assert not list(root.glob("*.csv")) + list(root.glob("other*"))


def test_without_a_store_a_reader_is_told_how_to_make_it(root):
    with pytest.raises(StoreFault, match="kb rebuild"):
        query(root, "SELECT 1")


def test_a_newer_store_is_refused_and_left_as_it_is(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "r1"))
    with duckdb.connect(str(path_of(root))) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(StoreFault, match="schema 99"):
        add(root, outcome_file(DOCUMENTED, "r2"))
    with duckdb.connect(str(path_of(root)), read_only=True) as connection:
        assert connection.execute("SELECT run FROM run").fetchall() == [("r1",)]
    rebuild(root, hashes(root))
    assert query(root, "SELECT count(*) FROM run").item() == 2


def test_an_older_store_is_brought_forward(root, outcome_file):
    """A store without the tables and views that came later."""
    add(root, outcome_file(DOCUMENTED, "r1"))
    with duckdb.connect(str(path_of(root))) as connection:
        connection.execute(
            "DROP VIEW summary; DROP VIEW verdict; DROP TABLE citation; DROP TABLE block; DELETE FROM meta"
        )
    add(root, outcome_file(DOCUMENTED, "r2"))
    assert query(root, "SELECT run FROM citation").rows() == [("r2",)]
    assert query(root, "SELECT summary FROM summary").rows() == [("supported",)]
    assert query(root, "SELECT schema_version FROM meta").item() == database.SCHEMA


def test_a_file_that_cannot_be_loaded_leaves_the_store_as_it_was(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "r1"))
    before = digest_of(root)
    bad = outcome_file(DOCUMENTED, "r2")
    tiny.rewritten(bad, blocks="many")
    with pytest.raises(StoreFault, match=r"r2\.json"):
        add(root, bad)
    assert digest_of(root) == before


@pytest.fixture
def impatient(monkeypatch):
    """Do not wait ten seconds for a store that will not come."""
    monkeypatch.setattr(database._open.retry, "stop", stop_after_attempt(2))


@pytest.mark.usefixtures("impatient")
def test_a_store_that_is_no_database_is_a_fault_and_rebuilding_mends_it(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "r1"))
    path_of(root).write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreFault, match="kb rebuild"):
        add(root, outcome_file(DOCUMENTED, "r2"))
    rebuild(root, hashes(root))
    assert query(root, "SELECT count(*) FROM run").item() == 2


KILLED = """
import os, sys
from pathlib import Path
from kb.database import _connection, path_of
with _connection(path_of(Path(sys.argv[1]))) as connection:
    connection.execute("DELETE FROM run")
    os._exit(9)
"""


def test_rebuilding_after_a_killed_writer_takes_nothing_of_its_unfinished_log(root, outcome_file):
    add(root, outcome_file(DOCUMENTED, "r1"))
    done = subprocess.run([sys.executable, "-c", KILLED, str(root)], cwd=CHECKOUT, timeout=60)
    assert done.returncode == 9
    assert list((root / "data").glob("kb.duckdb.wal")), "the writer left no log, so this test shows nothing"
    rebuild(root, hashes(root))
    add(root, outcome_file(DOCUMENTED, "r2"))
    assert sorted(query(root, "SELECT run FROM run").rows()) == [("r1",), ("r2",)]


def test_a_root_with_an_odd_name_is_as_good_as_any(tmp_path):
    root = tiny.make_root(tmp_path / "it's [a] *root")
    path = tiny.write(root, tiny.outcome(tiny.claim_of(root, DOCUMENTED), DOCUMENTED, "r1"))
    add(root, path)
    assert query(root, "SELECT run FROM run").rows() == [("r1",)]
