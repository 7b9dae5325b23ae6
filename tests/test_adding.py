"""The README's page on adding a claim and a verifier, followed to the letter in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
HEADING = "## Add a claim, add a verifier in ten minutes\n"
BLOCK = re.compile(r"`([a-z]\S+\.(?:yaml|py))`[^\n]*\n\n```(?:yaml|python)\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PARTS = ("claims", "verifiers", "data/sources", "data/schema", "data/figures")


@pytest.fixture(scope="module")
def page() -> str:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    return text.partition(HEADING)[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def followed(page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess]:
    """What each of the page's commands said, in a copy with the files that the page names."""
    root = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        shutil.copytree(CHECKOUT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".venv").symlink_to(sys.prefix)
    for name, text in BLOCK.findall(page):
        assert not (root / name).exists(), f"the page writes over {name}"
        (root / name).write_text(text, encoding="utf-8")
    (commands,) = COMMANDS.findall(page)
    environment = {**os.environ, "KB_ROOT": str(root)}
    return {
        line: subprocess.run(line, shell=True, cwd=root, env=environment, capture_output=True, text=True)
        for line in commands.splitlines()
    }


def test_the_page_has_a_claim_of_each_kind(page):
    kinds = {
        found for _, text in BLOCK.findall(page) for found in re.findall(r"^kind: (\w+)", text, re.MULTILINE)
    }
    assert kinds == {"measured", "capability", "documented", "logical", "judgement"}


def test_what_the_page_says_to_write_has_no_fault(followed):
    lint = followed[".venv/bin/kb lint"]
    assert (lint.returncode, lint.stderr) == (0, "")


def test_the_new_measured_claim_runs(followed):
    smoke = next(done for line, done in followed.items() if "smoke" in line)
    assert smoke.returncode == 3, smoke.stdout + smoke.stderr
    assert "inconclusive  inference-mode-faster" in smoke.stdout
    assert "smoke run" in smoke.stdout


def test_the_other_new_claims_have_their_verdicts(followed):
    done = list(followed.values())[-1]
    said = re.findall(r"^\S (\w+)  (\S+)$", done.stdout, re.MULTILINE)
    assert {claim: verdict for verdict, claim in said} == {
        "from-numpy-shares-memory": "supported",
        "pytorch-2-in-2023": "supported",
        "quarter-more": "refuted",
        "pytorch-for-teaching": "untested",
    }, done.stdout + done.stderr
