"""YAML is read safely, and every field's line is known."""

from pathlib import Path

import pytest

from kb.yaml_lines import LARGEST, parse, read

TEXT = """\
title: a
list:
  - {name: one}
  - name: two
    deep:
      value: 3
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 1),
        (("title",), 1),
        (("list",), 2),
        (("list", 0, "name"), 3),
        (("list", 1), 4),
        (("list", 1, "deep", "value"), 6),
        (("list", 1, "missing"), 4),
        (("list", 9), 2),
        (("missing",), 1),
    ],
)
def test_a_field_has_its_line_and_a_missing_one_that_of_its_parent(location, line):
    assert parse(TEXT, "x.yaml").line(location) == line


def test_dates_and_quoted_versions_stay_text_and_an_unquoted_version_is_a_number():
    data = parse('date: 2023-01-05\nquoted: "2.10"\nplain: 2.10\n', "x.yaml").data
    assert data == {"date": "2023-01-05", "quoted": "2.10", "plain": 2.1}


def test_every_duplicate_key_is_found_at_any_depth_with_its_line():
    document = parse("a: 1\nb:\n  c: 1\n  c: 2\na: 2\n", "x.yaml")
    assert [(fault.line, fault.field, fault.rule) for fault in document.faults] == [
        (5, "a", "duplicate-key"),
        (4, "c", "duplicate-key"),
    ] or [(fault.line, fault.field, fault.rule) for fault in document.faults] == [
        (4, "c", "duplicate-key"),
        (5, "a", "duplicate-key"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1,\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: !!python/object/apply:os.system ['true']\n", 1),
        ("- a\n- b\n", 1),
        ("", 1),
        ("just text", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("? [a, b]\n: c\n", 1),
    ],
)
def test_what_is_no_plain_mapping_is_a_syntax_fault_with_a_line(text, line):
    document = parse(text, "x.yaml")
    assert document.data is None
    assert [(fault.path, fault.rule) for fault in document.faults] == [("x.yaml", "syntax")]
    assert document.faults[0].line == line


def test_a_python_tag_runs_nothing(tmp_path):
    mark = tmp_path / "mark"
    parse(f"a: !!python/object/apply:os.mkdir ['{mark}']\n", "x.yaml")
    assert not mark.exists()


def test_nesting_beyond_measure_is_a_fault_and_no_crash():
    document = parse("a: " + "[" * 50_000, "x.yaml")
    assert [fault.rule for fault in document.faults] == ["syntax"]


@pytest.mark.parametrize(
    ("content", "rule"), [(b"a: \xff\xfe", "unreadable"), (b"#" * (LARGEST + 1), "too-large")]
)
def test_files_that_cannot_be_read_are_faults(tmp_path: Path, content, rule):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    document = read(path, "shown.yaml")
    assert document.data is None
    assert [(fault.path, fault.line, fault.rule) for fault in document.faults] == [("shown.yaml", 1, rule)]


def test_a_folder_and_a_missing_file_are_unreadable(tmp_path: Path):
    for path in (tmp_path, tmp_path / "none.yaml"):
        assert [fault.rule for fault in read(path, "x.yaml").faults] == ["unreadable"]


def test_the_largest_allowed_file_is_read(tmp_path: Path):
    path = tmp_path / "x.yaml"
    text = "a: 1\n"
    path.write_text(text + "#" * (LARGEST - len(text)), encoding="utf-8")
    assert read(path, "x.yaml").data == {"a": 1}
