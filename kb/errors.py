"""The errors that a user may see.

KbError                 anything that stops a command with a message instead of a traceback
├── RecordFaults        records that cannot be used; carries every fault found
├── UnknownClaim        a claim id that no record bears; suggests the nearest
├── VerifierFault       a verifier crashed, hung, or answered rubbish; carries the end of its log
└── StoreFault          the store cannot be read or written
"""

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from kb.words import Exit


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with one place of one file.

    Attributes
    ----------
    path : str
        The file, relative to the root of the knowledge base.
    line : int
        1-based line.
    field : str
        Dotted path of the field, empty for the file itself.
    rule : str
        Permanent id of the rule that was broken.
    message : str
        What was found, what is expected, what to do.
    """

    path: str
    line: int
    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        """Return the fault as `path:line: field: message [rule]`."""
        where = f"{self.field}: " if self.field else ""
        return f"{self.path}:{self.line}: {where}{self.message} [{self.rule}]"

    def as_json(self) -> dict[str, Any]:
        """Return the fault as the public JSON object of `kb lint --json`."""
        return asdict(self)


class KbError(Exception):
    """Stop a command with a message and an exit status, without a traceback."""

    status = Exit.BAD_INPUT


class RecordFaults(KbError):
    """Records that cannot be used.

    Parameters
    ----------
    faults : list of Fault
        Every fault of the pass, not only the first.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in sorted(faults)))
        self.faults = sorted(faults)


class UnknownClaim(KbError):
    """A claim id that no record bears.

    Parameters
    ----------
    claim : str
        The id that was asked for.
    known : list of str
        The ids that exist; the nearest are suggested.
    """

    def __init__(self, claim: str, known: list[str]) -> None:
        near = get_close_matches(claim, known, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "`kb list` shows all ids"
        super().__init__(f"no claim has the id {claim!r}; {hint}")


class VerifierFault(KbError):
    """A verifier crashed, hung, was killed or answered rubbish.

    Parameters
    ----------
    message : str
        What happened, and what to do.
    log : str
        The end of what the verifier wrote.
    """

    status = Exit.FAILED

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class StoreFault(KbError):
    """The store cannot be read or written."""

    status = Exit.FAILED


class OldOutcome(StoreFault):
    """An outcome file of a format that this kb does not read; listings and the store leave it out."""
