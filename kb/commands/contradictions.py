"""`kb contradictions`: what cannot hold together."""

import argparse
import json
import sys

from kb.contradictions import RULES, contradictions, of_claim
from kb.library import load_library
from kb.root import find_root
from kb.screen import paragraph


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("claim", metavar="CLAIM-ID", nargs="?", help="only those that this claim is part of")
    parser.add_argument(
        "--json", action="store_true", help="an array of rule, claims, because, path, line, field"
    )


def run(options: argparse.Namespace) -> int:
    """Print what was found; claims that contradict each other are no fault of the records, so status 0."""
    library = load_library(find_root())
    found = contradictions(library)
    if options.claim is not None:
        found = of_claim(found, library.record(options.claim).id)
    if options.json:
        sys.stdout.write(json.dumps([each.as_json() for each in found], indent=1) + "\n")
        return 0
    for each in found:
        lines = [
            " x ".join(each.claims),
            paragraph(each.rule, RULES[each.rule][1]),
            paragraph("because", each.because),
            paragraph("at", f"{each.path}:{each.line}"),
        ]
        sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.write(f"{len(found)} found by {len(RULES)} rules in {len(library.records)} claims\n")
    return 0
