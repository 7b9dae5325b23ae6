"""Where the knowledge base is found."""

import pytest

from kb.errors import KbError
from kb.root import find_root


def test_the_named_root_wins(tmp_path, monkeypatch):
    (tmp_path / "claims").mkdir()
    monkeypatch.setenv("KB_ROOT", str(tmp_path))
    assert find_root() == tmp_path.resolve()


def test_a_named_root_without_claims_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("KB_ROOT", str(tmp_path))
    with pytest.raises(KbError, match="KB_ROOT"):
        find_root()


def test_the_nearest_folder_above_is_taken(tmp_path, monkeypatch):
    (tmp_path / "claims").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.delenv("KB_ROOT", raising=False)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert find_root() == tmp_path.resolve()


def test_elsewhere_it_is_the_checkout(tmp_path, monkeypatch):
    monkeypatch.delenv("KB_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert (find_root() / "kb" / "root.py").is_file()
