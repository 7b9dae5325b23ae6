"""`verify --all` that is ended before its end: nothing is left behind, and it goes on where it was."""

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from test_verify_for_real import (
    CAPABILITY,
    HEADER,
    IMPORTS,
    MEASURED,
    WAITING,
    WEIGHED,
    WEIGHING,
    command,
    environment,
    left_behind,
    make_base,
    stored,
)

from kb.library import load_library
from kb.outcome import rejudge
from kb.verification import Options, verify
from kb.words import Budget

FIRST, SECOND, THIRD = "a-claim", "b-claim", "c-claim"
STUCK = "import itertools, json\n" + WEIGHING.replace(
    "def step(cell):",
    """def step(cell):
    told, stuck = Path(__file__).with_name("told"), Path(__file__).with_name("stuck")
    if not stuck.exists():
        stuck.touch()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        asleep = [sys.executable, "-c", deaf, __file__]
        children = [subprocess.Popen(asleep, start_new_session=apart).pid for apart in (False, True)]
        orphan = subprocess.check_output(["sh", "-c", "sleep 600 >&- & echo $!"], start_new_session=True)
        told.write_text(json.dumps([os.getpid(), *children, int(orphan)]))
        sum(itertools.repeat(0))""",
)
"""Starts, when it first runs, a child, one in a session of its own and an orphan, and loops in C for ever."""
ALL = ("verify", "--all", "--kind", "measured", "--budget", "smoke", "--json")


@pytest.fixture
def three(tmp_path) -> Path:
    """A knowledge base of three measured claims; the verifier of the second is stuck when it first runs."""
    root = make_base(tmp_path / "base", WEIGHING, WEIGHED)
    (root / "claims/training/the-claim.yaml").unlink()
    (root / "verifiers/stuck.py").write_text(HEADER + IMPORTS + STUCK)
    for name in (FIRST, SECOND, THIRD):
        record = WEIGHED.replace("verifier: tiny", "verifier: stuck") if name == SECOND else WEIGHED
        (root / f"claims/training/{name}.yaml").write_text(record.replace("title: The", f"title: {name} the"))
    os.mkfifo(root / "verifiers/told")
    return root


def outcomes(lines: str) -> list[str]:
    events = [json.loads(line) for line in lines.splitlines()]
    return [event["claim"] for event in events if event["event"] == "outcome"]


def ended(processes: list[psutil.Process]) -> bool:
    """Wait until processes have ended; one that nobody reaps has."""
    _, left = psutil.wait_procs(processes, timeout=30)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in left)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_ended_in_its_second_claim_it_leaves_no_process_and_no_folder_and_resumes_there(three, sent):
    temporary = three / "temporary"
    temporary.mkdir()
    there = environment(three, TMPDIR=str(temporary))
    with subprocess.Popen(command(*ALL), env=there, stdout=subprocess.PIPE, text=True) as running:
        started = json.loads((three / "verifiers/told").read_text())
        family = [*psutil.Process(running.pid).children(recursive=True), *map(psutil.Process, started)]
        running.send_signal(sent)
        lines, _ = running.communicate(timeout=60)
    killed = sent is signal.SIGKILL
    assert running.returncode == (-sent if killed else 130)
    assert ended(family)
    assert left_behind(three) == []
    assert list(temporary.iterdir()) == []
    first, *rest = stored(three)
    assert (first["claim"], first["reason"], {**first, **rejudge(first)}) == (FIRST, "smoke", first)
    assert [(each["claim"], each["reason"]) for each in rest] == [(SECOND, "interrupted")] * (not killed)
    assert outcomes(lines) == [FIRST, SECOND][: 1 if killed else 2]
    assert all(path.suffix == ".json" for path in (three / "data/runs").glob("*/*"))

    resumed = subprocess.run(
        command(*ALL, "--resume"), env=there, capture_output=True, text=True, timeout=120
    )
    assert (resumed.returncode, outcomes(resumed.stdout)) == (3, [SECOND, THIRD])
    assert subprocess.run(command("recheck"), env=there, capture_output=True, timeout=60).returncode == 0


def test_what_nohup_has_ignored_does_not_interrupt(tmp_path):
    root = make_base(tmp_path, "\n@probes(fields=('works',))\ndef probe():\n    os.kill(os.getppid(), signal.SIGHUP)\n    return {'works': True}\n")  # fmt: skip
    done = subprocess.run(
        command("verify", "the-claim", "--quiet"),
        env=environment(root),
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_an_outcome_of_another_wall_time_is_not_the_same_to_resume(tmp_path):
    body = WAITING.replace("np.ones(3)", "np.full(3, 1.0 + (cell.framework == 'a'))")  # ends at the gate
    root = make_base(tmp_path, body.replace("warm_steps=3", "warm_steps=0"), MEASURED)

    def resumed(*seconds: str) -> list[str]:
        given = command("verify", "the-claim", "--resume", "--json", "--budget", "quick", *seconds)
        done = subprocess.run(given, env=environment(root), capture_output=True, text=True, timeout=60)
        assert done.returncode == 4  # also of what was left out, as it had its verdict
        return outcomes(done.stdout)

    assert resumed("--seconds", "10") == ["the-claim"]
    assert resumed("--seconds", "10") == []
    assert resumed("--seconds", "11") == ["the-claim"]
    assert resumed() == ["the-claim"]
    assert resumed("--seconds", "180") == []


def test_a_pilot_that_spends_the_budget_opens_nothing_more_and_times_nothing(tmp_path):
    root = make_base(
        tmp_path, WAITING.replace("    seconds =", "    time.sleep(0.6)\n    seconds ="), MEASURED
    )
    library = load_library(root)
    options = Options(budget=Budget.QUICK, threads=1, seed=7, seconds=0.5)
    outcome = verify(library, library.record("the-claim"), options).as_json()
    assert (outcome["verdict"], outcome["reason"]) == ("inconclusive", "budget")
    assert len(outcome["pilot"]) < 2
    assert outcome["trial"]["cost"] == outcome["samples"]["cost"] == []


def test_claims_with_one_probing_verifier_share_its_run_and_say_when_it_was(tmp_path):
    body = "\n@probes(fields=('works',))\ndef probe():\n    with open(__file__ + '.runs', 'a') as file:\n        file.write('run ')\n    return {'works': True}\n"
    root = make_base(tmp_path, body)
    refuted = CAPABILITY.replace("title: The thing", "title: No thing").replace("is: true", "is: false")
    (root / "claims/training/z-claim.yaml").write_text(refuted)
    done = subprocess.run(command("verify", "--all"), env=environment(root), capture_output=True, timeout=60)
    assert done.returncode == 1
    assert (root / "verifiers/tiny.py.runs").read_text() == "run "
    one, other = stored(root)
    assert [one["verdict"], other["verdict"]] == ["supported", "refuted"]
    for name in ("finding", "started", "ended", "seconds"):
        assert one[name] == other[name]
    assert one["run"] != other["run"]
