"""Interpreters with packages of their own, in cached environments, for workers that cannot run on kb's.

An environment is named by the hash of its requirements, made once, and kept until `kb clean`.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from kb.sentinel import TOKEN, cleaned_up
from kb.verifier import Unavailable

CACHE = "KB_CACHE"
MADE = "made.json"
WORKERS_NEED = "numpy"
UNREACHED = re.compile(r"Could not fetch URL \S+: (?!4\d\d Client Error).*")  # 4xx is an answer
BROKEN = re.compile(r"Max retries exceeded|timed out|Connection (broken|reset|aborted)|ConnectionError")
NO_RELEASE = re.compile(r"a version that satisfies the requirement (.+) \(from versions: (.*)\)")
CONFLICT = re.compile(r"Cannot install (.+) because these package versions have conflicting dependencies")
SKIPPED = re.compile(r"none of the wheel's tags \(.*?\) are compatible.*?/([^/\s#]+\.whl)")
DEPENDS = re.compile(r"\S+ \S+ depends on \S+")
SAID = 300


class Unreachable(Unavailable):
    """No package registry could be reached, so nothing is known of whether the packages install."""


class Unresolvable(Unavailable):
    """A registry was reached, and it has no releases as asked for that install together on this Python."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that workers run on.

    Attributes
    ----------
    path : Path
        The executable.
    installed : list of str
        Everything that is installed for it, as sorted `name==version`.
    """

    path: Path
    installed: list[str]


def isolated(requirements: Iterable[str], tell: Callable[[str], None] = lambda said: None) -> Interpreter:
    """Return an interpreter with just these packages, and make its environment if there is none yet.

    Parameters
    ----------
    requirements : iterable of str
        As pip takes them (PEP 508); numpy, which every worker needs, is added.
    tell : callable
        Told what is being done before the part that takes minutes.

    Raises
    ------
    Unreachable
        Without a package registry.
    Unresolvable
        Where the packages do not install together on this Python.
    Unavailable
        Where making the environment fails otherwise, such as on a full disk.
    """
    folder, wanted = _place(requirements)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / MADE).is_file():
            tell(f"installing {', '.join(wanted)} into an environment of their own")
            _make(folder, wanted)
        return _made(folder)


def found(requirements: Iterable[str]) -> Interpreter | None:
    """Return the interpreter with just these packages if there is one already."""
    folder, _ = _place(requirements)
    return _made(folder) if (folder / MADE).is_file() else None


def _place(requirements: Iterable[str]) -> tuple[Path, list[str]]:
    """Return where an environment lies, and all that it has to have."""
    given = set(requirements)
    named = {canonicalize_name(Requirement(each).name) for each in given}
    wanted = sorted(given | ({WORKERS_NEED} - named))
    return cache() / _name(wanted), wanted


def _made(folder: Path) -> Interpreter:
    return Interpreter(_python(folder), json.loads((folder / MADE).read_text(encoding="utf-8"))["installed"])


def cache() -> Path:
    """Return where environments lie: in `KB_CACHE`, else in the user's cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claims-kb"
    return Path(os.environ.get(CACHE) or home) / "environments"


def kept() -> list[tuple[list[str], int]]:
    """Return the requirements and the size in bytes of every environment that is kept."""
    found = sorted(cache().glob(f"*/{MADE}"))
    return [(json.loads(made.read_text(encoding="utf-8"))["wanted"], _size(made.parent)) for made in found]


def clear() -> int:
    """Remove all environments; return how many bytes that frees."""
    before = _size(cache())
    shutil.rmtree(cache(), ignore_errors=True)
    return before - _size(cache())


def _name(wanted: list[str]) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return hashlib.sha256("\n".join([version, *wanted]).encode()).hexdigest()[:16]


def _make(folder: Path, wanted: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log = folder / "pip.log"
    pip = [str(_python(folder)), "-I", "-m", "pip", "--disable-pip-version-check"]  # -I: not the user's path
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([*pip, "--log", str(log), "install", "--quiet", *wanted], log)
        listed = _run([*pip, "list", "--local", "--format=freeze"])
        made = {"wanted": wanted, "installed": sorted(_canonical(line) for line in listed.split())}
        (folder / MADE).write_text(json.dumps(made), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _canonical(line: str) -> str:
    name, _, version = line.partition("==")
    return f"{canonicalize_name(name)}=={version}"


def _run(command: list[str], log: Path | None = None) -> str:
    token = secrets.token_hex(8)
    with cleaned_up(token):
        given = os.environ | {TOKEN: token}
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=given)
    if done.returncode == 0:
        return done.stdout
    said = done.stderr or done.stdout
    raise _refusal(said, log.read_text(encoding="utf-8", errors="replace") if log and log.is_file() else "")


def _refusal(said: str, log: str) -> Unavailable:
    """Return why pip failed, as one sentence; its log alone tells what it did not reach or what conflicts."""
    python = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    final = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "pip said nothing")
    unreached = UNREACHED.search(log)
    if unreached or BROKEN.search(final):
        return Unreachable(f"no package registry could be reached: {(unreached or [final])[0][:SAID]}")
    if lacks := NO_RELEASE.search(said):
        if others := _elsewhere(lacks[1], log):
            here = f"{platform.machine()}, {'-'.join(platform.libc_ver()) or platform.system()}"
            return Unavailable(f"{lacks[1]} is built for {', '.join(others)} alone; this machine is {here}")
        return Unresolvable(f"{lacks[1]} cannot be installed on {python}: {_offered(lacks[2].split(', '))}")
    if conflict := CONFLICT.search(said):
        because = ", ".join(dict.fromkeys(DEPENDS.findall(log.rpartition("conflict is caused by")[2])))
        return Unresolvable(f"{conflict[1]} do not install together on {python}: {because}")
    return Unavailable(f"the packages could not be installed on {python}: {final[:SAID]}")


def _elsewhere(requirement: str, log: str) -> list[str]:
    """Return the platforms of wheels as required that pip skipped for their platform alone."""
    wanted = Requirement(requirement.partition(" (from ")[0])
    python = {(tag.interpreter, tag.abi) for tag in sys_tags()}
    found = set()
    for file in SKIPPED.findall(log):
        with contextlib.suppress(InvalidWheelFilename):
            name, version, _, tags = parse_wheel_filename(file)
            if name == canonicalize_name(wanted.name) and version in wanted.specifier:
                found |= {tag.platform for tag in tags if (tag.interpreter, tag.abi) in python}
    return sorted(found)


def _offered(releases: list[str]) -> str:
    """Say which releases the registry has, from what pip lists, oldest first."""
    if releases == ["none"]:
        return "the package registry has no release for it"
    oldest, *_, newest = [*releases, releases[-1]]
    return f"of what the package registry has for it, {oldest} is the oldest and {newest} the newest"


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += 0 if path.is_symlink() or path.is_dir() else path.stat().st_size
    return total
