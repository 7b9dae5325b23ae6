"""`verify`: rerun what is behind claims and store the outcomes."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kb.commands.numbers import LEAST_SECONDS, positive, seconds
from kb.words import Budget, Exit, Verdict

BY_VERDICT = {
    Verdict.SUPPORTED: Exit.SUPPORTED,
    Verdict.REFUTED: Exit.REFUTED,
    Verdict.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Verdict.UNTESTED: Exit.UNTESTED,
}
DEVICES = ("cpu", "cuda", "rocm", "mps", "xpu", "tpu")
WORST_FIRST = (Exit.BAD_INPUT, Exit.INTEGRITY, Exit.FAILED, Exit.REFUTED, Exit.INCONCLUSIVE, Exit.UNTESTED)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("claims", nargs="*", metavar="CLAIM-ID", help="ids as `kb list` shows them")
    parser.add_argument("--all", action="store_true", help="all claims that have something to run or compare")
    parser.add_argument("--topic", help="all such claims of a topic")
    parser.add_argument("--kind", help="all such claims of a kind")
    parser.add_argument(
        "--budget",
        choices=[*Budget],
        default=Budget.NORMAL.value,
        help="smoke (never decides), quick 3 min (90 s off a claim's scope), normal 10 min, deep 60 min a "
        "claim; default normal",
    )
    parser.add_argument(
        "--seconds",
        type=seconds,
        metavar="N",
        help=f"wall time a claim instead of the budget's own, at least {LEAST_SECONDS}; not with smoke",
    )
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="where the arms run; default cpu")
    parser.add_argument("--threads", type=positive, help="threads for every framework; default all cores")
    parser.add_argument(
        "--seed", type=int, help="seed of weights, data and order; default drawn and recorded"
    )
    parser.add_argument(
        "--versions",
        metavar="REQUIREMENTS",
        help="run with other releases, in an environment of their own: torch==2.1.2,tensorflow==2.15.1",
    )
    parser.add_argument("--as-of", metavar="YEAR", help="run with the releases of the end of a year")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave out what this machine has an outcome of: same record, verifier, environment, budget and "
        "seconds; its verdict counts for the exit status",
    )
    parser.add_argument("--publish", action="store_true", help="also copy the outcomes to data/evidence/")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line: events, then the outcome"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")


def run(options: argparse.Namespace) -> int:
    """Verify the chosen claims one after the other and return the most telling status."""
    from kb.errors import KbError, RecordFaults  # noqa: PLC0415 - `verify --help` starts without all this
    from kb.library import load_library  # noqa: PLC0415
    from kb.root import find_root  # noqa: PLC0415

    if options.seconds is not None and options.budget == Budget.SMOKE:
        message = "--seconds: a smoke run is one block, however long it takes; choose another --budget"
        raise KbError(message)
    library = load_library(find_root())
    chosen = _chosen(options, library)
    if faults := [
        fault
        for fault in library.faults
        if fault.path.startswith("claims/") and Path(fault.path).stem in chosen
    ]:
        raise RecordFaults(faults)
    records = [library.record(claim) for claim in chosen]
    statuses: list[Exit] = []
    probed: dict[Path, Any] = {}
    for record in records:
        if options.resume and (done := _done(library, record, options)):
            statuses.append(status_of(done))
            continue
        status = _verify(library, record, options, probed)
        statuses.append(status)
        if status is Exit.INTERRUPTED:
            return int(status)
    return int(next((status for status in WORST_FIRST if status in statuses), Exit.SUPPORTED))


def _chosen(options: argparse.Namespace, library: Any) -> list[str]:
    from kb.errors import KbError, RecordFaults  # noqa: PLC0415
    from kb.words import Kind, Topic  # noqa: PLC0415

    for name, words in (("topic", Topic), ("kind", Kind)):
        value = getattr(options, name)
        if value is not None and value not in [*words]:
            message = f"--{name}: found {value!r}, expected one of {', '.join(words)}"
            raise KbError(message)
    if not (options.all or options.topic or options.kind):
        if not options.claims:
            message = "name a claim, or --all, --topic or --kind; `kb list` shows the claims"
            raise KbError(message)
        return list(options.claims)
    if library.faults:
        raise RecordFaults(library.faults)
    return list(options.claims) + [
        record.id
        for record in library.records.values()
        if options.topic in (None, record.topic)
        and options.kind in (None, record.claim.kind)
        and (record.claim.untested is None or record.claim.logic)
        and record.id not in options.claims
    ]


def _verify(library: Any, record: Any, options: argparse.Namespace, probed: dict[Path, Any]) -> Exit:
    from kb import files, screen, verification  # noqa: PLC0415
    from kb.claim import as_plain  # noqa: PLC0415
    from kb.progress import Progress  # noqa: PLC0415

    progress = Progress(record.id, sys.stderr, quiet=options.quiet)
    report = _streamed(record.id) if options.json else progress
    try:
        given = _options(library.root, options, report, probed)
        outcome = verification.verify(library, record, given)
    finally:
        progress.end()
    stored = outcome.as_json()
    path = files.store(library.root, stored)
    _index(library.root, path)
    if options.publish:
        files.publish(library.root, outcome.run)
    if options.json:
        _line({"event": "outcome", **outcome.line()})
    else:
        sys.stdout.write(screen.outcome(stored, as_plain(record.claim)) + "\n\n")
        sys.stdout.flush()
    if outcome.failure:
        sys.stderr.write(f"{screen.plain(outcome.failure)}\n{_log(outcome.log)}")
    return status_of(stored)


def _options(
    root: Path, options: argparse.Namespace, report: Callable[[Any], None], probed: dict[Path, Any]
) -> Any:
    from kb.environment import default_threads  # noqa: PLC0415
    from kb.verification import Options  # noqa: PLC0415

    return Options(
        budget=Budget(options.budget),
        device=options.device,
        threads=options.threads or default_threads(),
        seed=options.seed,
        seconds=options.seconds,
        versions=_versions(root, options),
        as_of=options.as_of,
        report=report,
        probed=probed,
    )


def _done(library: Any, record: Any, options: argparse.Namespace) -> dict[str, Any] | None:
    """Return this machine's last outcome of the claim that a new run would only repeat, if there is one."""
    from kb.errors import KbError  # noqa: PLC0415
    from kb.files import RUNS, read_outcome  # noqa: PLC0415
    from kb.verification import identity, is_of  # noqa: PLC0415

    wanted = identity(library, record, _options(library.root, options, lambda event: None, {}))
    if wanted is None:
        return None
    for path in sorted((library.root / RUNS / record.id).glob("*.json"), reverse=True):
        try:
            found = read_outcome(path)
        except KbError:
            continue
        if not found["interrupted"] and not found["failure"] and is_of(wanted, found):
            return found
    return None


def _versions(root: Path, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the releases that were asked for by name or by year, as requirements."""
    from kb.releases import of_year  # noqa: PLC0415

    named = tuple(each.strip() for each in (options.versions or "").split(",") if each.strip())
    return (*of_year(root, options.as_of), *named) if options.as_of else named


def _streamed(claim: str) -> Callable[[Mapping[str, Any]], None]:
    """Return what writes a claim's events to standard output; a reader that has gone interrupts the run."""

    def report(event: Mapping[str, Any]) -> None:
        try:
            _line({"event": event["event"], "claim": claim, **event})
        except BrokenPipeError:  # as at an interrupt, what was measured is stored
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise KeyboardInterrupt from None

    return report


def _line(found: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(_finite(found), allow_nan=False) + "\n")
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    """Return JSON data with null for every number that JSON cannot write."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _index(root: Any, path: Any) -> None:
    """Add the outcome to the store; if that fails the file still holds it, and the user is told."""
    from kb.database import add  # noqa: PLC0415
    from kb.errors import StoreFault  # noqa: PLC0415

    try:
        add(root, path)
    except StoreFault as fault:
        sys.stderr.write(f"{fault}\nThe outcome is safe in {path}; `kb rebuild` takes it into the store.\n")


def _log(text: str) -> str:
    lines: Iterable[str] = text.strip().splitlines()[-12:]
    return "".join(f"  | {line}\n" for line in lines)


def status_of(outcome: dict[str, Any]) -> Exit:
    """Return the exit status that an outcome stands for."""
    if outcome["interrupted"]:
        return Exit.INTERRUPTED
    if outcome["failure"]:
        return Exit.FAILED
    return BY_VERDICT[Verdict(outcome["verdict"])]
