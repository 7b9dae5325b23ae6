"""From outcomes to what a claim's page says at its head: per environment, per hardware class, over all.

Pure. An outcome counts only if it was judged under the record's present meaning, and an undecided outcome
never overwrites a decided one (design.md section 3, rules 4 and 5).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kb.words import Hardware, Reason, Summary, Verdict


@dataclass(frozen=True)
class Entry:
    """What the summary needs of an outcome; `dated` where it ran other releases than those installed."""

    run: str
    verdict: Verdict
    reason: Reason
    hardware: Hardware
    environment: str
    record_sha256: str
    because: str = ""
    dated: bool = False


@dataclass(frozen=True)
class Standing:
    """How a claim stands.

    Attributes
    ----------
    summary : Summary
        Over all hardware classes.
    by_hardware : dict
        Summary per class that has outcomes.
    by_environment : dict
        The entry that speaks for each environment.
    spokesman : Entry or None
        The entry whose reason stands for the claim; None if there is none.
    """

    summary: Summary
    by_hardware: dict[Hardware, Summary]
    by_environment: dict[str, Entry]
    spokesman: Entry | None


def standing(entries: Iterable[Entry], record_sha256: str) -> Standing:
    """Sum up the outcomes of one claim.

    Parameters
    ----------
    entries : iterable of Entry
        All outcomes of the claim; run ids sort by time. Those with other releases do not count.
    record_sha256 : str
        Hash of the record's present meaning; outcomes under another meaning do not count.
    """
    today = (e for e in entries if e.record_sha256 == record_sha256 and not e.dated)
    counted = sorted(today, key=lambda e: e.run)
    speakers: dict[tuple[Hardware, str], Entry] = {}
    for entry in counted:
        key = (entry.hardware, entry.environment)
        present = speakers.get(key)
        if present is None or _weight(entry) >= _weight(present):
            speakers[key] = entry
    classes: dict[Hardware, list[Entry]] = defaultdict(list)
    for (hardware, _), entry in speakers.items():
        classes[hardware].append(entry)
    by_hardware = {hardware: summarise(_word(e) for e in found) for hardware, found in classes.items()}
    summary = summarise(by_hardware.values())
    return Standing(
        summary, by_hardware, {key[1]: e for key, e in speakers.items()}, _spokesman(speakers.values())
    )


def _weight(entry: Entry) -> int:
    """Decided outweighs inconclusive outweighs untested; among equals the later speaks."""
    return (
        [Summary.UNTESTED, Summary.INCONCLUSIVE].index(word)
        if (word := _word(entry)) in (Summary.UNTESTED, Summary.INCONCLUSIVE)
        else 2
    )


def _word(entry: Entry) -> Summary:
    """Return an outcome's verdict as a summary word; a smoke run was no try."""
    return Summary.UNTESTED if entry.reason is Reason.SMOKE else Summary(entry.verdict.value)


def summarise(words: Iterable[Summary]) -> Summary:
    """Combine summaries: disagreement is mixed, one decision decides, inconclusive outweighs untested."""
    found = set(words)
    if Summary.MIXED in found or {Summary.SUPPORTED, Summary.REFUTED} <= found:
        return Summary.MIXED
    order = (Summary.SUPPORTED, Summary.REFUTED, Summary.INCONCLUSIVE)
    return next((word for word in order if word in found), Summary.UNTESTED)


def _spokesman(entries: Iterable[Entry]) -> Entry | None:
    return max(entries, key=lambda entry: (_weight(entry), entry.run), default=None)
