"""Run requests: what a stranger with other hardware is asked for, over all real records and how they may stand."""

import argparse
import json
import re
import shlex
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import tiny
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy

from kb import screen
from kb.claim import as_plain
from kb.commands import verify
from kb.devices import hardware_class
from kb.library import load_library
from kb.run_request import NEEDED, NOWHERE_BETTER, elsewhere, run_request
from kb.words import Budget, Hardware, Reason, Summary

ROOT = Path(__file__).parent.parent
RECORDS = {name: record.claim for name, record in load_library(ROOT).records.items()}
RUN = {name: as_plain(claim) for name, claim in RECORDS.items() if claim.verifier and not claim.untested}
MEASURABLE = {name: record for name, record in RUN.items() if record["scope"]["hardware"] != ["any"]}
VERIFY = ".venv/bin/verify "


def parsed(request) -> list[argparse.Namespace]:
    parser = argparse.ArgumentParser()
    verify.arguments(parser)
    lines = [line.removeprefix(VERIFY) for line in request["commands"] if line.startswith(VERIFY)]
    return [parser.parse_args(shlex.split(line)) for line in lines]


def classes_asked(request) -> list[str]:
    return [hardware_class(options.device).value for options in parsed(request)]


@pytest.mark.parametrize("claim", MEASURABLE)
def test_a_claim_that_ran_nowhere_asks_for_every_class_of_its_scope_in_commands_that_parse(claim):
    record = MEASURABLE[claim]
    request = run_request(claim, record, {}, Reason.NOT_RUN)
    assert request is not None
    assert classes_asked(request) == record["scope"]["hardware"]
    for options in parsed(request):
        assert (options.claims, options.budget, options.publish) == ([claim], Budget.DEEP, True)
    order = [
        "make .venv/frameworks",
        ".venv/bin/kb doctor",
        VERIFY,
        ".venv/bin/kb recheck",
        "# send the new file",
    ]
    found = [next(place for place, line in enumerate(request["commands"]) if part in line) for part in order]
    assert found == sorted(found)
    assert f"data/evidence/{claim}/" in request["commands"][-1]


@pytest.mark.parametrize("claim", MEASURABLE)
def test_whatever_has_been_tried_it_asks_for_just_the_classes_that_have_no_verdict(claim):
    record = MEASURABLE[claim]
    scope = record["scope"]["hardware"]
    for words in product([None, *Summary], repeat=len(scope)):
        stands = {name: word.value for name, word in zip(scope, words, strict=True) if word is not None}
        lacking = [name for name in scope if stands.get(name, Summary.UNTESTED) == Summary.UNTESTED]
        request = run_request(claim, record, stands, Reason.OFF_SCOPE)
        assert (classes_asked(request) if request else []) == lacking


def test_a_run_off_scope_leaves_the_request_as_it_was():
    claim = "resnet50-tensorflow-5pct-faster"
    before = run_request(claim, RUN[claim], {}, Reason.NOT_RUN)
    assert run_request(claim, RUN[claim], {"cpu": "untested"}, Reason.OFF_SCOPE) == before


def test_where_another_class_has_its_verdict_the_request_is_shorter():
    claim = "cnn-inference-pytorch-25pct-faster"
    whole = run_request(claim, {**RUN[claim], "scope": {"hardware": ["gpu"]}}, {}, Reason.NOT_RUN)
    rest = run_request(claim, RUN[claim], {"cpu": "refuted"}, Reason.OUTSIDE_REGION)
    left_out = [line for line in whole["commands"] if line not in rest["commands"]]
    assert left_out == [".venv/bin/kb doctor", ".venv/bin/kb recheck"]
    assert rest["needs"] == whole["needs"]


@pytest.mark.parametrize("claim", [name for name in RECORDS if name not in RUN])
def test_a_claim_without_anything_to_run_asks_for_nothing(claim):
    assert run_request(claim, as_plain(RECORDS[claim]), {}, Reason.NOT_RUN) is None


@pytest.mark.parametrize("reason", NOWHERE_BETTER)
def test_what_no_machine_could_settle_asks_for_none(reason):
    for claim, record in RUN.items():
        assert run_request(claim, record, {"cpu": "untested"}, reason) is None


@pytest.mark.parametrize("claim", [name for name in RUN if name not in MEASURABLE])
def test_a_claim_of_any_hardware_asks_for_any_machine_until_one_has_decided(claim):
    assert run_request(claim, RUN[claim], {}, Reason.NOT_RUN)["needs"] == "any CPU"
    assert run_request(claim, RUN[claim], {"cpu": "untested"}, Reason.SMOKE) is not None
    assert run_request(claim, RUN[claim], {"cpu": "supported"}, Reason.FINDING) is None


@pytest.mark.parametrize(
    ("claim", "needs"),
    [
        ("resnet50-tensorflow-5pct-faster", "one NVIDIA GPU (up to Hopper) under Linux"),
        (
            "ddp-88pct-256gpu",
            "256 NVIDIA GPUs (up to Hopper, all in one machine: kb starts no processes on others)",
        ),
        (
            "ddp-scales-efficiently",
            "8 NVIDIA GPUs (up to Hopper, all in one machine: kb starts no processes on others)",
        ),
        ("tensorflow-leads-on-tpu", "a TPU, and torch_xla and TensorFlow built for it"),
        (
            "tf-serving-beats-torchserve",
            "a CPU with at least 16 logical cores, tensorflow_model_server on the PATH and Java 11 or newer",
        ),
        (
            "pytorch-mobile-larger-than-tflite",
            "any CPU and access to PyPI, repo1.maven.org and dl.google.com",
        ),
        ("torch-compile-triton-gpu-parity", "one NVIDIA GPU (up to Hopper) under Linux and a C++ compiler"),
    ],
)
def test_what_the_machine_must_have_is_said_in_plain_words(claim, needs):
    assert run_request(claim, RUN[claim], {}, Reason.NOT_RUN)["needs"] == needs


@pytest.mark.parametrize("claim", MEASURABLE)
def test_builds_for_a_gpu_are_installed_only_where_a_gpu_is_asked_for(claim):
    request = run_request(claim, MEASURABLE[claim], {}, Reason.NOT_RUN)
    for part in ("whl/cu126", "tensorflow[and-cuda]"):
        assert any(part in line for line in request["commands"]) is (
            "gpu" in MEASURABLE[claim]["scope"]["hardware"]
        )


def test_extras_that_are_installed_are_pinned_and_exist_in_the_pinned_releases():
    from importlib.metadata import metadata

    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    request = run_request("ddp-88pct-256gpu", RUN["ddp-88pct-256gpu"], {}, Reason.NOT_RUN)
    line = next(line for line in request["commands"] if "pip install" in line)
    wanted = re.findall(r"'(\w+)\[([\w-]+)\]'", line)
    assert len(wanted) == 2
    for name, extra in wanted:
        found = metadata(name)
        assert f"\n{name}=={found['Version']}\n" in pins
        assert extra in found.get_all("Provides-Extra")


def test_every_part_that_has_needs_of_its_own_is_one_of_a_record():
    parts = {
        arm for record in RUN.values() for pair in record.get("cells", {}).get("arms", []) for arm in pair
    }
    assert set(NEEDED) <= parts | {record["verifier"] for record in RUN.values()}


@pytest.mark.parametrize("claim", MEASURABLE)
def test_on_the_screen_it_fits_a_hundred_columns_with_every_command_whole_on_a_line(claim):
    request = run_request(claim, MEASURABLE[claim], {}, Reason.NOT_RUN)
    lines = "\n".join(screen.request(request)).splitlines()
    assert max(map(len, lines)) <= screen.WIDTH
    assert [line.strip() for line in lines][-len(request["commands"]) :] == request["commands"]
    said = " ".join(" ".join(lines[: -len(request["commands"])]).split())
    assert said == f"to settle it on a machine with {request['needs']}:"


# ------------------------------------------------------------------------------------ where it is shown


GPU_CLAIM = tiny.RECORDS[f"claims/training/{MEASURED}.yaml"].replace("hardware: [cpu]", "hardware: [gpu]")


@pytest.fixture
def gpu_root(tmp_path, monkeypatch):
    monkeypatch.setenv("KB_ROOT", str(tmp_path))
    return tiny.make_root(tmp_path, tiny_step_faster=GPU_CLAIM)


def off_scope(root) -> dict:
    lacking = {"reason": "no-hardware", "because": "needs a GPU"}
    return tiny.outcome(tiny.claim_of(root, MEASURED), MEASURED, "r1", lacking=lacking)


def kb(*arguments: str) -> str:
    script = "import sys; from kb.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list_and_show_give_the_same_request_as_json_and_null_where_there_is_none(gpu_root):
    listed = {row["id"]: row["request"] for row in json.loads(kb("list", "--json"))}
    assert listed[MEASURED].keys() == {"needs", "commands"}
    assert classes_asked(listed[MEASURED]) == ["gpu"]
    assert listed[DOCUMENTED] is None
    for claim in (MEASURED, CAPABILITY, DOCUMENTED):
        assert json.loads(kb("show", claim, "--json"))["request"] == listed[claim]


def test_show_prints_the_request_once_however_many_outcomes_lack_the_hardware(gpu_root):
    tiny.write(gpu_root, off_scope(gpu_root))
    text = kb("show", MEASURED)
    assert text.count("to settle it  on a machine with one NVIDIA GPU") == 1
    assert f"\n  {VERIFY}{MEASURED} --device cuda --budget deep --publish\n" in text
    assert "\nsettle it " not in text


def test_show_of_a_claim_that_is_settled_asks_for_nothing(root, outcome_file):
    outcome_file(MEASURED, "r1", effects=noisy(2.0))
    assert "to settle it" not in kb("show", MEASURED)


def test_an_outcome_that_lacked_the_hardware_says_where_to_find_the_commands(gpu_root):
    found = off_scope(gpu_root)
    text = " ".join(screen.outcome(found, found["record"]).split())
    assert (
        f"settle it on a machine with one NVIDIA GPU (up to Hopper) under Linux: kb show {MEASURED} has"
        in text
    )


@pytest.mark.parametrize("reason", Reason)
def test_only_what_another_machine_has_is_looked_for_elsewhere(reason):
    record = RUN["torchserve-35k-rps-16-core"]
    needs = elsewhere({"reason": reason.value, "hardware": "cpu"}, record)
    wanting = reason in (Reason.OFF_SCOPE, Reason.NO_HARDWARE, Reason.NO_SOFTWARE)
    assert needs == ("a CPU with at least 16 logical cores and Java 11 or newer" if wanting else None)


def test_an_outcome_names_the_class_that_it_was_for_or_else_those_of_the_scope():
    record = RUN["xla-reduces-memory"]
    lacking = {"reason": "no-hardware"}
    assert elsewhere({**lacking, "hardware": "gpu"}, record) == "one NVIDIA GPU (up to Hopper) under Linux"
    assert elsewhere({**lacking, "hardware": "cpu"}, record) is None
    tpu = RUN["tensorflow-leads-on-tpu"]
    assert elsewhere({**lacking, "hardware": "cpu"}, tpu).startswith("a TPU")
    assert Hardware.TPU in tpu["scope"]["hardware"]
