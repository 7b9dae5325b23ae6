"""The command line: `kb COMMAND`, and `verify`, which is `kb verify`.

Only the chosen command's module is imported, so that help and listings start fast.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

COMMANDS = {
    "verify": "rerun the measurement or check behind claims, and store the outcome",
    "list": "list the claims and how they stand",
    "show": "show a claim with its outcomes",
    "lint": "check all records; every fault with its line",
    "contradictions": "find what cannot hold together, in a record and between records",
    "doctor": "say what hardware and frameworks are here, and which claims can be verified",
    "clean": "remove the environments that verifiers had of their own, and free their space",
    "query": "ask the store in SQL",
    "publish": "copy an outcome of this machine to data/evidence/, for review in git",
    "rebuild": "make the DuckDB store again from the outcome files",
    "recheck": "derive every stored verdict again from its raw samples, and compare",
    "refresh": "ask GitHub for stars and PyPI for releases, and keep what they say under data/figures/",
    "schema": "write the JSON Schemas that editors use",
    "app": "open the app in a browser",
}
EPILOG = """exit status:
  0 supported, or as asked      4 untested here (hardware, software, data)
  1 refuted                     5 a verifier or kb itself failed
  2 bad input                   6 stored evidence does not agree with itself
  3 inconclusive or mixed     130 interrupted (SIGINT, SIGTERM or SIGHUP)
With several claims: the first of 2, 6, 5, 1, 3, 4, 0 that occurred."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `kb` with these arguments and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return _run(given[0], given[1:], f"kb {given[0]}")
    parser = argparse.ArgumentParser(
        prog="kb",
        description="Claims about deep learning frameworks, and whether they are true.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    parser.parse_args(given)
    return 2


def verify_main() -> int:
    """Run `verify`."""
    return _run("verify", sys.argv[1:], "verify")


def _run(name: str, arguments: Sequence[str], program: str) -> int:
    module = importlib.import_module(f"kb.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=program,
        description=COMMANDS[name],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.arguments(parser)
    options = parser.parse_intermixed_args(list(arguments))
    stops = [signal.SIGINT, signal.SIGTERM]  # also where a background shell has them ignored
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it, to go on without a terminal
        stops.append(signal.SIGHUP)
    for number in stops:
        signal.signal(number, _as_interrupt)
    try:
        status = int(module.run(options))
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _explain(error)
    return status


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _explain(error: Exception) -> int:
    """Turn an error into a message and a status; only a bug of kb itself is anything but a KbError."""
    from kb.errors import KbError  # noqa: PLC0415 - only on the way out

    if isinstance(error, KbError):
        sys.stderr.write(f"{error}\n")
        return int(error.status)
    if os.environ.get("KB_DEBUG"):
        raise error
    kind = type(error).__name__
    sys.stderr.write(
        f"kb failed: {kind}: {error}\nThis is a bug of kb. KB_DEBUG=1 shows where it happened.\n"
    )
    return 5
