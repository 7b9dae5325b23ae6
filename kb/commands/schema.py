"""`kb schema`: write the JSON Schemas that editors use."""

import argparse
import sys

from kb.root import find_root
from kb.schema import write_schemas


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; it has none."""


def run(options: argparse.Namespace) -> int:
    """Write the schemas and name their files."""
    root = find_root()
    for path in write_schemas(root):
        sys.stdout.write(f"{path.relative_to(root)}\n")
    return 0
