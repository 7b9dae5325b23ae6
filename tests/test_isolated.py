"""Environments of their own: made once by pip from real wheels, found again, and refused with the true reason."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from kb.isolated import MADE, Unreachable, Unresolvable, cache, clear, found, isolated, kept
from kb.verifier import Unavailable

PYTHON = rf"Python {sys.version_info.major}\.{sys.version_info.minor}\.\d+"


def wheel(
    folder: Path, name: str, version: str, needs: str = "", files: Mapping[str, str] | None = None
) -> None:
    """Write a wheel with one module that knows its version, or with other files."""
    info = f"{name}-{version}.dist-info"
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *[f"Requires-Dist: {needs}"] * bool(needs),
    ]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        for path, text in (files or {f"{name}.py": f"version = {version!r}\n"}).items():
            file.writestr(path, text)
        file.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture(autouse=True)
def _registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip see a folder of tiny wheels, and no network."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "numpy", "9.0")
    wheel(wheels, "numpy", "9.1")
    wheel(wheels, "tinyframework", "1.0")
    wheel(wheels, "tinyframework", "2.0", needs="numpy<9.1")
    monkeypatch.setenv("KB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)


@pytest.fixture
def _copied(copying_venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a test that asks what pip does the seconds that a new environment takes."""
    monkeypatch.setenv("PYTHONPATH", str(copying_venv))


def said(python: Path, module: str) -> str:
    command = [str(python), "-c", f"import {module}; print({module}.version)"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()


def test_an_environment_has_just_the_releases_that_were_asked_for_and_is_made_once() -> None:
    told: list[str] = []
    assert found(["tinyframework==1.0"]) is None
    first = isolated(["tinyframework==1.0"], told.append)
    assert (said(first.path, "tinyframework"), said(first.path, "numpy")) == ("1.0", "9.1")
    assert {"tinyframework==1.0", "numpy==9.1"} <= set(first.installed)
    again = isolated(["tinyframework==1.0"], told.append)
    assert found(["tinyframework==1.0"]) == again == first
    assert told == ["installing numpy, tinyframework==1.0 into an environment of their own"]
    other = isolated(["tinyframework==2.0"])
    assert other.path != first.path
    assert said(other.path, "numpy") == "9.0"
    assert [size > 0 for _, size in kept()] == [True, True]
    assert clear() > 0
    assert kept() == []


@pytest.mark.usefixtures("_copied")
def test_a_release_of_numpy_that_is_asked_for_is_the_one_that_is_there() -> None:
    assert said(isolated(["numpy==9.0"]).path, "numpy") == "9.0"


@pytest.mark.usefixtures("_copied")
def test_what_does_not_install_together_is_told_apart_and_leaves_nothing() -> None:
    conflict = rf"numpy==9.1 and tinyframework==2.0 do not install together on {PYTHON}: tinyframework 2.0 depends on numpy<9.1$"
    with pytest.raises(Unresolvable, match=conflict):
        isolated(["tinyframework==2.0", "numpy==9.1"])
    offered = "of what the package registry has for it, 1.0 is the oldest and 2.0 the newest$"
    with pytest.raises(
        Unresolvable, match=rf"^tinyframework==0.5 cannot be installed on {PYTHON}: {offered}"
    ):
        isolated(["tinyframework==0.5"])
    with pytest.raises(
        Unresolvable, match=r"^nosuchframework==1.0 cannot .*: the package registry has no release for it$"
    ):
        isolated(["nosuchframework==1.0"])
    assert list(cache().glob(f"*/{MADE}")) == []
    assert [path for path in cache().iterdir() if path.is_dir()] == []


@pytest.mark.usefixtures("_copied")
@pytest.mark.usefixtures("_copied")
def test_a_release_for_other_systems_alone_says_nothing_about_the_packages(tmp_path: Path) -> None:
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    made = tmp_path / "wheels/tinyframework-1.0-py3-none-any.whl"
    for python, version, system in (
        (own, "3.0", "manylinux_2_99_x86_64"),
        (own, "3.0", "win32"),
        ("cp27", "4.0", "any"),
    ):
        (tmp_path / f"wheels/tinyframework-{version}-{python}-{python}-{system}.whl").write_bytes(
            made.read_bytes()
        )
    with pytest.raises(
        Unavailable, match=r"==3.0 is built for manylinux_2_99_x86_64, win32 alone; this"
    ) as lack:
        isolated(["tinyframework==3.0"])
    assert not isinstance(lack.value, Unresolvable)
    with pytest.raises(Unresolvable, match=r"^tinyframework==4.0 cannot be installed on"):
        isolated(["tinyframework==4.0"])


def test_a_registry_that_is_not_reached_says_nothing_about_the_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(Unreachable, match="no package registry could be reached"):
        isolated(["otherframework==1.0"])


class Empty(BaseHTTPRequestHandler):
    """A registry that has no packages at all."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.usefixtures("_copied")
def test_a_registry_that_answers_that_it_has_no_such_package_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HTTPServer(("127.0.0.1", 0), Empty) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(Unresolvable, match="has no release for it"):
            isolated(["otherframework==1.0"])
        server.shutdown()


@pytest.mark.usefixtures("_copied")
def test_a_failure_that_is_neither_is_called_neither(tmp_path: Path) -> None:
    (tmp_path / "wheels" / "broken-1.0-py3-none-any.whl").write_bytes(b"no zip archive")
    with pytest.raises(
        Unavailable, match=f"^the packages could not be installed on {PYTHON}: .*broken"
    ) as failed:
        isolated(["broken==1.0"])
    assert failed.type is Unavailable


def test_what_lies_on_the_users_path_does_not_count_as_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    with zipfile.ZipFile(tmp_path / "wheels" / "tinyframework-1.0-py3-none-any.whl") as file:
        file.extractall(own)
    monkeypatch.setenv("PYTHONPATH", str(own))
    assert said(isolated(["tinyframework==1.0"]).path, "tinyframework") == "1.0"
