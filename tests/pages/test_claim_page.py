"""A claim's page: the answer bound to where it holds, the evidence behind it, and nothing that breaks it."""

import json

import pytest
import rich
import tiny
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy, rewritten

RUN = "20261121T100000Z-aaaaaa"
LATER = "20261122T100000Z-bbbbbb"


def charts(app) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def head(text: str) -> str:
    return text.split('<div class="kb-answer">')[1].split("</div>")[0]


def test_the_answer_names_effect_interval_blocks_hardware_versions_and_date(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0), versions={"torch": "2.13.0", "numpy": "2"})
    answer = head(body(open_claim(MEASURED)))
    for part in (
        "✔</b> supported",
        "speed-up",
        "95%",
        "16 blocks",
        "cpu: tiny, 2 cores",
        "torch 2.13.0",
        "2026-11-21",
    ):
        assert part in answer


def test_a_measured_claim_has_a_picture_its_samples_and_its_cells(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0))
    app = open_claim(MEASURED)
    text = body(app)
    assert len(charts(app)) == 2
    assert "plain/once against plain/twice, size 2000" in text
    assert "decides" in text
    assert len(app.dataframe[0].value) == 32


def test_other_releases_stand_beside_todays_and_do_not_count(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0), versions={"torch": "2.13.0"})
    old = {"releases": ["torch==2.1.2"], "as_of": "2023", "environment": "e1", "versions": {"torch": "2.1.2"}}
    outcome_file(MEASURED, LATER, effects=noisy(1.0), **old)
    text = body(open_claim(MEASURED))
    assert "✔</b> supported" in head(text)
    for part in ("With other releases", "end of 2023", "torch 2.1.2", "installed on 2026-11-21"):
        assert part in text
    assert "refuted" not in head(text)


def test_every_reading_has_its_verdict(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(1.0))
    text = body(open_claim(MEASURED))
    assert "reading: twice" in text
    assert "1.5 to 2.5" in text
    assert "(smaller)" in text


def test_statement_quote_source_conditions_and_commands_are_shown(open_claim, body):
    text = body(open_claim(MEASURED))
    for part in (
        "Running the loop once",
        "“twice as fast”",
        "A tiny article",
        "assumed by us",
        "small enough to be quick",
        f"verify {MEASURED}",
        f"kb show {MEASURED}",
        f'href="claim?id={CAPABILITY}"',
    ):
        assert part in text


def test_the_verifier_is_shown_with_whether_it_is_the_one_that_ran(root, outcome_file, open_claim, body):
    outcome_file(
        MEASURED,
        RUN,
        effects=noisy(2.0),
        verifier="tiny_step",
        verifier_sha256="0" * 64,
        verifier_commit="abc123",
    )
    app = open_claim(MEASURED)
    assert "has changed since the run" in body(app)
    assert "abc123" in body(app)
    code = (root / "verifiers" / "tiny_step.py").read_text(encoding="utf-8")
    assert code.strip() in [element.value for element in app.code]


def rich_page(root, open_claim, **given):
    found = rich.rich_outcome(tiny.claim_of(root, MEASURED), MEASURED, RUN, **given)
    tiny.write(root, found)
    return open_claim(MEASURED)


def test_every_gate_says_by_word_whether_it_passed(root, open_claim, body):
    text = body(rich_page(root, open_claim))
    assert text.count("✔ passed") == 4
    assert "✘ failed" not in text
    assert "an arm against itself came out at" in text
    assert "Advice" not in text


def test_a_gate_that_failed_comes_with_advice(root, open_claim, body):
    text = body(rich_page(root, open_claim, others=0.4))
    assert text.count("✘ failed") == 1
    assert 'data-label="Advice">stop other programs' in text


def test_the_specification_curve_is_drawn_and_told_in_words(root, open_claim, body):
    app = rich_page(root, open_claim)
    text = body(app)
    assert "the specification curve" in text
    assert "Permutation test: labels flipped at random" in text
    assert len(charts(app)) == 4
    assert [row for row in text.split("<tr>") if "Specifications" in row and ">12<" in row]


def test_specifications_that_all_agree_are_not_drawn(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0))
    assert "All give the same figure" in body(open_claim(MEASURED))


def test_an_arm_beside_is_listed_and_marked_as_never_judged(root, open_claim, body):
    text = body(rich_page(root, open_claim))
    assert "plain/other against plain/twice, size 4000" in text
    assert text.count("beside, never judged") == 5


def test_first_calls_come_with_the_steps_after_which_they_pay(root, open_claim, body):
    text = body(rich_page(root, open_claim))
    assert "First call, empty caches" in text
    assert "plain/once starts 3.1 s later and pays after 32 steps" in text


def test_settings_are_listed_per_arm(root, open_claim, body):
    text = body(rich_page(root, open_claim))
    assert '<td data-label="plain/once">2</td><td data-label="plain/twice with 1 threads">1</td>' in text


def test_memory_is_the_median_of_each_arm_in_mib(root, open_claim, body):
    row = next(
        row for row in body(rich_page(root, open_claim)).split("<tr>") if 'data-label="Baseline"' in row
    )
    for name, value in (("Peak", "2.0"), ("Live", "1.0"), ("Baseline", "300.0"), ("Processes", "3")):
        assert f'data-label="{name}">{value}<' in row


def test_what_made_a_run_void_is_listed(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0), voids=["plain/once: threads 1, declared 2"])
    text = body(open_claim(MEASURED))
    assert "Declared settings that were not in force" in text
    assert "<li>plain/once: threads 1, declared 2</li>" in text


def test_an_outcome_of_an_older_kb_is_left_out_with_what_to_do(outcome_file, open_claim, body):
    rewritten(outcome_file(MEASURED, RUN, effects=noisy(2.0)), format=1)
    text = body(open_claim(MEASURED))
    assert "untested" in head(text)
    assert "written by an older kb (format 1" in text
    assert f"rerun `verify {MEASURED}`" in text


def test_a_claim_without_outcomes_says_why_and_how_to_run_it(open_claim, body):
    app = open_claim(MEASURED)
    assert "–</b> untested" in head(body(app))
    assert "No run yet" in body(app)
    assert charts(app) == []


def test_an_outcome_off_scope_is_marked_as_indicative(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0), hardware="gpu")
    text = body(open_claim(MEASURED))
    assert "untested" in head(text)
    assert "indicative, does not count" in head(text)
    assert "no: indicative" in text


def test_environments_that_disagree_make_it_mixed_and_both_are_shown(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0))
    outcome_file(MEASURED, LATER, effects=noisy(1.0), environment="e1")
    app = open_claim(MEASURED)
    text = body(app)
    assert "±</b> mixed" in head(text)
    assert "2 environments" in head(text)
    assert "✔</b> supported" in text
    assert "✘</b> refuted" in text


def test_an_outcome_under_an_older_record_does_not_count(root, outcome_file, open_claim, body):
    outcome_file(CAPABILITY, RUN, finding={"sum": 2})
    path = root / "claims" / "programming" / f"{CAPABILITY}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("is: 2", "is: 3"), encoding="utf-8")
    text = body(open_claim(CAPABILITY))
    assert "untested" in head(text)
    assert "no: the record has changed since" in text
    assert RUN in text


def test_an_expectation_that_fails_stands_beside_what_was_found(outcome_file, open_claim, body):
    outcome_file(CAPABILITY, RUN, finding={"sum": 3})
    text = body(open_claim(CAPABILITY))
    assert "✘</b> refuted" in head(text)
    assert "expected: sum" in text
    assert "✘ does not hold" in text
    assert "found 3" in text


def test_a_documented_claim_shows_its_citations_and_draws_them(outcome_file, open_claim, body):
    outcome_file(DOCUMENTED, RUN)
    app = open_claim(DOCUMENTED)
    text = body(app)
    for part in (
        "✔</b> supported",
        "40.2 %",
        "tiny programs",
        "table 1",
        "A tiny census",
        "read in the source itself",
    ):
        assert part in text
    assert len(charts(app)) == 1


def test_the_address_chooses_the_run(outcome_file, open_claim, body):
    outcome_file(CAPABILITY, RUN, finding={"sum": 2}, log="log of the older run")
    outcome_file(CAPABILITY, LATER, finding={"sum": 2}, log="log of the later run")
    assert "log of the later run" in body(open_claim(CAPABILITY))
    assert "log of the older run" in body(open_claim(CAPABILITY, run=RUN))


def test_an_unknown_id_offers_the_nearest(open_claim, body):
    text = body(open_claim("tiny-step-fastr"))
    assert "There is no such claim" in text
    assert f'href="claim?id={MEASURED}"' in text


@pytest.mark.parametrize(
    "claim", ["<script>alert(1)</script>", "../../etc/passwd", "*", "\u202e", "a" * 5000]
)
def test_a_hostile_id_is_shown_as_text(open_claim, body, claim):
    text = body(open_claim(claim))
    assert "There is no such claim" in text
    assert "<script" not in text


def test_no_id_is_explained(open_claim, body):
    assert "No claim was asked for" in body(open_claim())


def test_a_record_at_fault_is_named(root, open_claim, body):
    (root / "claims" / "training" / f"{MEASURED}.yaml").write_text("title: 1\n", encoding="utf-8")
    text = body(open_claim(MEASURED))
    assert "This claim's record cannot be read" in text
    assert f"claims/training/{MEASURED}.yaml:1" in text


def test_an_unreadable_outcome_file_is_left_out_and_named(root, outcome_file, open_claim, body):
    outcome_file(CAPABILITY, RUN, finding={"sum": 2})
    broken = outcome_file(CAPABILITY, LATER, finding={"sum": 2})
    broken.write_text('{"run": ', encoding="utf-8")
    text = body(open_claim(CAPABILITY))
    assert "supported" in head(text)
    assert "cannot be read and is left out" in text
    assert LATER in text


def test_an_outcome_of_the_wrong_form_is_left_out_and_named(outcome_file, open_claim, body):
    rewritten(outcome_file(CAPABILITY, RUN, finding={"sum": 2}), verdict="certainly")
    text = body(open_claim(CAPABILITY))
    assert "untested" in head(text)
    assert "verdict" in text


def test_an_odd_outcome_breaks_only_its_own_section(outcome_file, open_claim, body):
    rewritten(outcome_file(MEASURED, RUN, effects=noisy(2.0)), cells=[{"place": 99}])
    text = body(open_claim(MEASURED))
    assert "This part of the page cannot be shown" in text
    assert "All runs" in text


def test_hostile_text_of_an_outcome_is_shown_as_text(outcome_file, open_claim, body):
    hostile = "<img src=x onerror=alert(1)> \x1b[31m \u202e ![x](http://evil.example/x.png)"
    path = outcome_file(
        CAPABILITY,
        RUN,
        finding={"sum": 2},
        log=hostile,
        context={"load": hostile, "distributions": [hostile]},
        settings={hostile: {hostile: hostile}},
        versions={hostile: hostile},
    )
    rewritten(path, because=hostile, environment=hostile)
    app = open_claim(CAPABILITY)
    pieces = [element.body for element in app.html]
    assert not [piece for piece in pieces if "<img" in piece or "\u202e" in piece]
    assert any("&lt;img" in piece for piece in pieces)
    assert "⟨U+202E⟩" in body(app)
    assert not [element for element in app.markdown if "evil" in element.value]


def test_an_address_of_a_source_that_is_no_web_address_is_no_link(root, open_claim, body):
    path = root / "data" / "sources" / "tiny-article.yaml"
    path.write_text(
        '{type: webpage, title: A tiny article, URL: "https://a.example/?a=1&b=2", read: primary, role: article}',
        encoding="utf-8",
    )
    assert 'href="https://a.example/?a=1&amp;b=2"' in body(open_claim(CAPABILITY))
    path.write_text(
        '{type: webpage, title: A tiny article, URL: "javascript:alert(1)", read: primary, role: article}',
        encoding="utf-8",
    )
    assert "javascript:" not in body(open_claim(CAPABILITY))


def test_a_claim_for_want_of_hardware_shows_what_to_run_elsewhere_as_code(root, open_claim, body):
    path = root / f"claims/training/{MEASURED}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("[cpu]", "[gpu]"), encoding="utf-8")
    app = open_claim(MEASURED)
    assert "On a machine with one NVIDIA GPU" in body(app)
    assert "To settle it elsewhere" in [each.value for each in app.subheader]
    (code,) = [each for each in app.code if "--publish" in each.value]
    assert f".venv/bin/verify {MEASURED} --device cuda --budget deep --publish" in code.value.splitlines()


def test_a_claim_that_is_settled_asks_for_no_run_elsewhere(outcome_file, open_claim, body):
    outcome_file(MEASURED, RUN, effects=noisy(2.0))
    assert "To settle it elsewhere" not in body(open_claim(MEASURED))


def test_nothing_is_written_by_looking(root, outcome_file, open_claim):
    outcome_file(MEASURED, RUN, effects=noisy(2.0))
    before = {path for path in root.rglob("*") if path.name != "listing.json"}
    open_claim(MEASURED)
    assert {path for path in root.rglob("*") if path.name != "listing.json"} == before
