"""`verify` as a user runs it: real processes, tiny verifiers that behave well, badly, and very badly."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

HEADER = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["numpy"]\n# ///\n"""A verifier."""\n'
IMPORTS = "import os, signal, subprocess, sys, time\nimport numpy as np\nfrom kb.verifier import Step, Unavailable, measures, probes\n"
MEASURED = """
title: The a arm is half again as fast as the b arm
kind: measured
statement: a takes two thirds of b's time.
favours: neither
stated_in: [{source: article, quote: half again as fast}]
as_of: 2026
estimand: {quantity: time, unit: s, effect: speedup, of: a, against: b}
quantifier: typical
readings: [{name: throughput, value: 1.5}]
region: {low: 1.375, high: 1.625, because: default policy}
conditions: [{name: machine, value: any, stated: true}]
scope: {hardware: [cpu], stated: true}
verifier: tiny
cells: {arms: [[a/x, b/x]]}
primary: {arms: [a/x, b/x]}
"""
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


@pytest.fixture
def base(tmp_path):
    """Return a function that makes a knowledge base with one claim and one verifier."""

    def make(body: str, record: str = CAPABILITY) -> Path:
        (tmp_path / "claims" / "training").mkdir(parents=True, exist_ok=True)
        (tmp_path / "claims" / "training" / "the-claim.yaml").write_text(record)
        (tmp_path / "data" / "sources").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "sources" / "article.yaml").write_text(
            "type: webpage\ntitle: An article\nread: primary\nrole: article\n"
        )
        (tmp_path / "verifiers").mkdir(exist_ok=True)
        (tmp_path / "verifiers" / "tiny.py").write_text(HEADER + IMPORTS + body)
        return tmp_path

    return make


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


def test_a_true_claim_is_supported_with_its_raw_samples(base):
    root = base(WAITING, MEASURED)
    done = verify(root, "--json", "--seed", "7")
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout)
    wanted = {"claim", "run", "verdict", "reason", "direction", "readings", "estimate", "interval", "blocks"}
    assert wanted | {"environment", "indicative", "seconds"} <= set(line)
    assert line["verdict"] == "supported"
    assert line["direction"] == {"verdict": "supported", "tag": ""}
    assert line["blocks"] >= 8
    [outcome] = stored(root)
    assert len(outcome["samples"]["cost"]) >= 8 * 4
    assert outcome["plan"]["seed"] == 7
    assert outcome["plan_sha256"]
    assert outcome["partner_cpu"] < 0.5
    assert left_behind(root) == []


def test_the_same_figure_refutes_the_mirrored_claim(base):
    mirrored = MEASURED.replace("of: a, against: b", "of: b, against: a").replace("[a/x, b/x]", "[b/x, a/x]")
    done = verify(base(WAITING, mirrored), "--json")
    assert done.returncode == 1, done.stderr
    line = json.loads(done.stdout)
    assert (line["verdict"], line["direction"]) == ("refuted", {"verdict": "refuted", "tag": "reverse"})


def test_the_screen_shows_claim_measurement_verdict_reason_machine_and_what_next(base):
    done = verify(base(WAITING, MEASURED))
    for part in (
        "supported",
        "claimed",
        "measured",
        "direction",
        "reading",
        "because",
        "on ",
        "kb show the-claim",
    ):
        assert part in done.stdout
    assert "block 8" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_smoke_run_never_decides(base):
    done = verify(base(WAITING, MEASURED), "--budget", "smoke", "--json")
    line = json.loads(done.stdout)
    assert (done.returncode, line["verdict"], line["reason"]) == (3, "inconclusive", "smoke")


def test_off_its_scope_an_outcome_is_indicative_and_untested(base):
    done = verify(base(WAITING, MEASURED.replace("[cpu]", "[gpu]")), "--json")
    line = json.loads(done.stdout)
    assert (done.returncode, line["verdict"], line["reason"]) == (4, "untested", "off-scope")
    assert line["indicative"]
    assert line["readings"][0]["verdict"] == "supported"


def test_arms_that_compute_different_things_start_no_clock(base):
    body = WAITING.replace("np.ones(3)", "np.full(3, 1.0 + (cell.framework == 'a'))")
    root = base(body, MEASURED)
    done = verify(root, "--json")
    line = json.loads(done.stdout)
    assert (done.returncode, line["verdict"], line["reason"]) == (4, "untested", "parity-failed")
    assert "logits" in line["because"]
    assert stored(root)[0]["samples"]["cost"] == []


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
    root = base("\n@probes(fields=('works',))\ndef probe():\n    return {'works': True}\n")
    script = root / "verifiers" / "tiny.py"
    script.write_text(script.read_text().replace('["numpy"]', '["numpy", "no-such-framework>=2"]'))
    done = verify(root, "--json")
    line = json.loads(done.stdout)
    assert (done.returncode, line["verdict"], line["reason"]) == (4, "untested", "no-software")
    assert "pip install 'no-such-framework>=2'" in line["because"]


def test_a_verifier_that_lacks_hardware_says_so(base):
    body = "\n@probes(fields=('works',))\ndef probe():\n    raise Unavailable('needs 2 GPUs; this machine has none', 'no-hardware')\n"
    done = verify(base(body), "--json")
    line = json.loads(done.stdout)
    assert (done.returncode, line["reason"], line["because"]) == (
        4,
        "no-hardware",
        "needs 2 GPUs; this machine has none",
    )


def test_an_unknown_device_is_untested(base):
    done = verify(base(WAITING, MEASURED), "--json", "--device", "tpu")
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (4, "no-hardware")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_measured_and_leaves_nothing(base, sent):
    root = base(WAITING, MEASURED)
    running = subprocess.Popen(
        command("verify", "the-claim"),
        env=environment(root),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in running.stderr:
        if "block 2" in line:
            break
    running.send_signal(sent)
    running.communicate(timeout=60)
    assert running.returncode == 130
    [outcome] = stored(root)
    assert outcome["interrupted"]
    assert (outcome["verdict"], outcome["reason"]) == ("inconclusive", "interrupted")
    assert len(outcome["samples"]["cost"]) >= 8
    assert left_behind(root) == []


def test_two_runs_at_once_are_both_stored(base):
    root = base("\n@probes(fields=('works',))\ndef probe():\n    return {'works': True}\n")
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
    line = json.loads(verify(base(body, MEASURED), "--json").stdout)
    assert (line["verdict"], line["reason"]) == ("untested", "no-software")
    assert "b/x: needs g++" in line["because"]


def test_time_outside_bursts_and_start_up_is_small(base):
    root = base(WAITING, MEASURED)
    verify(root)
    spent = stored(root)[0]["time"]
    assert spent["own"] == pytest.approx(spent["wall"] - spent["bursts"] - spent["processes"], abs=0.01)


def test_arms_that_report_no_outputs_start_no_clock(base):
    root = base(WAITING.replace('{"logits": np.ones(3)}', "{}"), MEASURED)
    done = verify(root, "--json")
    line = json.loads(done.stdout)
    assert (done.returncode, line["reason"]) == (4, "parity-failed")
    assert "no outputs" in line["because"]


def test_arms_that_agree_on_another_draw_are_measured_on_that_draw(base):
    body = WAITING.replace("np.ones(3)", "np.full(3, 1.0 + (cell.framework == 'a' and cell.seed == 5))")
    root = base(body, MEASURED)
    done = verify(root, "--json", "--seed", "5")
    assert json.loads(done.stdout)["verdict"] == "supported", done.stderr
    assert stored(root)[0]["plan"]["seed"] == 6


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
