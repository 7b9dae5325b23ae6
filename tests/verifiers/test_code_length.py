"""Counting what a program says: layout must not count, and small differences must not decide."""

import sys

import pytest
from probe import ROOT

sys.path.append(str(ROOT / "verifiers"))
from models import code_length

PLAIN = "a = f(1)\n"
LAID_OUT = '"""What it is."""\n\n# why\na = f(\n    1\n)\n'


@pytest.mark.parametrize("source", [PLAIN, LAID_OUT])
def test_layout_comments_and_docstrings_do_not_count(source: str) -> None:
    assert (code_length.lines(source), code_length.tokens(source)) == (1, 6)


def test_headers_and_bodies_are_lines_of_their_own() -> None:
    assert (
        code_length.lines("@d\ndef f():\n    '''Doc.'''\n    for i in x: print(i)\n    return 'text'\n") == 4
    )


def test_concepts_are_what_is_imported_reached_and_set_of_a_framework() -> None:
    source = """
import os
import torch
from torch.nn import functional as F
values.append(torch.optim.SGD(model.parameters(), lr=0.1))
print(sorted(values, key=None), 'text'.join(values))
model.parameters()
"""
    found = code_length.concepts(source, ["torch"])
    assert found == ["SGD", "functional", "lr", "optim", "parameters", "torch"]


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([1.1, 1.5], "longer"),
        ([0.9, 0.5], "shorter"),
        ([1.09, 0.92], "equal"),
        ([1.05, 1.2], "mixed"),
        ([0.8, 1.2], "mixed"),
    ],
)
def test_one_program_stands_to_another_as_all_counts_say(shares: list[float], said: str) -> None:
    assert code_length.standing(shares) == said
