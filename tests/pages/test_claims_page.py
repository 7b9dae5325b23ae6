"""The list of claims: every claim with how it stands, filters, and what it says when there is nothing."""

import shutil

import pytest
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy

TITLES = {
    MEASURED: "One loop is twice as fast as two",
    CAPABILITY: "Python adds one and one",
    DOCUMENTED: "Python has a share of 40%",
}


@pytest.fixture
def stored(outcome_file):
    outcome_file(MEASURED, "r1", effects=noisy(1.0))
    outcome_file(CAPABILITY, "r2", finding={"sum": 2})


def shown(text: str) -> set[str]:
    return {claim for claim, title in TITLES.items() if title in text}


def test_every_claim_is_listed_with_its_state_and_a_link(stored, open_list, body):
    text = body(open_list())
    assert shown(text) == set(TITLES)
    for claim in TITLES:
        assert f'href="claim?id={claim}"' in text
    assert "✘</b> refuted" in text
    assert "outside-region" in text
    assert "not-run" in text


def test_the_five_states_are_counted_by_icon_and_word(stored, open_list, body):
    text = body(open_list())
    for count, icon, word in (
        (1, "✔", "supported"),
        (1, "✘", "refuted"),
        (0, "±", "mixed"),
        (0, "?", "inconclusive"),
        (1, "–", "untested"),
    ):
        assert f"<li><strong>{count}</strong>" in text
        assert f"{icon}</b> {word}" in text


@pytest.mark.parametrize(
    ("parameters", "left"),
    [
        ({"verdict": "refuted"}, {MEASURED}),
        ({"verdict": ["refuted", "untested"]}, {MEASURED, DOCUMENTED}),
        ({"kind": "capability"}, {CAPABILITY}),
        ({"topic": "adoption"}, {DOCUMENTED}),
        ({"hardware": "cpu"}, {MEASURED, CAPABILITY}),
        ({"source": "tiny-article"}, set(TITLES)),
        ({"q": "PYTHON share"}, {DOCUMENTED}),
        ({"kind": "measured", "verdict": "supported"}, set()),
        ({"kind": "no such kind"}, set(TITLES)),
    ],
)
def test_the_address_sets_the_filters(stored, open_list, body, parameters, left):
    assert shown(body(open_list(**parameters))) == left


def test_a_filter_that_nothing_passes_says_so(stored, open_list, body):
    text = body(open_list(q="zebra"))
    assert "No claim passes these filters" in text
    assert "0 of 3 claims" in text


def test_typing_in_the_search_box_narrows_the_list(stored, open_list, body):
    app = open_list()
    app.text_input(key="q").set_value("loop").run()
    assert shown(body(app)) == {MEASURED}


def test_an_empty_knowledge_base_says_so(root, open_list, body):
    for path in (root / "claims").rglob("*.yaml"):
        path.unlink()
    assert "There are no claims yet" in body(open_list())


def test_a_record_at_fault_is_named_instead_of_a_short_list(root, open_list, body):
    (root / "claims" / "training" / "broken.yaml").write_text(
        "title: <b>x\nkind: measured\nfoo: 1\n", encoding="utf-8"
    )
    text = body(open_list())
    assert "claims/training/broken.yaml" in text
    assert "kb lint" in text


def test_a_missing_knowledge_base_is_said(root, open_list, body):
    shutil.rmtree(root / "claims")
    assert "no folder claims/" in body(open_list())


def test_hostile_text_of_a_record_is_shown_as_text(root, open_list, body):
    path = root / "claims" / "programming" / f"{CAPABILITY}.yaml"
    record = path.read_text(encoding="utf-8")
    hostile = r'title: "<script>alert(1)</script> ![x](http://evil.example/x.png) \u202Egnp"'
    path.write_text(record.replace(f"title: {TITLES[CAPABILITY]}", hostile), encoding="utf-8")
    app = open_list()
    text = body(app)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "⟨U+202E⟩gnp" in text
    assert not [element for element in app.markdown if "evil" in element.value]
