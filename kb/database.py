"""The DuckDB store: built from outcome files, queried by everyone, lost without loss.

Writers open it for one transaction under a lock file, then swap a read-only copy into place; readers open
only that copy, so neither ever waits for the other.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from filelock import FileLock, Timeout
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from kb.errors import StoreFault
from kb.files import outcome_paths, read_outcome

if TYPE_CHECKING:
    import polars as pl

SCHEMA = 1
STORAGE = "v1.5.0"
LOCK_SECONDS = 60
NAME, COPY = "kb.duckdb", "kb-read.duckdb"
TABLES = """
CREATE TABLE IF NOT EXISTS meta (schema_version INTEGER);
CREATE TABLE IF NOT EXISTS environment (environment VARCHAR PRIMARY KEY, key JSON);
CREATE TABLE IF NOT EXISTS record (claim VARCHAR PRIMARY KEY, record_sha256 VARCHAR);
CREATE TABLE IF NOT EXISTS run (
    run VARCHAR PRIMARY KEY, claim VARCHAR, environment VARCHAR, hardware VARCHAR, budget VARCHAR, started VARCHAR,
    ended VARCHAR, seconds DOUBLE, record_sha256 VARCHAR, verifier VARCHAR, verifier_sha256 VARCHAR,
    verifier_commit VARCHAR, plan_sha256 VARCHAR, versions JSON, context JSON, interrupted BOOLEAN);
CREATE TABLE IF NOT EXISTS outcome (
    run VARCHAR PRIMARY KEY, claim VARCHAR, verdict VARCHAR, reason VARCHAR, because VARCHAR, direction JSON,
    magnitude JSON, readings JSON, estimate DOUBLE, low DOUBLE, high DOUBLE, blocks INTEGER, indicative BOOLEAN,
    cells JSON, expectations JSON, logic JSON);
CREATE TABLE IF NOT EXISTS sample (
    run VARCHAR, block INTEGER, place INTEGER, round INTEGER, position INTEGER, side VARCHAR, arm VARCHAR,
    steps INTEGER, cost BIGINT, cpu BIGINT, start BIGINT);
CREATE TABLE IF NOT EXISTS block (run VARCHAR, block INTEGER, samples INTEGER, cost BIGINT, start BIGINT);
CREATE TABLE IF NOT EXISTS finding (run VARCHAR, field VARCHAR, value JSON);
CREATE TABLE IF NOT EXISTS citation (
    run VARCHAR, claim VARCHAR, source VARCHAR, figure VARCHAR, value DOUBLE, text VARCHAR, unit VARCHAR,
    population VARCHAR, date VARCHAR, locator VARCHAR, read VARCHAR);
CREATE OR REPLACE VIEW history AS
    SELECT run.*, outcome.* EXCLUDE (run, claim),
           run.record_sha256 = record.record_sha256 AS counts
    FROM run JOIN outcome USING (run) LEFT JOIN record ON record.claim = run.claim
    ORDER BY run.claim, run.run;
CREATE OR REPLACE VIEW verdict AS
    SELECT claim, hardware, environment, run, reason,
           CASE WHEN reason = 'smoke' THEN 'untested' ELSE verdict END AS verdict
    FROM history WHERE counts
    QUALIFY row_number() OVER (
        PARTITION BY claim, hardware, environment
        ORDER BY CASE WHEN reason = 'smoke' OR verdict = 'untested' THEN 0 WHEN verdict = 'inconclusive' THEN 1
                 ELSE 2 END DESC, run DESC) = 1;
CREATE OR REPLACE VIEW summary AS
    SELECT claim, hardware,
           CASE WHEN bool_or(verdict = 'supported') AND bool_or(verdict = 'refuted') THEN 'mixed'
                WHEN bool_or(verdict = 'supported') THEN 'supported'
                WHEN bool_or(verdict = 'refuted') THEN 'refuted'
                WHEN bool_or(verdict = 'inconclusive') THEN 'inconclusive'
                ELSE 'untested' END AS summary
    FROM verdict GROUP BY claim, hardware;
"""
_JSON = (
    "{claim: 'VARCHAR', run: 'VARCHAR', verdict: 'VARCHAR', reason: 'VARCHAR', because: 'VARCHAR', direction: 'JSON', "
    "magnitude: 'JSON', readings: 'JSON', estimate: 'DOUBLE', interval: 'DOUBLE[]', blocks: 'INTEGER', "
    "indicative: 'BOOLEAN', hardware: 'VARCHAR', environment: 'VARCHAR', environment_key: 'JSON', context: 'JSON', "
    "versions: 'JSON', budget: 'VARCHAR', started: 'VARCHAR', ended: 'VARCHAR', seconds: 'DOUBLE', "
    "record: 'STRUCT(citations STRUCT(source VARCHAR, figure VARCHAR, \"value\" DOUBLE, \"text\" VARCHAR, unit VARCHAR, "
    "population VARCHAR, date VARCHAR, locator VARCHAR, read VARCHAR)[])', "
    "record_sha256: 'VARCHAR', verifier: 'VARCHAR', verifier_sha256: 'VARCHAR', verifier_commit: 'VARCHAR', "
    "plan_sha256: 'VARCHAR', interrupted: 'BOOLEAN', cells: 'JSON', expectations: 'JSON', logic: 'JSON', "
    "finding: 'MAP(VARCHAR, JSON)', samples: 'STRUCT(block INTEGER[], place INTEGER[], round INTEGER[], "
    "position INTEGER[], side VARCHAR[], arm VARCHAR[], steps INTEGER[], cost BIGINT[], cpu BIGINT[], start BIGINT[])'}"
)
_LOAD = f"""
CREATE OR REPLACE TEMP TABLE loaded AS
    SELECT * FROM read_json(?, format='unstructured', maximum_object_size=536870912, columns={_JSON});
INSERT OR IGNORE INTO environment SELECT environment, environment_key FROM loaded;
INSERT INTO run SELECT run, claim, environment, hardware, budget, started, ended, seconds, record_sha256, verifier,
    verifier_sha256, verifier_commit, plan_sha256, versions, context, interrupted FROM loaded;
INSERT INTO outcome SELECT run, claim, verdict, reason, because, direction, magnitude, readings, estimate,
    interval[1], interval[2], blocks, indicative, cells, expectations, logic FROM loaded;
INSERT INTO sample SELECT run, unnest(samples.block), unnest(samples.place), unnest(samples.round),
    unnest(samples.position), unnest(samples.side), unnest(samples.arm), unnest(samples.steps),
    unnest(samples.cost), unnest(samples.cpu), unnest(samples.start) FROM loaded;
INSERT INTO block SELECT run, block, count(*), sum(cost), min(start) FROM sample
    WHERE run IN (SELECT run FROM loaded) GROUP BY run, block ORDER BY block;
INSERT INTO finding SELECT run, entry.key, entry.value FROM
    (SELECT run, unnest(map_entries(finding)) AS entry FROM loaded);
INSERT INTO citation SELECT run, claim, cited.source, cited.figure, cited."value", cited."text", cited.unit,
    cited.population, cited.date, cited.locator, cited.read FROM
    (SELECT run, claim, unnest(record.citations) AS cited FROM loaded);
INSERT OR REPLACE INTO record SELECT claim, record_sha256 FROM loaded;
"""


def path_of(root: Path) -> Path:
    """Return where the store lies."""
    return root / "data" / NAME


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    folder = root / "data"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "kb.lock", timeout=LOCK_SECONDS):
            yield
    except Timeout:
        message = f"another process has held {folder / 'kb.lock'} for {LOCK_SECONDS} s; the outcome file is safe: run `kb rebuild`"
        raise StoreFault(message) from None


def add(root: Path, path: Path) -> None:
    """Add one outcome file to the store, in one transaction.

    Raises
    ------
    StoreFault
        Where the store cannot be written; the outcome file itself is safe then.
    """
    with _writing(root):
        database = path_of(root)
        if not database.exists():
            _build(root, database)
        else:
            with _connection(database) as connection:
                _prepare(connection)
                _load(connection, path)
        _swap_copy(database)


def rebuild(root: Path, records: dict[str, str]) -> int:
    """Make the store again from the outcome files; return how many there are.

    Parameters
    ----------
    root : Path
        The knowledge base.
    records : dict of str to str
        Hash of the present meaning of every claim's record.
    """
    with _writing(root):
        fresh = path_of(root).with_suffix(f".{random.randrange(10**9)}.tmp")  # noqa: S311 - a name
        try:
            count = _build(root, fresh, records)
            fresh.replace(path_of(root))
        finally:
            fresh.unlink(missing_ok=True)
        _swap_copy(path_of(root))
    return count


def _build(root: Path, database: Path, records: dict[str, str] | None = None) -> int:
    paths = list(outcome_paths(root))
    with _connection(database) as connection:
        _prepare(connection)
        for path in paths:
            _load(connection, path)
        for claim, sha256 in (records or {}).items():
            connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?)", [claim, sha256])
    return len(paths)


@contextmanager
def _connection(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = _open(database)
    try:
        yield connection
    finally:
        connection.close()


@retry(
    retry=retry_if_exception_type(duckdb.IOException),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(10),
    reraise=True,
)
def _open(database: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{_quoted(database)}' AS kb (STORAGE_VERSION '{STORAGE}')")
    connection.execute("USE kb")
    return connection


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables, or bring an older store forward; a newer one is refused."""
    connection.execute(TABLES)
    found = connection.execute("SELECT max(schema_version) FROM meta").fetchall()[0][0]
    if found is None:
        connection.execute("INSERT INTO meta VALUES (?)", [SCHEMA])
    elif found > SCHEMA:
        message = f"the store has schema {found}, this version of kb knows {SCHEMA}; update kb or run `kb rebuild`"
        raise StoreFault(message)


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    run = read_outcome(path)["run"]
    if connection.execute("SELECT 1 FROM run WHERE run = ?", [run]).fetchall():
        return
    try:
        connection.execute("BEGIN")
        create, *inserts = [statement for statement in _LOAD.split(";") if statement.strip()]
        connection.execute(create, [str(path)])
        for statement in inserts:
            connection.execute(statement)
        connection.execute("COMMIT")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        message = f"{path}: cannot be stored: {error}"
        raise StoreFault(message) from None


def _swap_copy(database: Path) -> None:
    copy = database.with_name(COPY)
    temporary = copy.with_suffix(".tmp")
    shutil.copyfile(database, temporary)
    temporary.replace(copy)


@contextmanager
def reading(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the read-only copy, locked down: no files, no extensions, no settings.

    Raises
    ------
    StoreFault
        Where there is no store yet.
    """
    copy = path_of(root).with_name(COPY)
    if not copy.exists():
        message = f"no store at {copy}; `kb rebuild` makes it from the outcome files"
        raise StoreFault(message)
    connection = duckdb.connect(str(copy), read_only=True)
    try:
        for setting in ("enable_external_access=false", "autoload_known_extensions=false",
                        "autoinstall_known_extensions=false", "lock_configuration=true"):
            connection.execute(f"SET {setting}")
        yield connection
    finally:
        connection.close()


def query(root: Path, sql: str, parameters: list[Any] | None = None) -> "pl.DataFrame":
    """Return the answer to a query over the read-only copy as a polars frame."""
    with reading(root) as connection:
        frame: pl.DataFrame = connection.sql(sql, params=parameters or []).pl()
        return frame


def samples(root: Path, run: str) -> "pl.DataFrame":
    """Return the raw samples of a run, in the order of measurement."""
    return query(root, "SELECT * FROM sample WHERE run = ? ORDER BY start, position", [run])


def history(root: Path, claim: str) -> "pl.DataFrame":
    """Return all outcomes of a claim with their runs, oldest first."""
    return query(root, "SELECT * FROM history WHERE claim = ? ORDER BY run", [claim])


def digest_of(root: Path) -> dict[str, str]:
    """Return a hash of the content of every table, independent of row order: equal stores have equal hashes."""
    tables = ("environment", "record", "run", "outcome", "sample", "block", "finding", "citation")
    with reading(root) as connection:
        return {
            table: str(
                connection.execute(f"SELECT count(*), sum(hash(t::VARCHAR)::HUGEINT) FROM {table} t").fetchall()[0]  # noqa: S608
            )
            for table in tables
        }
