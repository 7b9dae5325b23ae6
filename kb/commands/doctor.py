"""`kb doctor`: what is here, which claims can be verified, and what the others lack."""

import argparse
import json
import shutil
import sys
from typing import Any

from kb import screen
from kb.devices import absent, devices, hardware_class
from kb.environment import Environment, default_threads, observe
from kb.isolated import cache, kept
from kb.library import Library, Record, load_library
from kb.packages import FRAMEWORKS, missing
from kb.root import find_root
from kb.words import Hardware, Kind

MEGABYTE = 1e6
LONG = ("distributions", "other_variables")  # of the context; --json has them


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="one object: environment, devices, claims")


def run(options: argparse.Namespace) -> int:
    """Print what is here and what it allows."""
    library = load_library(find_root())
    environment, here = observe(), devices()
    claims = {record.id: _lacks(library, record, here) for record in library.records.values()}
    if options.json:
        sys.stdout.write(json.dumps(_as_json(environment, here, claims), indent=1) + "\n")
        return 0
    sys.stdout.write("\n".join(_here(environment, here)) + "\n\n")
    able = [name for name, lacks in claims.items() if lacks is None]
    sys.stdout.write(f"{len(able)} of {len(claims)} claims can be verified here:\n")
    sys.stdout.write("\n".join(f"  {name}" for name in able) + "\n\nThe others lack:\n")
    rows = [(name, lacks) for name, lacks in claims.items() if lacks is not None]
    sys.stdout.write(screen.table(rows, (44, 54)) + "\n")
    return 0


def _as_json(environment: Environment, here: list[str], claims: dict[str, str | None]) -> dict[str, Any]:
    return {
        "environment": environment.fingerprint,
        "unread": environment.unread,
        "key": environment.key,
        "context": environment.context,
        "devices": here,
        "absent": absent(here),
        "accelerators": environment.key["accelerators"],
        "frameworks": {name: environment.key["packages"].get(name) for name in FRAMEWORKS},
        "compiler": shutil.which("g++"),
        "environments": [{"requirements": wanted, "bytes": size} for wanted, size in kept()],
        "claims": [
            {"id": name, "verifiable": lacks is None, "lacks": lacks} for name, lacks in claims.items()
        ],
    }


def _here(environment: Environment, here: list[str]) -> list[str]:
    """Return the key group by group, then what was so just now, then the devices."""
    unread = ", ".join(environment.unread)
    note = f"; equals no other, for these could not be read: {unread}" if unread else ""
    groups = {name: group for name, group in environment.key.items() if name != "equal_to_no_other"}
    groups["packages"] = {name: groups["packages"].get(name, "not installed") for name in FRAMEWORKS}
    context = {name: value for name, value in environment.context.items() if name not in LONG}
    lines = [screen.paragraph("environment", environment.fingerprint + note)]
    lines += [screen.paragraph(name, _said(group)) for name, group in groups.items()]
    if environment.key["build"]["compiler"] == "none":
        lines.append(screen.paragraph("", "torch.compile needs a C++ compiler: apt-get install g++"))
    lines.append(screen.paragraph("just now", _said(context)))
    lines.append(screen.paragraph("devices", f"{', '.join(here)}; {default_threads()} threads by default"))
    lines += [screen.paragraph(f"no {name}", why) for name, why in absent(here).items()]
    if environments := kept():
        size = sum(size for _, size in environments) / MEGABYTE
        said = f"{len(environments)} environments of verifiers, {size:,.0f} MB in {cache()}"
        lines.append(screen.paragraph("kept", f"{said}; `kb clean` frees them"))
    return lines


def _said(value: Any) -> str:
    """Return JSON data as a person reads it."""
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_said(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        return (" / " if value and isinstance(value[0], dict) else " ").join(map(_said, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _lacks(library: Library, record: Record, here: list[str]) -> str | None:
    """Say what keeps a claim from being verified within its scope here; None if nothing does."""
    claim = record.claim
    if claim.untested is not None and not claim.logic:
        return f"{claim.untested.reason}: {claim.untested.because}"
    if claim.kind in (Kind.DOCUMENTED, Kind.LOGICAL):
        return None
    if claim.untested is not None:
        return f"{claim.untested.reason}: {claim.untested.because}"
    if (lacks := missing(library.verifier_path(claim.verifier or ""))) is not None:
        return lacks
    classes = {hardware_class(device) for device in here}
    if claim.scope and not {Hardware.ANY, *classes} & set(claim.scope.hardware):
        return f"hardware: {' or '.join(claim.scope.hardware)}; a run here is only indicative"
    return None
