"""The command line as a user meets it: real processes, their output and their exit status."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import tiny
from test_isolated import wheel
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy

from kb.cli import COMMANDS
from kb.commands import verify
from kb.commands.verify import BY_VERDICT, WORST_FIRST, status_of
from kb.devices import CLASSES, devices
from kb.words import Exit, Verdict

CHECKOUT = Path(__file__).parent.parent
KB = "import sys; from kb.cli import main; sys.exit(main())"
VERIFY = "import sys; from kb.cli import verify_main; sys.exit(verify_main())"
HEAVY = {
    "torch",
    "tensorflow",
    "jax",
    "keras",
    "streamlit",
    "polars",
    "duckdb",
    "pydantic",
    "pyarrow",
    "pandas",
    "yaml",
}
ROW = {"id", "kind", "topic", "title", "summary", "by_hardware", "verifier", "reason"}


def kb(*arguments: str, script: str = KB, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1", **environment}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", timeout=120)


def streamed(done: subprocess.CompletedProcess[str]) -> list[dict]:
    """Return what `verify --json` wrote: a JSON object, without NaN or infinities, on every line."""
    return [json.loads(line, parse_constant=pytest.fail) for line in done.stdout.splitlines()]


def broken(root: Path) -> None:
    text = tiny.RECORDS[f"claims/programming/{CAPABILITY}.yaml"]
    text = text.replace("favours: neither", "favours: me").replace("as_of: 2025", "as_of: 2.5")
    (root / "claims/programming/broken-claim.yaml").write_text(text, encoding="utf-8")


# ----------------------------------------------------------------------------------------- listing and showing


def test_list_json_has_a_row_a_claim_with_the_documented_keys(root, outcome_file):
    outcome_file(MEASURED, "r1", effects=noisy(2.0))
    done = kb("list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert [row["id"] for row in rows] == sorted([MEASURED, CAPABILITY, DOCUMENTED])
    assert all(row.keys() >= ROW for row in rows)
    row = next(row for row in rows if row["id"] == MEASURED)
    assert {name: row[name] for name in ROW} == {
        "id": MEASURED,
        "kind": "measured",
        "topic": "training",
        "title": "One loop is twice as fast as two",
        "summary": "supported",
        "by_hardware": {"cpu": "supported"},
        "verifier": "tiny_step",
        "reason": "inside-region",
    }


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("--kind", "measured"), [MEASURED]),
        (("--topic", "adoption"), [DOCUMENTED]),
        (("--verdict", "supported"), [MEASURED]),
        (("--verdict", "untested", "--kind", "capability"), [CAPABILITY]),
        (("--search", "ONE AND"), [CAPABILITY]),
        (("--source", "nowhere"), []),
    ],
)
def test_list_keeps_what_passes_every_filter(root, outcome_file, filters, expected):
    outcome_file(MEASURED, "r1", effects=noisy(2.0))
    assert [row["id"] for row in json.loads(kb("list", "--json", *filters).stdout)] == expected


def test_the_table_of_claims_fits_a_hundred_columns_and_counts(root):
    done = kb("list")
    assert done.returncode == 0
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("3 claims: 0 supported")


def test_show_json_is_the_record_with_its_outcomes(root, outcome_file):
    path = outcome_file(MEASURED, "r1", effects=noisy(2.0))
    done = kb("show", MEASURED, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() >= {*ROW, "record", "outcomes"}
    assert found["record"]["statement"].startswith("Running the loop once")
    assert found["outcomes"] == [json.loads(path.read_text(encoding="utf-8"))]


def test_show_says_what_is_claimed_what_was_found_and_what_was_assumed(root, outcome_file):
    outcome_file(MEASURED, "r1", effects=noisy(2.0))
    done = kb("show", MEASURED)
    assert done.returncode == 0, done.stderr
    for text in (
        "supported",
        "Running the loop once",
        "twice as fast",
        "assumed: small enough",
        "speed-up of plain/once against plain/twice",
        "r1",
    ):
        assert text in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100


def test_control_characters_of_an_outcome_do_not_reach_the_terminal(root, outcome_file):
    outcome_file(CAPABILITY, "r1", failure="\x1b[2Jgone\u202e")
    done = kb("show", CAPABILITY)
    assert "gone" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


# ---------------------------------------------------------------------------------------------------- faults


def test_lint_json_has_path_line_field_rule_and_message_of_every_fault(root):
    broken(root)
    done = kb("lint", "--json")
    assert done.returncode == 2
    faults = json.loads(done.stdout)
    assert {tuple(fault) for fault in faults} == {("path", "line", "field", "rule", "message")}
    assert {fault["path"] for fault in faults} == {"claims/programming/broken-claim.yaml"}
    assert {(fault["line"], fault["field"], fault["rule"]) for fault in faults} == {
        (4, "favours", "value"),
        (7, "as_of", "type"),
    }


def test_lint_of_a_sound_knowledge_base_is_quiet(root):
    done = kb("lint")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "3 claims, 2 sources: no faults\n"
    assert json.loads(kb("lint", "--json").stdout) == []


@pytest.mark.parametrize(("script", "arguments"), [(KB, ["show"]), (KB, ["verify"]), (VERIFY, [])])
def test_an_unknown_id_is_bad_input_and_the_nearest_are_named(root, script, arguments):
    done = kb(*arguments, "tiny-step-fastr", script=script)
    assert (done.returncode, done.stdout) == (2, "")
    assert MEASURED in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command", [["verify", "broken-claim"], ["verify", "--all"], ["show", "broken-claim"], ["list"]]
)
def test_a_broken_record_lists_every_fault_and_nothing_runs(root, command):
    broken(root)
    done = kb(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "claims/programming/broken-claim.yaml:4: favours: " in done.stderr
    assert "claims/programming/broken-claim.yaml:7: as_of: " in done.stderr
    assert not (root / "data/runs").exists()


def test_a_broken_record_beside_sound_ones_keeps_all_that_were_named_from_running(root):
    broken(root)
    done = kb("verify", DOCUMENTED, "broken-claim")
    assert done.returncode == 2
    assert not (root / "data/runs").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["verify", "--topic", "gossip"],
        ["verify", "--kind", "rumour"],
        ["verify", MEASURED, "--budget", "endless"],
        ["verify", MEASURED, "--threads", "0"],
        ["verify", MEASURED, "--device", "abacus"],
        *(["verify", MEASURED, "--seconds", seconds] for seconds in ("9.9", "-60", "nan", "inf", "soon")),
        ["verify", MEASURED, "--seconds", "60", "--budget", "smoke"],
        ["publish", "no-such-run"],
        ["no-such-command"],
        [],
    ],
)
def test_what_makes_no_sense_is_bad_input_with_a_message(root, arguments):
    done = kb(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert not (root / "data/runs").exists()


def test_a_number_of_seconds_that_is_too_small_is_named_with_the_least():
    done = kb("verify", MEASURED, "--seconds", "9.9")
    assert "--seconds: found 9.9, expected a number of seconds, at least 10" in done.stderr


def test_outside_any_knowledge_base_a_user_is_told_where_to_go(tmp_path):
    done = kb("list", KB_ROOT=str(tmp_path))
    assert done.returncode == 2
    assert "KB_ROOT" in done.stderr


# -------------------------------------------------------------------------------------------------- verifying


def test_verify_runs_stores_and_reports_one_object_a_line(root):
    done = kb(CAPABILITY, DOCUMENTED, "--json", script=VERIFY)
    assert (done.returncode, done.stderr) == (0, "")
    lines = streamed(done)
    assert [(line["event"], line["claim"], line.get("verdict")) for line in lines] == [
        ("probe", CAPABILITY, None),
        ("outcome", CAPABILITY, "supported"),
        ("outcome", DOCUMENTED, "supported"),
    ]
    for line in lines[1:]:
        assert next(iter(line)) == "event"
        path = root / "data/runs" / line["claim"] / f"{line['run']}.json"
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert {**line, **stored} == {"event": "outcome", **stored}
    assert kb("recheck").returncode == 0
    rows = json.loads(kb("list", "--json").stdout)
    assert {row["id"]: row["summary"] for row in rows}[CAPABILITY] == "supported"


def test_a_measured_claim_streams_its_blocks_within_the_seconds_that_it_was_given(root):
    done = kb("verify", MEASURED, "--json", "--seconds", "10", "--quiet")
    *events, outcome = streamed(done)
    assert all((event["claim"], next(iter(event))) == (MEASURED, "event") for event in events)
    assert (events[0]["event"], outcome["event"]) == ("pilot", "outcome")
    blocks = [event for event in events if event["event"] == "block"]
    assert [block["block"] for block in blocks] == list(range(1, len(blocks) + 1))
    assert all(block["budget"] == 10.0 for block in blocks)
    assert outcome["blocks"] == sum(not block["control"] for block in blocks)
    [path] = (root / "data/runs" / MEASURED).glob("*.json")
    assert json.loads(path.read_text(encoding="utf-8"))["plan"]["seconds"] == 10.0


def test_resuming_repeats_nothing_that_stands_and_all_that_has_changed(root):
    first = kb("verify", CAPABILITY, DOCUMENTED, "--resume", "--json")
    assert [line["claim"] for line in streamed(first) if line["event"] == "outcome"] == [
        CAPABILITY,
        DOCUMENTED,
    ]
    again = kb("verify", CAPABILITY, DOCUMENTED, "--resume", "--json")
    assert (again.returncode, again.stdout) == (0, "")
    script = root / "verifiers/tiny_sum.py"
    script.write_text(script.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    later = kb("verify", CAPABILITY, DOCUMENTED, "--resume", "--json")
    assert [line["claim"] for line in streamed(later) if line["event"] == "outcome"] == [CAPABILITY]
    other = kb("verify", CAPABILITY, "--resume", "--json", "--budget", "quick")
    assert [line["claim"] for line in streamed(other) if line["event"] == "outcome"] == [CAPABILITY]


def test_other_releases_run_in_an_environment_of_their_own_and_are_named_in_the_outcome(root, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    here = Path(numpy.__file__).parent.parent
    wheel(wheels, "numpy", "9.0", files={"numpy_of_the_tests.pth": f"{here}\n"})  # workers need a real one
    registry = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "KB_CACHE": str(tmp_path / "cache")}
    done = kb("verify", CAPABILITY, "--versions", "numpy==9.0", "--json", **registry)
    installing, *_, outcome = streamed(done)
    assert (installing["event"], outcome["verdict"]) == ("installing", "supported")
    [path] = (root / "data/runs" / CAPABILITY).glob("*.json")
    assert json.loads(path.read_text(encoding="utf-8"))["versions"] == {"numpy": "9.0"}
    assert "1 environments of verifiers" in kb("doctor", **registry).stdout
    assert "1 environments removed" in kb("clean", **registry).stdout


def test_resuming_with_other_releases_looks_for_outcomes_with_just_these(root, tmp_path, copying_venv):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    here = Path(numpy.__file__).parent.parent
    wheel(wheels, "numpy", "9.0", files={"numpy_of_the_tests.pth": f"{here}\n"})
    registry = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "KB_CACHE": str(tmp_path / "cache")}
    registry["PYTHONPATH"] = f"{CHECKOUT}{os.pathsep}{copying_venv}"

    def resumed(*versions: str) -> list[str]:
        done = kb("verify", CAPABILITY, *versions, "--resume", "--json", **registry)
        return [line["reason"] for line in streamed(done) if line["event"] == "outcome"]

    assert resumed("--versions", "numpy==7.0") == ["no-software"]
    assert resumed("--versions", "numpy==7.0") == ["no-software"]  # a registry may have it by now
    assert resumed("--versions", "numpy==9.0") == ["finding"]
    assert resumed("--versions", "numpy==9.0") == []
    assert resumed() == ["finding"]
    for path in (root / "data/runs" / CAPABILITY).glob("*.json"):
        outcome = json.loads(path.read_text(encoding="utf-8"))
        if outcome["releases"] == ["numpy==7.0"]:
            assert outcome["versions"] == {}
            assert outcome["because"].startswith("numpy==7.0 cannot be installed on Python ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--versions", "numpy is 9"), "expected a requirement such as torch==2.1.2"),
        (("--as-of", "1999"), "--as-of: found '1999', expected one of 2023"),
    ],
)
def test_releases_that_cannot_be_meant_are_refused_with_what_can(root, arguments, said):
    (root / "data/releases.yaml").write_text("2023:\n  - {release: numpy==1.26.2}\n", encoding="utf-8")
    done = kb("verify", CAPABILITY, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_when_the_reader_of_a_stream_goes_the_run_is_stored_as_interrupted(root):
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", KB, "verify", MEASURED, "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert json.loads(running.stdout.readline())["event"] == "pilot"
        running.stdout.close()
        assert running.wait(timeout=60) == 130
        assert running.stderr.read() == ""
    [path] = (root / "data/runs" / MEASURED).glob("*.json")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert (stored["interrupted"], stored["reason"]) == (True, "interrupted")


def test_what_json_cannot_write_is_null(capsys):
    report = verify._streamed("a-claim")
    report(
        {"event": "ready", "resolvable": math.inf, "cells": [{"interval": (-math.inf, 1.5)}], "of": math.nan}
    )
    assert json.loads(capsys.readouterr().out) == {
        "event": "ready",
        "claim": "a-claim",
        "resolvable": None,
        "cells": [{"interval": [None, 1.5]}],
        "of": None,
    }


def test_the_devices_to_choose_from_are_those_that_kb_looks_for():
    assert ("cpu", *CLASSES) == verify.DEVICES


@pytest.mark.parametrize("device", verify.DEVICES)
def test_a_device_that_is_not_here_leaves_the_claim_untested(root, device):
    if device in devices():
        pytest.skip(f"{device} is here")
    done = kb("verify", MEASURED, "--json", "--device", device)
    [outcome] = streamed(done)
    assert (done.returncode, outcome["verdict"], outcome["reason"]) == (4, "untested", "no-hardware")
    assert device in outcome["because"]


def test_a_refuted_claim_exits_one_and_the_worst_of_several_decides(root):
    path = root / f"claims/programming/{CAPABILITY}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("is: 2", "is: 3"), encoding="utf-8")
    assert kb("verify", CAPABILITY, "--quiet").returncode == 1
    assert kb("verify", DOCUMENTED, CAPABILITY, "--quiet").returncode == 1


def test_a_smoke_run_measures_and_decides_nothing(root):
    done = kb("verify", MEASURED, "--budget", "smoke", "--json")
    assert done.returncode == 3, done.stderr
    line = streamed(done)[-1]
    assert (line["verdict"], line["reason"], line["blocks"]) == ("inconclusive", "smoke", 1)
    assert line["estimate"] > 0


def test_a_crashing_verifier_is_untested_with_the_end_of_its_log_and_no_traceback_of_kb(root):
    script = root / "verifiers/tiny_sum.py"
    text = script.read_text(encoding="utf-8").replace(
        'return {"sum": 1 + 1}', 'raise RuntimeError("out of fingers")'
    )
    script.write_text(text, encoding="utf-8")
    done = kb("verify", CAPABILITY, "--json")
    assert done.returncode == 5
    assert streamed(done)[-1]["reason"] == "crashed"
    assert "out of fingers" in done.stderr


def test_a_verifier_whose_requirement_is_not_installed_is_untested(root):
    script = root / "verifiers/tiny_sum.py"
    text = script.read_text(encoding="utf-8").replace(
        "dependencies = []", 'dependencies = ["no-such-distribution>=3"]'
    )
    script.write_text(text, encoding="utf-8")
    done = kb("verify", CAPABILITY, "--json")
    assert done.returncode == 4
    [line] = streamed(done)
    assert (line["verdict"], line["reason"]) == ("untested", "no-software")
    assert "no-such-distribution>=3" in line["because"]


def test_publish_and_rebuild_work_on_what_was_verified(root):
    run = json.loads(kb("verify", DOCUMENTED, "--json").stdout)["run"]
    done = kb("publish", run)
    assert (done.returncode, done.stdout) == (0, f"data/evidence/{DOCUMENTED}/{run}.json\n")
    (root / "data/kb.duckdb").unlink()
    done = kb("rebuild")
    assert (done.returncode, done.stdout) == (0, "1 outcomes in data/kb.duckdb\n")


# ----------------------------------------------------------------------------------------- statuses and start


def test_the_documented_exit_statuses_are_those_of_the_code():
    for done in (kb("--help"), kb("verify", "--help"), kb("--help", script=VERIFY)):
        assert done.returncode == 0
        statuses = done.stdout.partition("exit status:")[2].partition("With several")[0]
        assert {int(number) for number in re.findall(r"(?:^|\s{2,})(\d+) ", statuses)} == {
            int(each) for each in Exit
        }
        order = re.search(r"first of ([\d, ]+) that", done.stdout)
        assert order is not None
        assert [int(number) for number in order[1].split(",")] == [
            int(each) for each in (*WORST_FIRST, Exit.SUPPORTED)
        ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    done = kb(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert COMMANDS[command] in " ".join(done.stdout.split())


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_status_and_trouble_outweighs_it(verdict):
    calm = {"interrupted": False, "failure": None, "verdict": verdict.value}
    assert status_of(calm) == BY_VERDICT[verdict]
    assert status_of({**calm, "failure": "crashed"}) == Exit.FAILED
    assert status_of({**calm, "interrupted": True}) == Exit.INTERRUPTED


@pytest.mark.parametrize(
    ("call", "arguments"),
    [("main", ["list"]), ("main", ["list", "--json"]), ("main", ["verify", "--help"]), ("main", ["--help"])],
)
def test_starting_loads_nothing_heavy(root, call, arguments):
    kb("list", "--json")  # fills the cache: validating a hundred records is what takes time
    script = (
        "import sys\nfrom kb.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = kb(*arguments, script=script)
    assert done.returncode == 0
    assert HEAVY & set(done.stderr.split()) == set()


def test_output_that_nobody_reads_to_the_end_is_no_error(root):
    command = f"{sys.executable} -c '{KB}' list --json | head -c 1"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, timeout=60)
    assert (done.stdout, done.stderr) == ("[", "")
