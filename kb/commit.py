"""The commit of the code that an outcome comes from."""

import subprocess
from pathlib import Path


def commit(root: Path) -> str | None:
    """Return the commit of the verifiers, with `+modified` where they differ from it; None outside git."""
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", "verifiers", "kb", "claims")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+modified" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
