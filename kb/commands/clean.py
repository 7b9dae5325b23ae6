"""`kb clean`: remove the environments that verifiers had of their own; they are made again when needed."""

import argparse
import sys

from kb.isolated import cache, clear, kept

MEGABYTE = 1e6


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""


def run(options: argparse.Namespace) -> int:
    """Remove them and say what that frees."""
    count = len(kept())
    freed = clear()
    sys.stdout.write(f"{count} environments removed from {cache()}, {freed / MEGABYTE:,.0f} MB freed\n")
    return 0
