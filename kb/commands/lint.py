"""`kb lint`: check all records."""

import argparse
import json
import sys

from kb.contradictions import contradictions
from kb.library import load_library
from kb.lint import lint
from kb.root import find_root
from kb.words import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="an array of path, line, field, rule, message")
    parser.add_argument("--strict", action="store_true", help="also what claims say that cannot hold")


def run(options: argparse.Namespace) -> int:
    """Print every fault; status 2 if there is one."""
    library = load_library(find_root())
    faults = lint(library)
    if options.strict:
        faults += [found.as_fault() for found in contradictions(library)]
    if options.json:
        sys.stdout.write(json.dumps([fault.as_json() for fault in faults], indent=1) + "\n")
    else:
        for fault in faults:
            sys.stderr.write(f"{fault}\n")
        count = f"{len(faults)} faults" if faults else "no faults"
        sys.stdout.write(f"{len(library.records)} claims, {len(library.sources)} sources: {count}\n")
    return int(Exit.BAD_INPUT if faults else Exit.SUPPORTED)
