"""`kb publish`: copy an outcome of this machine to where it is reviewed."""

import argparse
import sys

from kb.files import publish
from kb.root import find_root


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("runs", nargs="+", metavar="RUN-ID", help="ids as `verify` and `kb show` print them")


def run(options: argparse.Namespace) -> int:
    """Copy each run and say where to."""
    root = find_root()
    for name in options.runs:
        path = publish(root, name)
        sys.stdout.write(f"{path.relative_to(root)}\n")
    return 0
