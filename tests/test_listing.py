"""The rows of `kb list`, and the cache behind them."""

import json
import os

import pytest
import tiny
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy

from kb.errors import RecordFaults
from kb.listing import CACHE, listed


def by_id(root) -> dict[str, dict]:
    return {row["id"]: row for row in listed(root)}


def test_a_row_says_how_a_claim_stands_and_why(root, outcome_file):
    outcome_file(MEASURED, "r1", effects=noisy(2.0))
    rows = by_id(root)
    assert list(rows) == sorted(rows)
    measured, capability = rows[MEASURED], rows[CAPABILITY]
    assert (measured["summary"], measured["reason"], measured["by_hardware"]) == (
        "supported", "inside-region", {"cpu": "supported"},
    )  # fmt: skip
    assert (measured["topic"], measured["kind"], measured["verifier"], measured["run"]) == (
        "training", "measured", "tiny_step", "r1",
    )  # fmt: skip
    assert (capability["summary"], capability["reason"], capability["outcomes"]) == ("untested", "not-run", 0)
    assert CAPABILITY in capability["because"]


def test_rows_from_the_cache_are_those_that_were_saved(root):
    fresh = listed(root)
    assert (root / CACHE).is_file()
    data = json.loads((root / CACHE).read_text(encoding="utf-8"))
    data["rows"][0]["title"] = "from the cache"
    (root / CACHE).write_text(json.dumps(data), encoding="utf-8")
    assert listed(root)[0]["title"] == "from the cache"
    (root / CACHE).unlink()
    assert listed(root) == fresh


def test_a_changed_record_is_seen(root):
    listed(root)
    path = root / f"claims/programming/{CAPABILITY}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("adds one and one", "adds up"), encoding="utf-8")
    assert by_id(root)[CAPABILITY]["title"] == "Python adds up"


def test_a_record_of_the_same_size_and_another_time_is_seen(root):
    listed(root)
    path = root / f"claims/programming/{CAPABILITY}.yaml"
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("adds one", "adds ONE"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert by_id(root)[CAPABILITY]["title"] == "Python adds ONE and one"


def test_a_record_that_moved_to_another_topic_is_seen(root):
    listed(root)
    (root / f"claims/programming/{CAPABILITY}.yaml").rename(root / f"claims/training/{CAPABILITY}.yaml")
    assert by_id(root)[CAPABILITY]["topic"] == "training"


def test_a_record_that_was_added_or_removed_is_seen(root):
    listed(root)
    path = root / f"claims/adoption/{DOCUMENTED}.yaml"
    path.rename(path.with_stem("other"))
    assert sorted(by_id(root)) == sorted([MEASURED, CAPABILITY, "other"])


@pytest.mark.parametrize("folder", ["data/runs", "data/evidence"])
def test_a_new_outcome_is_seen_and_a_lost_one_missed(root, outcome_file, folder):
    assert by_id(root)[DOCUMENTED]["summary"] == "untested"
    path = outcome_file(DOCUMENTED, "r1", folder=folder)
    assert by_id(root)[DOCUMENTED]["summary"] == "supported"
    path.unlink()
    assert by_id(root)[DOCUMENTED]["summary"] == "untested"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"stamp": 1}', '{"rows": []}', "\x00"])
def test_a_corrupt_cache_is_ignored_and_mended(root, text):
    fresh = listed(root)
    (root / CACHE).write_text(text, encoding="utf-8")
    assert listed(root) == fresh
    assert json.loads((root / CACHE).read_text(encoding="utf-8"))["rows"] == fresh


def test_without_a_place_for_the_cache_a_listing_still_works(root):
    fresh = listed(root)
    (root / CACHE).unlink()
    (root / CACHE).mkdir()
    assert listed(root) == fresh
    assert not list((root / "data").glob(".listing*"))


def test_a_listing_never_leaves_a_broken_claim_out(root):
    listed(root)
    (root / "claims/training/broken.yaml").write_text("title: [", encoding="utf-8")
    with pytest.raises(RecordFaults, match=r"broken\.yaml:"):
        listed(root)


def test_a_changed_meaning_makes_old_outcomes_count_no_longer(root, outcome_file):
    outcome_file(DOCUMENTED, "r1")
    path = root / f"claims/adoption/{DOCUMENTED}.yaml"
    path.write_text(
        tiny.RECORDS[f"claims/adoption/{DOCUMENTED}.yaml"].replace("value: 40,", "value: 41,"),
        encoding="utf-8",
    )
    row = by_id(root)[DOCUMENTED]
    assert (row["summary"], row["reason"], row["outcomes"]) == ("untested", "not-run", 1)
