"""What verifiers need (PEP 723), and what of it is missing here."""

import sys
from pathlib import Path

import pytest

from kb.errors import VerifierFault
from kb.packages import missing, requirements, version, versions

VERIFIERS = sorted((Path(__file__).resolve().parent.parent / "verifiers").glob("*.py"))


def script(folder: Path, dependencies: str) -> Path:
    path = folder / "one.py"
    path.write_text(
        f'# /// script\n# requires-python = ">=3.11"\n# dependencies = {dependencies}\n# ///\n"""One."""\n'
    )
    return path


@pytest.mark.parametrize("path", VERIFIERS, ids=lambda path: path.stem)
def test_every_verifier_says_what_it_needs(path):
    assert "numpy" in {needed.name for needed in requirements(path)}


def test_nothing_is_missing_where_all_is_installed(tmp_path):
    assert missing(script(tmp_path, '["numpy", "packaging>=20"]')) is None


@pytest.mark.parametrize("needed", ["no-such-framework", "numpy<1", "numpy>=999"])
def test_what_is_missing_or_of_another_version_is_named_with_the_way_to_get_it(tmp_path, needed):
    found = missing(script(tmp_path, f'["{needed}"]'))
    assert found == f"needs {needed}; install with: pip install '{needed}'"


@pytest.mark.parametrize("dependencies", ["[numpy", '["two words"]', '["numpy", 3]'])
def test_a_block_that_cannot_be_read_is_a_fault_of_the_verifier(tmp_path, dependencies):
    with pytest.raises(VerifierFault, match="cannot be read"):
        requirements(script(tmp_path, dependencies))


def test_a_script_without_a_block_is_a_fault_of_the_verifier(tmp_path):
    path = tmp_path / "bare.py"
    path.write_text('"""Bare."""\n')
    with pytest.raises(VerifierFault, match="PEP 723"):
        requirements(path)


def test_versions_are_read_without_importing_a_framework():
    assert versions()["numpy"] == version("numpy")
    assert not {"torch", "tensorflow", "jax"} & set(sys.modules)
