"""`verify` as a user runs it: real processes, tiny verifiers that behave well, badly, and very badly.

Verdicts that must come out are weighed, in bytes, which no other program's work disturbs. Of runs that are
timed only that is asserted which holds on a busy machine too.
"""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import psutil
import pytest

from kb import planning
from kb.commands.verify import status_of
from kb.library import load_library
from kb.outcome import rejudge
from kb.verification import Options
from kb.verification import verify as verify_here
from kb.words import Budget

HEADER = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["numpy"]\n# ///\n"""A verifier."""\n'
IMPORTS = """
import hashlib, os, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from kb.verifier import Step, Unavailable, measures, probes, weighs
"""
WEIGHED = """
title: The a arm needs half again as much memory as the b arm
kind: measured
statement: a takes half again as much memory as b.
favours: neither
stated_in: [{source: article, quote: half again as much}]
as_of: 2026
estimand: {quantity: memory, unit: B, effect: ratio, of: a, against: b}
quantifier: typical
readings: [{name: peak, value: 1.5}]
region: {low: 1.375, high: 1.625, because: default policy}
conditions: [{name: machine, value: any, stated: true}]
scope: {hardware: [cpu], stated: true}
verifier: tiny
cells: {arms: [[a/x, b/x]]}
primary: {arms: [a/x, b/x]}
"""
MEASURED = WEIGHED.replace("effect: ratio", "effect: speedup").replace("unit: B", "unit: s")
SWEPT = MEASURED.replace(
    "{arms: [[a/x, b/x]]}", "{arms: [[a/x, b/x]], beside: [c/x], threads: [1, all]}"
).replace("{arms: [a/x, b/x]}", "{arms: [a/x, b/x], threads: all}")
CAPABILITY = """
title: The thing works as it is said to
kind: capability
statement: It works.
favours: neither
stated_in: [{source: article, quote: it works}]
as_of: 2026
scope: {hardware: [any], stated: true}
verifier: tiny
expect: [{field: works, is: true}]
"""
PROBE = """
@probes(fields=("works",))
def probe():
    return {"works": True}
"""
WEIGHING = """
@weighs(arms=("a/x", "b/x", "c/x"), steps=1)
def step(cell):
    held = np.empty({"a": 48, "b": 32, "c": 16}[cell.framework] * 2**20, np.uint8)
    return Step(run=lambda: held.fill(1), outputs=lambda: {"logits": np.ones(3)}, flops=1e15)
"""
WAITING = """
@measures(arms=("a/x", "b/x"), warm_steps=3)
def step(cell):
    seconds = 0.002 if cell.framework == "a" else 0.003
    def run():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
    return Step(run=run, outputs=lambda: {"logits": np.ones(3)})
"""
HASHING = """
@measures(arms=("a/x", "b/x"), warm_steps=0)
def step(cell):
    buffer = bytes(2**20)
    return Step(run=lambda: hashlib.sha256(buffer), outputs=lambda: {"logits": np.ones(3)})
"""
"""Both arms do the same, and release the interpreter's lock while they do it."""
THREADS_OF_ENVIRONMENT = 'settings=lambda: {"threads": int(os.environ["OMP_NUM_THREADS"])}'


def make_base(root: Path, body: str, record: str = CAPABILITY) -> Path:
    """Write a knowledge base with one claim and one verifier."""
    for folder in ("claims/training", "data/sources", "verifiers"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "claims" / "training" / "the-claim.yaml").write_text(record)
    (root / "data" / "sources" / "article.yaml").write_text(
        "type: webpage\ntitle: An article\nread: primary\nrole: article\n"
    )
    (root / "verifiers" / "tiny.py").write_text(HEADER + IMPORTS + body)
    return root


@pytest.fixture
def base(tmp_path):
    """Return a function that makes a knowledge base with one claim and one verifier."""
    return lambda body, record=CAPABILITY: make_base(tmp_path, body, record)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "import sys; from kb.cli import main; sys.exit(main())", *arguments]


def environment(root: Path, **more: str) -> dict[str, str]:
    package = str(Path(__file__).resolve().parent.parent)
    return {**os.environ, "KB_ROOT": str(root), "PYTHONPATH": package, **more}


def verify(root: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("verify", "the-claim", "--budget", "quick", *arguments),
        env=environment(root, **more),
        capture_output=True,
        text=True,
        timeout=200,
    )


def outcome_line(done: subprocess.CompletedProcess[str]) -> dict:
    """Return the last line of `verify --json`."""
    return json.loads(done.stdout.splitlines()[-1])


def stored(root: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted((root / "data" / "runs").glob("*/*.json"))]


def left_behind(root: Path) -> list[str]:
    """Return processes that still run a verifier of this root, or anything that it started."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(root) in line and process.pid != os.getpid():
            found.append(line)
    return found


def shortened(monkeypatch: pytest.MonkeyPatch, blocks: int, burst: float = 0.01) -> None:
    """Plan small bursts and exactly so many blocks besides controls, however slow the machine is."""
    monkeypatch.setattr(planning, "FEWEST_BLOCKS", blocks)
    monkeypatch.setattr(planning, "MOST_BLOCKS", blocks)
    for budget in (Budget.QUICK, Budget.NORMAL):
        monkeypatch.setitem(planning.BURST_SECONDS, budget, burst)


@pytest.fixture
def run_shortly(monkeypatch):
    """Return a function that verifies here, in so many blocks; eight can decide, three reach the gates."""

    def run(root: Path, budget: Budget = Budget.QUICK, threads: int = 1, **plan: float) -> dict:
        shortened(monkeypatch, **{"blocks": 3, **plan})
        library = load_library(root)
        assert library.faults == []
        options = Options(budget=budget, threads=threads, seed=7, seconds=600.0)
        return verify_here(library, library.record("the-claim"), options).as_json()

    return run


def by_name(outcome: dict) -> dict[str, dict]:
    return {gate["name"]: gate for gate in outcome["gates"]}


def rows(columns: dict[str, list]) -> list[dict]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def hosted(samples: list[dict]) -> dict[int, set[tuple[str, str]]]:
    """Return, for each block, its sides with the arms that they hosted."""
    found = defaultdict(set)
    for sample in samples:
        found[sample["block"]].add((sample["side"], sample["arm"]))
    return dict(found)


# ------------------------------------------------------------------------------------------- a weighed claim


@pytest.fixture(scope="module")
def supported(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A knowledge base after `verify --json` of a true claim, and how that ended."""
    root = make_base(tmp_path_factory.mktemp("weighed"), WEIGHING, WEIGHED)
    return root, verify(root, "--json", "--seed", "7", "--threads", "1")


def test_a_true_claim_is_supported_and_leaves_no_process(supported):
    root, done = supported
    assert done.returncode == 0, done.stderr
    line = outcome_line(done)
    wanted = {"claim", "run", "verdict", "reason", "direction", "readings", "estimate", "interval", "blocks"}
    assert wanted | {"environment", "indicative", "seconds", "event"} <= set(line)
    assert (line["event"], line["verdict"], line["reason"]) == ("outcome", "supported", "inside-region")
    assert line["direction"] == {"verdict": "supported", "tag": ""}
    assert line["estimate"] == pytest.approx(1.5, rel=0.02)
    assert line["blocks"] >= 8
    assert left_behind(root) == []


def test_every_block_is_told_while_it_runs_and_the_outcome_last(supported):
    _, done = supported
    events = [json.loads(line) for line in done.stdout.splitlines()]
    blocks = events[1:-1]
    assert [event["event"] for event in events] == ["pilot", *["block"] * len(blocks), "outcome"]
    assert [event["block"] for event in blocks] == list(range(1, len(blocks) + 1))
    assert all(event["control"] == (event["block"] % 4 == 0) for event in blocks)
    assert events[-2]["verdict"] == "supported"


def test_an_outcome_keeps_its_plan_every_weighed_process_and_the_seed(supported):
    [outcome] = stored(supported[0])
    assert outcome["format"] == 2
    assert (outcome["plan"]["seed"], outcome["plan"]["threads"], outcome["plan"]["control_every"]) == (
        7,
        1,
        4,
    )
    assert outcome["plan_sha256"]
    assert outcome["parity"] == outcome["voids"] == []
    last = max(outcome["samples"]["block"])
    assert len(outcome["weighed"]) == len(outcome["samples"]["cost"]) == last * 2
    assert {weighed["block"] for weighed in outcome["weighed"]} == set(range(1, last + 1))
    for weighed, cost in zip(outcome["weighed"], outcome["samples"]["cost"], strict=True):
        assert weighed["peak"] == cost


def test_every_fourth_block_holds_one_arm_against_itself_and_the_next_time_the_other(supported):
    [outcome] = stored(supported[0])
    blocks = hosted(rows(outcome["samples"]))
    assert blocks.pop(4) == {("of", "b/x"), ("against", "b/x")}
    assert blocks.pop(8) == {("of", "a/x"), ("against", "a/x")}
    assert blocks[1] == blocks[7] == {("of", "a/x"), ("against", "b/x")}


def test_bytes_are_held_against_no_limit_of_time(supported):
    [outcome] = stored(supported[0])
    assert list(by_name(outcome)) == ["control-failed"]
    assert by_name(outcome)["control-failed"]["passed"]
    assert outcome["watched"] == {}


def test_a_stored_verdict_comes_out_again_from_the_raw_samples(supported):
    [outcome] = stored(supported[0])
    assert {**outcome, **rejudge(outcome)} == outcome
    assert outcome["specifications"]


def test_the_screen_of_a_refuted_claim_shows_what_was_measured_why_on_what_and_what_next(base):
    mirrored = WEIGHED.replace("of: a, against: b", "of: b, against: a").replace("[a/x, b/x]", "[b/x, a/x]")
    root = base(WEIGHING, mirrored)
    done = verify(root)
    assert done.returncode == 1, done.stderr
    for part in (
        "refuted",
        "claimed",
        "measured",
        "direction",
        "reading",
        "because",
        "on ",
        "kb show the-claim",
    ):
        assert part in done.stdout
    assert "block 8 (control)" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 100
    [outcome] = stored(root)
    assert (outcome["verdict"], outcome["direction"]) == ("refuted", {"verdict": "refuted", "tag": "reverse"})


def test_a_smoke_run_never_decides(base):
    done = verify(base(WEIGHING, WEIGHED), "--budget", "smoke", "--json")
    line = outcome_line(done)
    assert (done.returncode, line["verdict"], line["reason"]) == (3, "inconclusive", "smoke")


def test_off_its_scope_an_outcome_is_indicative_and_untested(base, run_shortly):
    outcome = run_shortly(base(WEIGHING, WEIGHED.replace("[cpu]", "[gpu]")), blocks=8)
    assert (status_of(outcome), outcome["verdict"], outcome["reason"]) == (4, "untested", "off-scope")
    assert outcome["indicative"]
    assert outcome["readings"][0]["verdict"] == "supported"


def test_arms_beside_are_shown_and_one_that_is_not_to_be_had_costs_no_verdict(base, run_shortly):
    body = WEIGHING.replace('"c/x")', '"c/x", "d/x")').replace(
        "def step(cell):",
        "def step(cell):\n    if cell.framework == 'd':\n        raise Unavailable('needs a fourth framework')",
    )
    record = WEIGHED.replace("{arms: [[a/x, b/x]]}", "{arms: [[a/x, b/x]], beside: [c/x, d/x]}")
    outcome = run_shortly(base(body, record), Budget.NORMAL, blocks=8)
    assert (outcome["verdict"], outcome["reason"]) == ("supported", "inside-region")
    assert outcome["plan"]["dropped"] == ["d/x: needs a fourth framework"]
    assert outcome["plan"]["beside"] == ["c/x"]
    shown = {(each["of"], each["against"]): each["estimate"] for each in outcome["beside"]}
    assert shown == {
        ("c/x", "a/x"): pytest.approx(1 / 3, rel=0.02),
        ("c/x", "b/x"): pytest.approx(1 / 2, rel=0.02),
    }


# --------------------------------------------------------------------------------------------- a timed claim


@pytest.fixture(scope="module")
def timed(tmp_path_factory) -> dict:
    """The outcome of a claim that is timed at two numbers of threads, with an arm beside that is not there."""
    body = WAITING.replace("ones(3)})", f"ones(3)}}, {THREADS_OF_ENVIRONMENT})").replace(
        "    seconds =",
        "    if cell.framework == 'c':\n        raise Unavailable('needs a third framework')\n    seconds =",
    )
    root = make_base(tmp_path_factory.mktemp("timed"), body, SWEPT)
    library = load_library(root)
    assert library.faults == []
    with pytest.MonkeyPatch.context() as monkeypatch:
        shortened(monkeypatch, blocks=4)
        options = Options(budget=Budget.NORMAL, threads=2, seed=7, seconds=600.0)
        outcome = verify_here(library, library.record("the-claim"), options).as_json()
    assert outcome["failure"] is None, outcome["log"]
    assert left_behind(root) == []
    return outcome


def test_four_blocks_are_measured_besides_a_control_and_each_has_every_cell(timed):
    samples = rows(timed["samples"])
    blocks = hosted(samples)
    assert blocks.pop(4) == {("of", "b/x"), ("against", "b/x")}
    assert blocks == {key: {("of", "a/x"), ("against", "b/x")} for key in (1, 2, 3, 5)}
    assert {(each["block"], each["place"]) for each in samples} == {(block, 1) for block in range(1, 6)}
    assert all(each["cost"] > 0 and each["steps"] >= 5 for each in samples)


def test_once_the_deciding_cell_has_its_blocks_all_cells_are_measured_as_context(timed):
    context = rows(timed["context_samples"])
    assert {(each["block"], each["place"]) for each in context} == {
        (block, place) for block in (1, 2, 3, 5) for place in (0, 1)
    }
    assert hosted(context) == {block: {("of", "a/x"), ("against", "b/x")} for block in (1, 2, 3, 5)}
    assert [(cell["place"], cell["deciding"], cell["blocks"]) for cell in timed["cells"]] == [
        (0, False, 4),
        (1, True, 4),
    ]
    assert set(timed["specifications"]["columns"]["place"]) == {0, 1}


def test_every_round_is_an_order_and_its_mirror_image(timed):
    rounds = defaultdict(list)
    for each in rows(timed["samples"]):
        rounds[each["block"], each["place"], each["round"]].append((each["position"], each["side"]))
    for order in rounds.values():
        positions, sides = zip(*sorted(order), strict=True)
        assert positions == (0, 1, 2, 3)
        assert sides == sides[::-1]
        assert set(sides) == {"of", "against"}


def test_processes_have_the_threads_of_their_cells(timed):
    assert timed["plan"]["settings"] == [{"threads": 1}, {"threads": "all"}]
    assert timed["settings"] == {
        f"{arm}/x with {threads} threads": {"threads": threads} for arm in "ab" for threads in (1, 2)
    }
    assert timed["voids"] == []


def test_an_arm_beside_that_is_not_to_be_had_is_named_and_the_rest_is_timed(timed):
    assert timed["plan"]["dropped"] == ["c/x: needs a third framework"]
    assert timed["beside"] == []
    assert timed["blocks"] == 4


def test_every_block_was_watched_and_every_gate_has_its_figure_and_limit(timed):
    watched = rows(timed["watched"])
    assert [each["block"] for each in watched] == [1, 2, 3, 4, 5]
    assert all(each["wall"] >= each["bursts"] > 0 < each["cores"] for each in watched)
    assert list(by_name(timed)) == ["settings-differ", "interference", "partner-busy", "control-failed"]
    for gate in timed["gates"]:
        assert gate["passed"] == (gate["figure"] <= gate["limit"])
        assert gate["seen"]
        assert gate["advice"]
    assert timed["verdict"] == "inconclusive"
    failed = [gate["name"] for gate in timed["gates"] if not gate["passed"]]
    assert timed["reason"] in (failed[:1] or ["precision", "dependence"])


def test_the_pilot_is_kept_apart_from_what_is_judged(timed):
    assert set(timed["trial"]["block"]) == {-1, 0}
    assert set(timed["trial"]["place"]) == {1}
    arms = {f"{arm}/x@{place}" for arm in "ab" for place in (0, 1)}
    assert set(timed["pilot"]) == {*arms, "run"}
    assert set(timed["pilot"]["run"]) >= {"blocks", "rounds", "block_seconds", "resolvable"}
    assert max(timed["samples"]["round"]) + 1 == timed["pilot"]["run"]["rounds"]


def test_first_calls_are_noted_with_cold_and_with_warm_caches(timed):
    assert set(timed["first_calls"]) == {f"{arm}/x@{place}" for arm in "ab" for place in (0, 1)}
    for key, first in timed["first_calls"].items():
        warm = {"warm_ns"} if key.endswith("@1") else set()  # context has its first calls once
        assert set(first) == {"import_ns", "build_ns", "cold_ns", "typical_ns"} | warm
        assert all(spent > 0 for spent in first.values())


def test_what_bursts_and_processes_leave_of_the_time_is_what_kb_itself_takes(base, run_shortly):
    spent = run_shortly(base(HASHING, MEASURED), blocks=1, burst=0.04)["time"]
    assert spent["own"] == pytest.approx(spent["wall"] - spent["bursts"] - spent["processes"], abs=0.01)
    assert spent["own"] > -0.01


def test_context_that_fails_is_left_out_and_costs_no_verdict(base, run_shortly):
    body = WEIGHING.replace(
        "def step(cell):",
        "def step(cell):\n    if cell.framework == 'c':\n        os.abort()",
    )
    record = WEIGHED.replace("{arms: [[a/x, b/x]]}", "{arms: [[a/x, b/x]], beside: [c/x]}")
    outcome = run_shortly(base(body, record), Budget.NORMAL, blocks=8)
    assert (outcome["verdict"], outcome["reason"]) == ("supported", "inside-region")
    assert outcome["beside"] == []
    assert "SIGABRT" in outcome["pilot"]["context"]["left_out"]


def test_off_the_scope_the_time_that_is_kept_goes_to_the_cells_that_decide_nothing(
    base, run_shortly, monkeypatch
):
    monkeypatch.setattr(planning, "CONTEXT_SHARE", 1.0)
    record = WEIGHED.replace("{arms: [[a/x, b/x]]}", "{arms: [[a/x, b/x]], beside: [c/x]}")
    record = record.replace("hardware: [cpu]", "hardware: [gpu]")
    outcome = run_shortly(base(WEIGHING, record), Budget.NORMAL, blocks=2)
    assert (outcome["verdict"], outcome["indicative"]) == ("untested", True)
    assert rows(outcome["samples"]) == []
    assert {each["block"] for each in rows(outcome["context_samples"])} == {1, 2}


# ------------------------------------------------------------------------------------ what withholds a verdict


@pytest.mark.parametrize(("body", "record"), [(WEIGHING, WEIGHED), (WAITING, MEASURED)])
def test_a_declared_setting_that_is_not_in_force_voids_the_run(base, body, record):
    root = base(body.replace("ones(3)}", "ones(3)}, settings=lambda: {'threads': 7}"), record)
    done = verify(root, "--json", "--threads", "1")
    line = outcome_line(done)
    assert (done.returncode, line["verdict"], line["reason"]) == (4, "untested", "settings-differ")
    assert "threads is 7, declared was 1" in line["because"]
    assert line["estimate"] is None
    assert {reading["verdict"] for reading in line["readings"]} <= {"untested"}
    assert stored(root)[0]["voids"]


@pytest.mark.skipif(psutil.cpu_count() < 2, reason="two threads need two cores")
def test_an_arm_that_keeps_more_cores_busy_than_declared_decides_nothing(base, run_shortly):
    body = HASHING.replace(
        "lambda: hashlib.sha256(buffer)", "lambda: list(pool.map(hashlib.sha256, [buffer] * 4))"
    ).replace("    buffer =", "    pool = ThreadPoolExecutor(2)\n    buffer =")
    outcome = run_shortly(base(body, MEASURED), threads=1)
    assert outcome["verdict"] == "inconclusive"
    # where others keep it from two cores, it is they that withhold the verdict
    assert outcome["reason"] in ("settings-differ", "interference")
    gate = by_name(outcome)["settings-differ"]
    assert gate["passed"] is (outcome["reason"] == "interference")
    assert "with 1 threads declared" in gate["seen"]


def test_a_step_that_is_faster_than_the_chip_can_be_decides_nothing(base, run_shortly):
    outcome = run_shortly(base(HASHING.replace("ones(3)}", "ones(3)}, flops=1e18"), MEASURED))
    assert (outcome["verdict"], outcome["reason"]) == ("inconclusive", "implausible")
    assert outcome["direction"]["verdict"] == "inconclusive"


def test_a_process_that_works_while_it_should_wait_decides_nothing(base, run_shortly):
    spinning = """
    def spin():
        while True:
            hashlib.sha256(buffer)
    threading.Thread(target=spin, daemon=True).start()
    return Step("""
    outcome = run_shortly(
        base(HASHING.replace("    return Step(", spinning.lstrip("\n")), MEASURED), threads=2
    )
    assert outcome["verdict"] == "inconclusive"
    assert outcome["reason"] in ("partner-busy", "interference")
    assert not by_name(outcome)["partner-busy"]["passed"]


def test_work_of_other_programs_on_every_core_decides_nothing(base, run_shortly):
    root = base(HASHING, MEASURED)
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(psutil.cpu_count())]
    try:
        outcome = run_shortly(root)
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert (outcome["verdict"], outcome["reason"]) == ("inconclusive", "interference")
    assert outcome["direction"]["verdict"] == "inconclusive"
    assert {reading["verdict"] for reading in outcome["readings"]} == {"inconclusive"}


def test_arms_that_compute_different_things_start_no_clock(base):
    body = WAITING.replace("np.ones(3)", "np.full(3, 1.0 + (cell.framework == 'a'))")
    root = base(body.replace("warm_steps=3", "warm_steps=0"), MEASURED)
    done = verify(root, "--json")
    line = outcome_line(done)
    assert (done.returncode, line["verdict"], line["reason"]) == (4, "untested", "parity-failed")
    assert "logits" in line["because"]
    assert stored(root)[0]["samples"]["cost"] == []


def test_arms_that_report_no_outputs_start_no_clock(base):
    done = verify(base(WEIGHING.replace('{"logits": np.ones(3)}', "{}"), WEIGHED), "--json")
    line = outcome_line(done)
    assert (done.returncode, line["reason"]) == (4, "parity-failed")
    assert "no outputs" in line["because"]


def test_arms_that_agree_on_another_draw_are_measured_on_that_draw(base):
    body = WEIGHING.replace("np.ones(3)", "np.full(3, 1.0 + (cell.framework == 'a' and cell.seed == 5))")
    root = base(body, WEIGHED)
    assert verify(root, "--budget", "smoke", "--seed", "5").returncode == 3
    [outcome] = stored(root)
    assert (outcome["plan"]["seed"], outcome["parity"], outcome["blocks"]) == (6, [], 1)


# ------------------------------------------------------------------------------------------------ misbehaviour


MISBEHAVIOUR = {
    "raises": ("raise RuntimeError('planted fault')", "crashed", "planted fault"),
    "leaves": ("os._exit(3)", "exit status 3", ""),
    "is-killed": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", ""),
    "hangs": ("signal.pause()", "no answer within", ""),
    "answers-no-mapping": ("return 'rubbish'", "crashed", "exactly the fields"),
    "answers-other-fields": ("return {'walks': True}", "crashed", "exactly the fields"),
    "answers-not-a-number": ("return {'works': float('nan')}", "crashed", ""),
    "writes-into-the-pipe": ("os.write(int(sys.argv[-1]), b'rubbish\\n'); time.sleep(99)", "rubbish", ""),
    "runs-out-of-memory": (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (1 << 29, 1 << 29)); np.ones(1 << 29)",
        "crashed",
        "MemoryError",
    ),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
def test_a_verifier_that_misbehaves_gives_no_verdict_and_leaves_nothing(base, case):
    body, message, in_log = MISBEHAVIOUR[case]
    start_child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', __file__], start_new_session=True)"
    root = base(f"\n@probes(fields=('works',))\ndef probe():\n    {start_child}\n    {body}\n")
    done = verify(root, KB_REQUEST_SECONDS="8")
    assert done.returncode == 5, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stdout
    [outcome] = stored(root)
    assert (outcome["verdict"], outcome["reason"]) == ("untested", "crashed")
    assert in_log in outcome["log"]
    assert left_behind(root) == []


def test_printing_to_standard_output_harms_nothing(base):
    body = "\n@probes(fields=('works',))\ndef probe():\n    print('{\"finding\": {\"works\": false}}')\n    return {'works': True}\n"
    assert verify(base(body)).returncode == 0


def test_a_missing_package_is_named_and_the_claim_untested(base):
    root = base(PROBE)
    script = root / "verifiers" / "tiny.py"
    script.write_text(script.read_text().replace('["numpy"]', '["numpy", "no-such-framework>=2"]'))
    done = verify(root, "--json")
    line = outcome_line(done)
    assert (done.returncode, line["verdict"], line["reason"]) == (4, "untested", "no-software")
    assert "pip install 'no-such-framework>=2'" in line["because"]


def test_a_verifier_that_lacks_hardware_says_so(base):
    body = "\n@probes(fields=('works',))\ndef probe():\n    raise Unavailable('needs 2 GPUs; this machine has none', 'no-hardware')\n"
    done = verify(base(body), "--json")
    line = outcome_line(done)
    assert (done.returncode, line["reason"], line["because"]) == (
        4,
        "no-hardware",
        "needs 2 GPUs; this machine has none",
    )


def test_an_unknown_device_is_untested(base):
    done = verify(base(WEIGHING, WEIGHED), "--json", "--device", "tpu")
    assert (done.returncode, outcome_line(done)["reason"]) == (4, "no-hardware")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_in_a_block_keeps_what_it_measured_and_leaves_nothing(base, sent):
    root = base(WAITING, MEASURED)
    with subprocess.Popen(
        command("verify", "the-claim", "--json"), env=environment(root), stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout:
            if json.loads(line)["event"] == "block":
                break
        running.send_signal(sent)
        *_, last = running.communicate(timeout=60)[0].splitlines()
    assert running.returncode == 130
    assert (json.loads(last)["event"], json.loads(last)["reason"]) == ("outcome", "interrupted")
    [outcome] = stored(root)
    assert outcome["interrupted"]
    assert (outcome["verdict"], outcome["reason"]) == ("inconclusive", "interrupted")
    assert len(outcome["samples"]["cost"]) >= 4
    assert outcome["first_calls"]
    assert left_behind(root) == []


def test_a_run_that_is_interrupted_in_its_pilot_is_stored_without_samples_and_leaves_nothing(base):
    """The second process to time a burst says so and waits for ever, so the signal comes then."""
    burst = """
    mark, told = Path(__file__).with_name("burst"), Path(__file__).with_name("told")
    def run():
        if sys._getframe(1).f_code.co_name == "burst":
            if not mark.exists():
                mark.write_text(cell.arm)
            elif mark.read_text() != cell.arm:
                told.write_text("now")
                signal.pause()
    return Step(run=run,"""
    root = base(
        HASHING.replace("    return Step(run=lambda: hashlib.sha256(buffer),", burst.lstrip("\n")), MEASURED
    )
    told = root / "verifiers" / "told"
    os.mkfifo(told)
    with subprocess.Popen(command("verify", "the-claim", "--quiet"), env=environment(root)) as running:
        assert told.read_text() == "now"
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
    [outcome] = stored(root)
    assert outcome["interrupted"]
    assert (outcome["verdict"], outcome["reason"]) == ("inconclusive", "interrupted")
    assert (outcome["samples"]["cost"], outcome["blocks"], outcome["estimate"]) == ([], 0, None)
    assert len(outcome["trial"]["cost"]) == 1
    assert left_behind(root) == []


def test_two_runs_at_once_are_both_stored(base):
    root = base(PROBE)
    both = [
        subprocess.Popen(
            command("verify", "the-claim"),
            env=environment(root),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    assert [running.wait(timeout=100) for running in both] == [0, 0]
    assert len(stored(root)) == 2
    counted = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from kb.database import query; "
            "print(query(Path(sys.argv[1]), 'SELECT count(*) AS n FROM outcome')['n'][0])",
            str(root),
        ],
        env=environment(root),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert counted.stdout.strip() == "2", counted.stderr


def test_an_arm_that_is_not_to_be_had_leaves_a_typical_claim_untested(base):
    body = WAITING.replace(
        "def step(cell):",
        "def step(cell):\n    if cell.framework == 'b':\n        raise Unavailable('needs g++')",
    )
    line = outcome_line(verify(base(body, MEASURED), "--json"))
    assert (line["verdict"], line["reason"]) == ("untested", "no-software")
    assert "b/x: needs g++" in line["because"]


def test_two_broken_records_are_both_reported_and_nothing_runs(base):
    root = base(WAITING, MEASURED.replace("kind: measured", "kind: measurd"))
    (root / "claims" / "training" / "other.yaml").write_text(
        CAPABILITY.replace("is: true", "is: true, odd: 1")
    )
    done = verify(root, "other")
    assert done.returncode == 2
    assert "the-claim.yaml:3: kind" in done.stderr
    assert "other.yaml" in done.stderr
    assert stored(root) == []
