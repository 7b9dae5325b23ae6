"""The one loader: strict models, and every fault of every file in one pass."""

from pathlib import Path

import pytest
import tiny

from kb.errors import RecordFaults, UnknownClaim
from kb.library import load_library

SOUND = tiny.RECORDS[f"claims/programming/{tiny.CAPABILITY}.yaml"]
PLACE = "claims/programming/changed.yaml"


def faults_of(root: Path, text: str, place: str = PLACE) -> list[tuple[int, str, str]]:
    """Return line, field and rule of every fault of a record with this text."""
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    library = load_library(root)
    assert {fault.path for fault in library.faults} <= {place}
    return [(fault.line, fault.field, fault.rule) for fault in library.faults]


def test_a_sound_knowledge_base_has_no_fault(root):
    library = load_library(root)
    assert library.faults == []
    assert list(library.records) == sorted([tiny.MEASURED, tiny.CAPABILITY, tiny.DOCUMENTED])
    assert list(library.sources) == ["tiny-article", "tiny-census"]
    assert library.record(tiny.CAPABILITY).topic == "programming"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: Python adds one and one\n", "", (1, "title", "missing-key")),
        ("favours: neither", "favour: neither", (4, "favour", "unknown-key")),
        ("favours: neither", "favours: [neither]", (4, "favours", "type")),
        ("favours: neither", "favours: caffe", (4, "favours", "value")),
        ("kind: capability", "kind: rumour", (2, "kind", "value")),
        ("kind: capability", "kind: Capability", (2, "kind", "value")),
        ("title: Python adds one and one", "title: tiny", (1, "title", "value")),
        ("as_of: 2025", "as_of: 2025.5", (7, "as_of", "type")),
        ("as_of: 2025", "as_of: true", (7, "as_of", "type")),
        ("as_of: 2025", "as_of:", (7, "as_of", "type")),
        ("quote: one and one}", "quote: one and one, page: 3}", (6, "stated_in.0.page", "unknown-key")),
        ("quote: one and one}", "quote: 11}", (6, "stated_in.0.quote", "type")),
        ("quote: one and one}", "quote: ''}", (6, "stated_in.0.quote", "value")),
        ("source: tiny-article", "source: Tiny Article", (6, "stated_in.0.source", "value")),
        (
            "stated_in:\n  - {source: tiny-article, quote: one and one}",
            "stated_in: []",
            (5, "stated_in", "value"),
        ),
        ("hardware: [any]", "hardware: [abacus]", (8, "scope.hardware.0", "value")),
        ("hardware: [any]", "hardware: []", (8, "scope.hardware", "value")),
        (", because: arithmetic", "", (8, "scope", "value")),
        ("stated: false", "stated: 'no'", (8, "scope.stated", "type")),
        ("{field: sum, is: 2}", "{field: sum}", (11, "expect.0", "value")),
        ("{field: sum, is: 2}", "{field: sum, is: 2, at_least: 1}", (11, "expect.0", "value")),
        ("verifier: tiny_sum", "verifier: ../tiny_sum", (9, "verifier", "value")),
    ],
)
def test_a_wrong_field_is_reported_with_its_line_and_rule(root, old, new, expected):
    assert old in SOUND
    found = faults_of(root, SOUND.replace(old, new))
    assert expected in found
    assert {line for line, _, _ in found} <= {expected[0], 1}


def test_an_unquoted_version_is_a_fault_that_says_to_quote_it(root):
    text = tiny.RECORDS["data/sources/tiny-census.yaml"].replace("{type", "{version: 2.10, type")
    (root / "data/sources/tiny-census.yaml").write_text(text, encoding="utf-8")
    (fault,) = load_library(root).faults
    assert (fault.field, fault.rule) == ("version", "type")
    assert "2.1" in fault.message
    assert "quotes" in fault.message


def test_every_fault_of_every_file_is_found_in_one_pass(root):
    (root / "claims/training/b.yaml").write_text("title: [", encoding="utf-8")
    (root / "data/sources/c.yaml").write_text("title: 1\n", encoding="utf-8")
    text = SOUND.replace("as_of: 2025", "as_of: 2.5").replace(
        "favours: neither", "favours: me\nextra: 1\nextra: 2"
    )
    (root / PLACE).write_text(text, encoding="utf-8")
    found = {(Path(fault.path).stem, fault.field, fault.rule) for fault in load_library(root).faults}
    assert {
        ("b", "", "syntax"),
        ("c", "title", "type"),
        ("c", "type", "missing-key"),
        ("c", "read", "missing-key"),
        ("c", "role", "missing-key"),
        ("changed", "as_of", "type"),
        ("changed", "favours", "value"),
        ("changed", "extra", "unknown-key"),
        ("changed", "extra", "duplicate-key"),
    } <= found


def test_a_duplicate_key_keeps_a_record_out_even_if_both_values_are_sound(root):
    assert faults_of(root, SOUND + "notes: one\nnotes: two\n") == [(13, "notes", "duplicate-key")]
    assert "changed" not in load_library(root).records


def test_a_folder_that_is_named_like_a_record_is_unreadable(root):
    (root / "claims/training/folder.yaml").mkdir()
    assert [(fault.path, fault.rule) for fault in load_library(root).faults] == [
        ("claims/training/folder.yaml", "unreadable")
    ]


def test_a_record_that_is_not_utf8_or_too_large_is_a_fault(root):
    (root / "claims/training/latin.yaml").write_bytes(b"title: caf\xe9\n")
    (root / "claims/training/vast.yaml").write_bytes(b"#" * 300_000)
    assert [(Path(f.path).stem, f.rule) for f in load_library(root).faults] == [
        ("latin", "unreadable"),
        ("vast", "too-large"),
    ]


@pytest.mark.parametrize("place", ["claims/gossip/changed.yaml", "claims/changed.yaml"])
def test_a_record_outside_the_topics_is_a_fault(root, place):
    assert faults_of(root, SOUND, place) == [(1, "", "topic")]
    assert "changed" not in load_library(root).records


def test_the_same_id_in_two_folders_is_a_fault_that_names_the_other(root):
    (root / f"claims/training/{tiny.CAPABILITY}.yaml").write_text(SOUND, encoding="utf-8")
    (fault,) = load_library(root).faults
    assert fault.rule == "unique-id"
    assert tiny.CAPABILITY in fault.message


@pytest.mark.parametrize(
    "value",
    ["&a [*a]", "[" * 900 + "]" * 900, "!!set {a, b}", "!!binary aGk=", "!!timestamp 2023-01-05"],
    ids=["recursive alias", "deep nesting", "set", "binary", "date"],
)
def test_yaml_that_is_no_json_is_a_fault_and_no_crash(root, value):
    assert faults_of(root, f"{SOUND}notes: {value}\n")


def test_nested_aliases_do_not_grow_without_bound(root):
    levels = "".join(f"n{i}: &n{i} [{', '.join([f'*n{i - 1}'] * 10)}]\n" for i in range(1, 8))
    assert faults_of(root, f"{SOUND}n0: &n0 [x]\n{levels}")


@pytest.mark.parametrize("value", [".nan", ".inf"])
def test_a_figure_that_is_not_finite_is_a_fault(root, value):
    sound = tiny.RECORDS[f"claims/training/{tiny.MEASURED}.yaml"]
    assert faults_of(root, sound.replace("value: 2.0", f"value: {value}")) == [
        (12, "readings.0.value", "value")
    ]


def test_a_quotient_by_zero_is_a_fault(root):
    logic = "logic:\n  - {rule: quotient, left: 1, right: 0, stated: 1, digits: 0, because: none}\n"
    assert faults_of(root, SOUND + logic) == [(13, "logic.0", "value")]


def test_the_record_of_a_faulty_file_raises_all_its_faults_and_only_those(root):
    (root / "claims/training/other.yaml").write_text("title: [", encoding="utf-8")
    faults_path = root / PLACE
    faults_path.write_text(
        SOUND.replace("favours", "favour").replace("as_of: 2025", "as_of: 2.5"), encoding="utf-8"
    )
    library = load_library(root)
    with pytest.raises(RecordFaults) as caught:
        library.record("changed")
    assert {fault.path for fault in caught.value.faults} == {PLACE}
    assert {fault.field for fault in caught.value.faults} == {"favour", "favours", "as_of"}
    assert library.record(tiny.MEASURED).id == tiny.MEASURED


def test_an_unknown_id_suggests_the_nearest(root):
    with pytest.raises(UnknownClaim, match=tiny.MEASURED):
        load_library(root).record("tiny-step-fastre")
    with pytest.raises(UnknownClaim, match="kb list"):
        load_library(root).record("zzzzzzzz")


def test_faults_read_as_path_line_field_message_and_rule(root):
    (root / PLACE).write_text(SOUND.replace("as_of: 2025", "as_of: 2.5"), encoding="utf-8")
    text = str(load_library(root).faults[0])
    assert text.startswith(f"{PLACE}:7: as_of: found 2.5, expected ")
    assert text.endswith("[type]")
