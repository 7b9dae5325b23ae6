"""Files in which a system describes itself: /proc, /sys and their like, and tools that print the same."""

import shutil
import subprocess
from pathlib import Path

UNKNOWN = "unknown"
ROOT = Path("/")
SECONDS = 20


def read(path: Path) -> str | None:
    """Return a file's text, stripped; None where there is no such file, `unknown` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return UNKNOWN


def pairs(text: str | None, separator: str | None = ":") -> dict[str, str]:
    """Return `name: value` lines as a mapping; lines of another form are left out.

    Parameters
    ----------
    text : str or None
        The lines.
    separator : str or None
        What stands between name and value; any white space if None.
    """
    parted = (line.split(separator, 1) for line in (text or "").splitlines())
    return {part[0].strip(): part[1].strip() for part in parted if len(part) == 2}


def joined(*parts: str | None) -> str:
    """Return the parts that there are, with spaces between; `unknown` where one could not be read."""
    return UNKNOWN if UNKNOWN in parts else " ".join(part for part in parts if part)


def told(tool: str, *arguments: str) -> str | None:
    """Return what a tool prints; None where it is not installed, fails, or takes longer than 20 s."""
    found = shutil.which(tool)
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, *arguments], capture_output=True, text=True, timeout=SECONDS, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
