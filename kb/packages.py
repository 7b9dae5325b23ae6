"""What a verifier needs, from its inline script metadata (PEP 723), and what of it is missing here."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kb.errors import KbError, VerifierFault

BLOCK = re.compile(r"(?m)^# /// script\s*$\n(?P<body>(^#(| .*)$\n)+)^# ///$")
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "jaxlib", "numpy")


def requirements(verifier: Path) -> list[Requirement]:
    """Return the requirements that a verifier's PEP 723 block names.

    Raises
    ------
    VerifierFault
        Where there is no block, or it cannot be read.
    """
    try:
        return [Requirement(text) for text in _block(verifier).get("dependencies", [])]
    except (InvalidRequirement, TypeError) as error:
        message = f"{verifier.name}: its `# /// script` block cannot be read: {error}"
        raise VerifierFault(message) from None


def environments(verifier: Path) -> dict[str, list[str]]:
    """Return the requirements of further environments whose programs a verifier starts, by their names.

    They stand in its block as `[tool.kb.environments]`; the verifier finds the interpreter of one called
    `torchserve` in the variable `KB_PYTHON_TORCHSERVE`.

    Raises
    ------
    VerifierFault
        Where the block cannot be read.
    """
    found: dict[str, list[str]] = _block(verifier).get("tool", {}).get("kb", {}).get("environments", {})
    return found


def _block(verifier: Path) -> dict[str, Any]:
    found = BLOCK.search(verifier.read_text(encoding="utf-8"))
    if found is None:
        message = f"{verifier.name} has no `# /// script` block that says what it needs (PEP 723)"
        raise VerifierFault(message)
    body = "\n".join(line.removeprefix("#").removeprefix(" ") for line in found["body"].splitlines())
    try:
        return tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        message = f"{verifier.name}: its `# /// script` block cannot be read: {error}"
        raise VerifierFault(message) from None


def overridden(needed: Iterable[Requirement], versions: Iterable[str]) -> list[str]:
    """Return requirements with some replaced, or added, by others of the same name.

    Raises
    ------
    KbError
        Where a version is no requirement, such as `torch==2.1.2`.
    """
    found = {canonicalize_name(each.name): str(each) for each in needed}
    for text in versions:
        try:
            found[canonicalize_name(Requirement(text).name)] = text
        except InvalidRequirement:
            message = f"--versions: found {text!r}, expected a requirement such as torch==2.1.2"
            raise KbError(message) from None
    return sorted(found.values())


def missing(verifier: Path) -> str | None:
    """Say what a verifier needs that is not installed here, and how to get it; None if nothing."""
    lacking = [str(needed) for needed in requirements(verifier) if not _satisfied(needed)]
    if not lacking:
        return None
    return f"needs {', '.join(lacking)}; install with: pip install {' '.join(repr(name) for name in lacking)}"


def _satisfied(needed: Requirement) -> bool:
    found = version(needed.name)
    return found is not None and needed.specifier.contains(found, prereleases=True)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def version(name: str) -> str | None:
    """Return the installed version of a distribution, or of the one that provides the module of that name.

    TensorFlow, for one, is also installed by distributions of other names (`tensorflow-cpu`).
    """
    for distribution in (name, *_distributions().get(name, [])):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def versions() -> dict[str, str]:
    """Return the versions of the frameworks that are installed here."""
    return {name: found for name in FRAMEWORKS if (found := version(name)) is not None}
