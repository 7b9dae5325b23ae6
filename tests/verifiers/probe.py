"""Run a probing verifier in this process and print its finding as JSON: probe.py VERIFIER [--before CODE]."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def observe(name: str, before: str = "", environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the finding of verifiers/<name>.py from a fresh process.

    Parameters
    ----------
    name : str
        The verifier's name.
    before : str
        Python code that runs first in that process, to plant a fault.
    environment : mapping
        Variables added to the process's environment.

    Raises
    ------
    RuntimeError
        With the process's standard error, where the verifier raised.
    """
    verifier = ROOT / "verifiers" / f"{name}.py"
    child = subprocess.run(
        [sys.executable, __file__, str(verifier), "--before", before],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        raise RuntimeError(child.stderr)
    # The last line alone: a framework may greet on standard output before it.
    finding: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return finding


def main(arguments: list[str] | None = None) -> None:
    """Import the verifier, call its one probe, and check that it kept to the fields it declares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verifier", type=Path)
    parser.add_argument("--before", default="")
    options = parser.parse_args(arguments)
    sys.path[:0] = [str(ROOT), str(options.verifier.parent)]
    from kb.verifier import declared

    exec(compile(options.before, "<before>", "exec"), {})
    spec = importlib.util.spec_from_file_location(options.verifier.stem, options.verifier)
    if spec is None or spec.loader is None:
        message = f"{options.verifier}: not a Python file"
        raise SystemExit(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    probe = declared(module)
    finding = probe()
    fields = vars(probe)["declaration"].fields
    if sorted(finding) != sorted(fields):
        message = f"declared fields {sorted(fields)}, returned {sorted(finding)}"
        raise SystemExit(message)
    print(json.dumps(finding, allow_nan=False))


if __name__ == "__main__":
    main()
