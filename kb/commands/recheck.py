"""`kb recheck`: derive every stored verdict again from its raw samples."""

import argparse
import sys

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
    count, found = recheck(find_root(), options.claim)
    for each in found:
        sys.stderr.write(
            f"{each.path}: {each.field}: stored {each.stored[:80]}, derived {each.derived[:80]}\n"
        )
    sys.stdout.write(f"{count} outcomes rechecked, {len(found)} differences\n")
    return int(Exit.INTEGRITY if found else Exit.SUPPORTED)
