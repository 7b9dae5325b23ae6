"""What a verifier's workers run on: kb's own Python, or one with the releases that were asked for."""

from collections.abc import Callable, Sequence
from pathlib import Path

from kb.isolated import Unresolvable, found, isolated
from kb.packages import environments, overridden, requirements
from kb.processes import OWN, Program
from kb.verifier import PYTHON, REFUSED, Unavailable

KB_LIES_IN = Path(__file__).resolve().parent.parent
RELEASES = "KB_RELEASES"


def program(
    verifier: Path, versions: Sequence[str], tell: Callable[[str], None]
) -> tuple[Program, list[str] | None]:
    """Return what workers run on, and what is installed for them where that is not what kb itself has.

    Parameters
    ----------
    verifier : Path
        The script, whose block may also name environments of programs that it starts.
    versions : sequence of str
        Requirements such as `torch==2.1.2`; none for what is installed.
    tell : callable
        Told what is being installed.

    Raises
    ------
    Unavailable
        Where an environment cannot be made. That packages of a further environment do not install together
        is told to the verifier, whose finding it may be.
    """
    if not verifier.is_file():
        return OWN, None
    variables = dict(_variable(name.upper(), needs, tell) for name, needs in environments(verifier).items())
    if not versions:
        return Program(variables=variables), None
    made = isolated(overridden(requirements(verifier), versions), tell)
    return Program(made.path, variables | _apart(versions)), made.installed


def _variable(name: str, needs: Sequence[str], tell: Callable[[str], None]) -> tuple[str, str]:
    try:
        return PYTHON + name, str(isolated(needs, tell).path)
    except Unresolvable as refusal:
        return REFUSED + name, str(refusal)


def installed(verifier: Path, versions: Sequence[str]) -> list[str] | None:
    """Return what is installed for workers with these releases; None where no environment has been made."""
    made = found(overridden(requirements(verifier), versions)) if verifier.is_file() else None
    return made.installed if made else None


def _apart(versions: Sequence[str]) -> dict[str, str]:
    """Return the variables with which workers see kb, and of packages those of their environment alone.

    Raises
    ------
    Unavailable
        Where kb is not in a folder of its own; today's packages beside it would hide the releases.
    """
    if KB_LIES_IN.name in ("site-packages", "dist-packages"):
        message = f"other releases need kb in a folder of its own (pip install -e); it is in {KB_LIES_IN}"
        raise Unavailable(message)
    return {"PYTHONPATH": str(KB_LIES_IN), RELEASES: ", ".join(versions)}
