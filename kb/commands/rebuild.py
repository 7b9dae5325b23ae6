"""`kb rebuild`: make the DuckDB store again from the outcome files."""

import argparse
import sys

from kb.database import path_of, rebuild
from kb.library import load_library
from kb.outcome import frozen_record
from kb.root import find_root


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; it has none."""


def run(options: argparse.Namespace) -> int:
    """Rebuild the store and say how many outcomes it holds."""
    root = find_root()
    records = {record.id: frozen_record(record.claim)[1] for record in load_library(root).records.values()}
    count = rebuild(root, records)
    sys.stdout.write(f"{count} outcomes in {path_of(root).relative_to(root)}\n")
    return 0
