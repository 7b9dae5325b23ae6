"""What workers run on when other releases are asked for: those releases, kb, and nothing else of ours."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from test_isolated import wheel

from kb import programs
from kb.processes import OWN
from kb.verifier import Refused, Unavailable, python_of

CHECKOUT = Path(__file__).resolve().parent.parent
SCRIPT = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["numpy"]\n# ///\n"""One."""\n'
ASK = "import json, sys; import numpy, kb; print(json.dumps([numpy.version, kb.__file__, sys.path]))"


@pytest.fixture
def verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copying_venv: Path) -> Path:
    """A verifier that needs numpy, of which pip sees one release that is none."""
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "numpy", "9.0")
    for name, value in (
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", tmp_path / "wheels"),
        ("KB_CACHE", tmp_path),
    ):
        monkeypatch.setenv(name, str(value))
    path = tmp_path / "one.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def test_workers_with_other_releases_see_kb_and_their_own_packages_whatever_the_users_path_says(
    verifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "numpy.py").write_text("version = 'the user has put another in the way'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "users"))
    assert programs.installed(verifier, ["numpy==9.0"]) is None
    runs_on, installed = programs.program(verifier, ["numpy==9.0"], lambda said: None)
    assert "numpy==9.0" in (installed or [])
    assert programs.installed(verifier, ["numpy==9.0"]) == installed
    said = subprocess.run(
        [str(runs_on.python), "-c", ASK],
        env={**os.environ, **runs_on.variables},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    version, kb_file, path = json.loads(said)
    assert (version, Path(kb_file)) == ("9.0", CHECKOUT / "kb/__init__.py")
    assert str(tmp_path / "users") not in path
    assert runs_on.variables["KB_RELEASES"] == "numpy==9.0"


def test_beside_todays_packages_kb_refuses_to_run_others(
    verifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "KB_LIES_IN", Path("/usr/lib/python3/dist-packages"))
    with pytest.raises(Unavailable, match="a folder of its own"):
        programs.program(verifier, ["numpy==9.0"], lambda said: None)


def test_without_other_releases_workers_run_on_kbs_own_python(verifier: Path) -> None:
    assert programs.program(verifier, [], lambda said: None) == (OWN, None)
    assert programs.program(verifier.with_name("none.py"), ["numpy==9.0"], lambda said: None) == (OWN, None)
    assert programs.installed(verifier.with_name("none.py"), ["numpy==9.0"]) is None


FURTHER = """# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# [tool.kb.environments]
# nine = ["numpy==9.0"]
# ten = ["numpy==10.0"]
# ///
"""


def test_a_verifier_learns_which_of_its_environments_was_made_and_why_another_was_refused(
    verifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier.write_text(FURTHER, encoding="utf-8")
    runs_on, _ = programs.program(verifier, [], lambda said: None)
    for name, value in runs_on.variables.items():
        monkeypatch.setenv(name, value)
    said = subprocess.run(
        [str(python_of("nine")), "-c", "import numpy; print(numpy.version)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip() == "9.0"
    with pytest.raises(Refused, match=r"^numpy==10.0 cannot be installed on Python"):
        python_of("ten")
    with pytest.raises(Unavailable, match="KB_PYTHON_ELEVEN") as lack:
        python_of("eleven")
    assert not isinstance(lack.value, Refused)


def test_a_registry_that_is_not_reached_is_no_refusal(
    verifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier.write_text(FURTHER, encoding="utf-8")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(Unavailable, match="no package registry could be reached"):
        programs.program(verifier, [], lambda said: None)
