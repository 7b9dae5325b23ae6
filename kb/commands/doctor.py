"""`kb doctor`: what is here, which claims can be verified, and what the others lack."""

import argparse
import json
import shutil
import sys
from typing import Any

from kb import screen
from kb.environment import default_threads, devices, hardware_class, observe
from kb.library import Library, Record, load_library
from kb.packages import FRAMEWORKS, missing
from kb.root import find_root
from kb.words import Hardware, Kind


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="one object: environment, frameworks, claims")


def run(options: argparse.Namespace) -> int:
    """Print what is here and what it allows."""
    library = load_library(find_root())
    environment = observe()
    claims = {record.id: _lacks(library, record) for record in library.records.values()}
    packages = environment.key["packages"]
    if options.json:
        data = {
            "environment": environment.fingerprint,
            "key": environment.key,
            "devices": devices(),
            "frameworks": {name: packages.get(name) for name in FRAMEWORKS},
            "compiler": shutil.which("g++"),
            "claims": [
                {"id": name, "verifiable": lacks is None, "lacks": lacks} for name, lacks in claims.items()
            ],
        }
        sys.stdout.write(json.dumps(data, indent=1) + "\n")
        return 0
    host = environment.key["host"]
    sys.stdout.write("\n".join(_here(environment.fingerprint, host, packages)) + "\n\n")
    able = [name for name, lacks in claims.items() if lacks is None]
    sys.stdout.write(f"{len(able)} of {len(claims)} claims can be verified here:\n")
    sys.stdout.write("\n".join(f"  {name}" for name in able) + "\n\nThe others lack:\n")
    rows = [(name, lacks) for name, lacks in claims.items() if lacks is not None]
    sys.stdout.write(screen.table(rows, (44, 54)) + "\n")
    return 0


def _here(fingerprint: str, host: dict[str, Any], packages: dict[str, str]) -> list[str]:
    compiler = shutil.which("g++") or "none; torch.compile needs one: apt-get install g++"
    frameworks = [f"{name} {packages.get(name, 'not installed')}" for name in FRAMEWORKS]
    return [
        screen.paragraph("environment", fingerprint),
        screen.paragraph(
            "processor", f"{host['cpu']}, {host['logical_cores']} cores, {host['memory_gib']} GiB"
        ),
        screen.paragraph("instructions", " ".join(host["isa"])),
        screen.paragraph("devices", ", ".join(devices())),
        screen.paragraph("threads", default_threads()),
        screen.paragraph("frameworks", ", ".join(frameworks)),
        screen.paragraph("compiler", compiler),
    ]


def _lacks(library: Library, record: Record) -> str | None:
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
    here = {hardware_class(device) for device in devices()}
    if claim.scope and not {Hardware.ANY, *here} & set(claim.scope.hardware):
        return f"hardware: {' or '.join(claim.scope.hardware)}; a run here is only indicative"
    return None
