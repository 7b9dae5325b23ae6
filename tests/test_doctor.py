"""`kb doctor` as a user meets it: the fingerprint, what is here and what is not, and which claims that allows."""

import json
import os
import subprocess
import sys
from pathlib import Path

from kb.environment import observe

CHECKOUT = Path(__file__).parent.parent
KB = "import sys; from kb.cli import main; sys.exit(main())"
SMI = """#!/bin/sh
case "$1" in
  --query*) echo 'NVIDIA H200, 143771 MiB, 550.54, 9.0, 700.00 W, Disabled, [Unknown Error]';;
  *) echo 'CUDA Version: 12.4';;
esac
"""


def doctor(*arguments: str, **environment: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1", **environment}
    command = [sys.executable, "-c", KB, "doctor", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    return done.stdout


def test_the_doctor_shows_every_group_of_the_key_and_fits_a_hundred_columns(root):
    lines = doctor().splitlines()
    labels = {line.split("  ")[0] for line in lines if line and not line.startswith(" ")}
    assert labels >= {"environment", "just now", "devices", *observe().key}
    assert labels >= {f"no {name}" for name in ("cuda", "rocm", "mps", "xpu", "tpu")}
    assert max(map(len, lines)) <= 100


def test_the_doctors_json_has_key_context_devices_and_accelerators(root):
    found = json.loads(doctor("--json"))
    here = observe()
    assert (found["environment"], found["key"]) == (here.fingerprint, here.key)
    assert set(found["context"]) == set(here.context)
    assert (found["devices"], found["accelerators"], found["unread"]) == (["cpu"], [], [])
    assert set(found["absent"]) == {"cuda", "rocm", "mps", "xpu", "tpu"}


def test_the_doctor_says_for_what_an_environment_equals_no_other(root, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "nvidia-smi").write_text(SMI, encoding="utf-8")
    (tools / "nvidia-smi").chmod(0o755)
    said = doctor(PATH=f"{tools}:{os.environ['PATH']}")
    assert "accelerators.0.ecc" in said.splitlines()[0] + said.splitlines()[1]
    assert "name: NVIDIA H200" in said
    assert "no cuda" not in said
    assert "equal_to_no_other" not in said
