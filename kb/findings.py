"""The verdict rule of capability claims: a pure function of a finding and the record's expectations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kb.claim import Expectation
from kb.words import Reason, Verdict


@dataclass(frozen=True)
class Held:
    """One expectation held against a finding."""

    field: str
    expected: str
    found: Any
    holds: bool


@dataclass(frozen=True)
class FindingJudgement:
    """What a finding came to."""

    verdict: Verdict
    reason: Reason
    because: str
    expectations: list[Held]


def judge_finding(expectations: Sequence[Expectation], finding: Mapping[str, Any]) -> FindingJudgement:
    """Judge a finding: supported if every expectation holds, refuted if one does not.

    A field that is None settles nothing where the finding says in `missing` why there is no value; what
    expectations of other fields refute stays refuted.

    Parameters
    ----------
    expectations : sequence of Expectation
        From the claim's record; at least one.
    finding : mapping
        Named fields as the verifier observed them.

    Raises
    ------
    KeyError
        Where an expectation names a field that the finding lacks.
    """
    held = [_hold(expectation, finding[expectation.field]) for expectation in expectations]
    missing = finding.get("missing")
    failed = [each for each in held if not each.holds and not (missing and each.found is None)]
    if not failed and not all(each.holds for each in held):
        return FindingJudgement(Verdict.INCONCLUSIVE, Reason.UNDECIDED, str(missing), held)
    if failed:
        because = "; ".join(
            f"{each.field} is {_short(each.found)}, expected {each.expected}" for each in failed
        )
        return FindingJudgement(Verdict.REFUTED, Reason.FINDING, because, held)
    because = "; ".join(f"{each.field} is {_short(each.found)}" for each in held)
    return FindingJudgement(Verdict.SUPPORTED, Reason.FINDING, because, held)


def _hold(expectation: Expectation, found: Any) -> Held:
    if expectation.at_least is not None:
        holds = _is_number(found) and found >= expectation.at_least
        expected = f"at least {expectation.at_least:g}"
    elif expectation.at_most is not None:
        holds = _is_number(found) and found <= expectation.at_most
        expected = f"at most {expectation.at_most:g}"
    elif expectation.contains is not None:
        wanted = expectation.contains
        searchable = isinstance(found, list | dict) or (isinstance(found, str) and isinstance(wanted, str))
        holds = searchable and wanted in found
        expected = f"to contain {expectation.contains!r}"
    else:
        holds = type(found) is type(expectation.equals) and found == expectation.equals
        expected = _short(expectation.equals)
    return Held(expectation.field, expected, found, bool(holds))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
