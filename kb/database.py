"""The DuckDB store: built from outcome files, queried by everyone, lost without loss.

Writers open it for one transaction under a lock file, then swap a read-only copy into place; readers open
only that copy, so neither ever waits for the other.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from filelock import FileLock, Timeout
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from kb.errors import OldOutcome, StoreFault
from kb.files import outcome_paths, read_outcome

if TYPE_CHECKING:
    import polars as pl

SCHEMA = 3
STORAGE = "v1.5.0"
LOCK_SECONDS = 60
NAME, COPY = "kb.duckdb", "kb-read.duckdb"
TABLES = (Path(__file__).parent / "tables.sql").read_text(encoding="utf-8")
LOAD = (Path(__file__).parent / "load.sql").read_text(encoding="utf-8")


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
        held = f"another process has held {folder / 'kb.lock'} for {LOCK_SECONDS} s"
        message = f"{held}; the outcome file is safe: run `kb rebuild`"
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
        if not database.exists() or _schema(database) < SCHEMA:
            database.unlink(missing_ok=True)
            _drop_log(database)
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
            _drop_log(path_of(root))
            fresh.replace(path_of(root))
        finally:
            fresh.unlink(missing_ok=True)
        _swap_copy(path_of(root))
    return count


def _drop_log(database: Path) -> None:
    """Remove what a killed writer left unfinished; DuckDB refuses a store beside another store's log."""
    database.with_name(f"{database.name}.wal").unlink(missing_ok=True)


def _build(root: Path, database: Path, records: dict[str, str] | None = None) -> int:
    count = 0
    with _connection(database) as connection:
        _prepare(connection)
        for path in outcome_paths(root):
            with suppress(OldOutcome):
                _load(connection, path)
                count += 1
        for claim, sha256 in (records or {}).items():
            connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?)", [claim, sha256])
    return count


@contextmanager
def _connection(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        connection = _open(database)
    except duckdb.Error as error:
        message = f"{database} cannot be opened: {error}; `kb rebuild` makes it again from the outcome files"
        raise StoreFault(message) from None
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


def _schema(database: Path) -> int:
    """Return the version of a store's tables; an older store is made again from the outcome files."""
    with _connection(database) as connection:
        try:
            found = connection.execute("SELECT max(schema_version) FROM meta").fetchall()[0][0]
        except duckdb.CatalogException:
            return SCHEMA
    return SCHEMA if found is None else int(found)


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables; a store that is newer than this kb is refused."""
    connection.execute(TABLES)
    found = connection.execute("SELECT max(schema_version) FROM meta").fetchall()[0][0]
    if found is None:
        connection.execute("INSERT INTO meta VALUES (?)", [SCHEMA])
    elif found > SCHEMA:
        message = (
            f"the store has schema {found}, this version of kb knows {SCHEMA}; update kb or run `kb rebuild`"
        )
        raise StoreFault(message)


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    run = read_outcome(path)["run"]
    if connection.execute("SELECT 1 FROM run WHERE run = ?", [run]).fetchall():
        return
    try:
        connection.execute("BEGIN")
        create, *inserts = [statement for statement in LOAD.split(";") if statement.strip()]
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
        for setting in (
            "enable_external_access=false",
            "autoload_known_extensions=false",
            "autoinstall_known_extensions=false",
            "lock_configuration=true",
        ):
            connection.execute(f"SET {setting}")
        yield connection
    finally:
        connection.close()


def query(root: Path, sql: str, parameters: list[Any] | None = None) -> "pl.DataFrame":
    """Return the answer to a query over the read-only copy as a polars frame."""
    with reading(root) as connection:
        frame: pl.DataFrame = connection.sql(sql, params=parameters or []).pl()
        return frame


def digest_of(root: Path) -> dict[str, str]:
    """Return a hash of every table's content, whatever the row order: equal stores have equal hashes."""
    tables = (
        "environment",
        "record",
        "run",
        "outcome",
        "sample",
        "block",
        "watched",
        "gate",
        "finding",
        "citation",
    )
    count = "SELECT count(*), sum(hash(t::VARCHAR)::HUGEINT) FROM {} t"
    with reading(root) as connection:
        return {table: str(connection.execute(count.format(table)).fetchall()[0]) for table in tables}
