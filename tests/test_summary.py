"""From outcomes to how a claim stands; and the SQL views say the same."""

import tempfile
from pathlib import Path

import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import MEASURED, noisy

from kb.catalogue import entry_of
from kb.database import add, path_of, query, rebuild
from kb.outcome import frozen_record
from kb.summary import Entry, standing, summarise
from kb.words import Hardware, Reason, Summary, Verdict

PRESENT, FORMER = "present", "former"
DECIDED = {"supported", "refuted"}


@st.composite
def entry_lists(draw):
    """Return entries with run ids of their own, in any order."""
    count = draw(st.integers(0, 8))
    entries = [
        Entry(
            run=f"r{number:02}",
            verdict=draw(st.sampled_from(Verdict)),
            reason=draw(st.sampled_from([Reason.PRECISION, Reason.SMOKE, Reason.INSIDE_REGION])),
            hardware=draw(st.sampled_from([Hardware.CPU, Hardware.GPU])),
            environment=draw(st.sampled_from(["e0", "e1"])),
            record_sha256=draw(st.sampled_from([PRESENT, PRESENT, FORMER])),
        )
        for number in range(count)
    ]
    return draw(st.permutations(entries))


def word(entry: Entry) -> str:
    return "untested" if entry.reason is Reason.SMOKE else entry.verdict.value


@given(entry_lists())
def test_what_is_undecided_never_overwrites_what_is_decided(entries):
    before = standing(entries, PRESENT)
    for hardware in Hardware:
        for verdict in (Verdict.INCONCLUSIVE, Verdict.UNTESTED):
            for environment in ("e0", "e1"):
                later = Entry("r99", verdict, Reason.PRECISION, hardware, environment, PRESENT)
                after = standing([*entries, later], PRESENT)
                if before.summary in (Summary.SUPPORTED, Summary.REFUTED, Summary.MIXED):
                    assert after.summary == before.summary


@given(entry_lists())
def test_a_claim_is_mixed_exactly_if_environments_decided_both_ways(entries):
    latest: dict[tuple, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.run):
        if entry.record_sha256 == PRESENT and word(entry) in DECIDED:
            latest[entry.hardware, entry.environment] = entry
    words = {word(entry) for entry in latest.values()}
    found = standing(entries, PRESENT)
    assert (found.summary is Summary.MIXED) == (words == DECIDED)
    if len(words) == 1:
        assert found.summary.value == words.pop()
    for hardware, summary in found.by_hardware.items():
        own = {word(entry) for (where, _), entry in latest.items() if where is hardware}
        assert (summary is Summary.MIXED) == (own == DECIDED)


@given(entry_lists(), st.randoms(use_true_random=False))
def test_the_order_in_which_outcomes_are_listed_does_not_matter(entries, random):
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert standing(shuffled, PRESENT) == standing(entries, PRESENT)


@given(entry_lists())
def test_outcomes_under_another_meaning_of_the_record_never_count(entries):
    assert standing(entries, PRESENT) == standing([e for e in entries if e.record_sha256 == PRESENT], PRESENT)
    nothing = standing(entries, "yet another")
    assert (nothing.summary, nothing.by_hardware, nothing.spokesman) == (Summary.UNTESTED, {}, None)


@given(entry_lists())
def test_outcomes_with_other_releases_never_count(entries):
    dated = Entry("r99", Verdict.REFUTED, Reason.OUTSIDE_REGION, Hardware.CPU, "e2", PRESENT, dated=True)
    assert standing([*entries, dated], PRESENT) == standing(entries, PRESENT)


@given(entry_lists())
def test_the_later_of_two_decisions_speaks_for_its_environment(entries):
    later = Entry("r99", Verdict.REFUTED, Reason.OUTSIDE_REGION, Hardware.CPU, "e0", PRESENT)
    found = standing([later, *entries], PRESENT)
    assert found.by_hardware[Hardware.CPU] in (Summary.REFUTED, Summary.MIXED)
    assert found.spokesman == later


@given(entry_lists())
def test_a_smoke_run_was_no_try(entries):
    smoke = Entry("r99", Verdict.INCONCLUSIVE, Reason.SMOKE, Hardware.CPU, "e0", PRESENT)
    assert standing([*entries, smoke], PRESENT).summary == standing(entries, PRESENT).summary


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "untested"),
        (("untested", "inconclusive"), "inconclusive"),
        (("untested", "refuted", "inconclusive"), "refuted"),
        (("supported", "refuted"), "mixed"),
        (("supported", "mixed"), "mixed"),
    ],
)
def test_words_are_combined(words, expected):
    assert summarise([Summary(word) for word in words]).value == expected


# ---------------------------------------------------------------------------------------- the same, in SQL

KINDS = {
    "supported": {"effects": noisy(2.0, 8)},
    "refuted": {"effects": noisy(1.0, 8)},
    "inconclusive": {"effects": noisy(2.0, 3)},
    "smoke": {"effects": noisy(2.0, 1), "budget": "smoke"},
    "untested": {"lacking": {"reason": "no-software", "because": "needs jax"}},
    "dated": {"effects": noisy(1.0, 8), "releases": ["torch==2.1.2"], "as_of": "2023"},
    "off-scope": {"effects": noisy(2.0, 8), "hardware": "gpu"},
}
STORED = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)),
        st.sampled_from(["e0", "e1"]),
        st.booleans(),
        st.sampled_from(["data/runs", "data/evidence"]),
    ),
    min_size=1,
    max_size=6,
)


def stored(root: Path, given_outcomes) -> tuple[list[Entry], str, list[Path]]:
    """Write outcomes of one claim; return them as entries, the present hash, and their files."""
    present = tiny.claim_of(root, MEASURED)
    former = present.model_copy(update={"statement": "It was worded otherwise."})
    entries, paths = [], []
    for number, (kind, environment, is_present, folder) in enumerate(given_outcomes):
        claim = present if is_present else former
        found = tiny.outcome(claim, MEASURED, f"r{number}", environment=environment, **KINDS[kind])
        paths.append(tiny.write(root, found, folder))
        entries.append(entry_of(found))
    return entries, frozen_record(present)[1], paths


def views(root: Path) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    verdicts = query(root, "SELECT hardware, environment, run FROM verdict").rows()
    summaries = query(root, "SELECT hardware, summary FROM summary").rows()
    return {(hardware, environment): run for hardware, environment, run in verdicts}, dict(summaries)


def expected(entries, sha256) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    found = standing(entries, sha256)
    speakers = {}
    for hardware in Hardware:
        own = standing([entry for entry in entries if entry.hardware is hardware], sha256)
        speakers |= {(hardware.value, e): entry.run for e, entry in own.by_environment.items()}
    return speakers, {hardware.value: word.value for hardware, word in found.by_hardware.items()}


@given(STORED)
@settings(max_examples=8)
def test_the_views_of_the_store_say_the_same_as_the_files(given_outcomes):
    with tempfile.TemporaryDirectory() as folder:
        root = tiny.make_root(Path(folder))
        entries, sha256, _ = stored(root, given_outcomes)
        rebuild(root, {MEASURED: sha256})
        assert views(root) == expected(entries, sha256)


def test_a_store_made_by_adding_says_the_same_as_the_files(root):
    """The local outcome is older and was made under a former meaning; the published one counts."""
    outcomes = [("refuted", "e0", False, "data/runs"), ("supported", "e0", True, "data/evidence")]
    entries, sha256, paths = stored(root, outcomes)
    add(root, paths[1])
    assert views(root) == expected(entries, sha256)
    path_of(root).unlink()
    add(root, paths[0])
    assert views(root) == expected(entries, sha256)
