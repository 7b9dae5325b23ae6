"""Fixtures that several test modules share; what they make stands in `tiny.py`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from hypothesis import settings

settings.register_profile("kb", deadline=None, derandomize=True)  # a shared machine stalls now and then
settings.load_profile("kb")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A knowledge base with one sound measured, capability and documented claim; KB_ROOT names it."""
    monkeypatch.setenv("KB_ROOT", str(tmp_path))
    return tiny.make_root(tmp_path)


@pytest.fixture
def outcome_file(root: Path) -> Callable[..., Path]:
    """Write a valid outcome file: `outcome_file(claim, run, folder=..., **see tiny.raw_outcome)`."""

    def make(claim: str, run: str, folder: str = "data/runs", **given: Any) -> Path:
        return tiny.write(root, tiny.outcome(tiny.claim_of(root, claim), claim, run, **given), folder)

    return make


@pytest.fixture(scope="session")
def copying_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for PYTHONPATH with a `venv` that copies one real environment, which takes a tenth.

    Only the scripts in an environment's `bin` name its place, and kb uses none of them but `python`, a link.
    """
    folder = tmp_path_factory.mktemp("venv")
    made = folder / "made"
    subprocess.run([sys.executable, "-m", "venv", str(made)], check=True)
    copy = f"import shutil, sys\n\nshutil.copytree({str(made)!r}, sys.argv[1], symlinks=True)\n"
    (folder / "venv.py").write_text(copy, encoding="utf-8")
    return folder
