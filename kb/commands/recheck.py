"""`kb recheck`: derive every stored verdict again from its raw samples."""

import argparse
import sys

from kb.library import load_library
from kb.recheck import recheck
from kb.root import find_root
from kb.words import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "claim", nargs="?", default="*", metavar="CLAIM-ID", help="only this claim's outcomes"
    )


def run(options: argparse.Namespace) -> int:
    """Print every difference; status 6 if there is one."""
    root = find_root()
    if options.claim != "*":
        load_library(root).record(options.claim)
    count, found = recheck(root, options.claim)
    for each in found:
        sys.stderr.write(
            f"{each.path}: {each.field}: stored {each.stored[:80]}, derived {each.derived[:80]}\n"
        )
    sys.stdout.write(f"{count} outcomes rechecked, {len(found)} differences\n")
    return int(Exit.INTEGRITY if found else Exit.SUPPORTED)
