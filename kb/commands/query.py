"""`kb query`: ask the store in SQL; a locked-down, read-only copy answers."""

import argparse
import sys

import duckdb

from kb.database import query
from kb.errors import KbError
from kb.root import find_root


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("sql", help="tables and views are in kb/tables.sql; such as: FROM verdict")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="comma-separated values")
    form.add_argument("--json", action="store_true", help="an array of objects")


def run(options: argparse.Namespace) -> int:
    """Print the answer as a table, CSV or JSON."""
    import polars as pl  # noqa: PLC0415 - `kb query --help` starts without it

    try:
        frame = query(find_root(), options.sql)
    except duckdb.Error as error:
        message = f"the store cannot answer: {error}"
        raise KbError(message) from None
    if options.csv:
        text = frame.write_csv()
    elif options.json:
        text = frame.write_json() + "\n"
    else:
        with pl.Config(
            tbl_rows=-1, tbl_cols=-1, tbl_width_chars=100, fmt_str_lengths=60, tbl_hide_dataframe_shape=True
        ):
            text = f"{frame}\n"
    sys.stdout.write(text)
    return 0
