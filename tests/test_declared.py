"""A setting that was declared and is not in force is named; one that is not told cannot be."""

import pytest
from tiny import plan_of

from kb.declared import declared, voids

PLAN = plan_of(
    threads=4, settings=[{}, {"threads": 1, "precision": "bfloat16"}, {"threads": "all", "batch": 8}]
)
WANTED = {"threads": 4, "device": "cpu", "dtype": "float32", "tf32": False}


def test_what_is_declared_of_a_place_is_threads_device_precision_and_no_tf32():
    assert declared(PLAN, 0) == declared(PLAN, 2) == WANTED
    assert declared(PLAN, 1) == WANTED | {"threads": 1, "dtype": "bfloat16"}


@pytest.mark.parametrize("observed", [{}, dict.fromkeys(WANTED), WANTED, {**WANTED, "layout": "NHWC"}])
def test_what_agrees_or_is_not_told_voids_nothing(observed):
    assert voids("one/m", WANTED, observed) == []


@pytest.mark.parametrize(
    ("name", "found"), [("threads", 2), ("device", "cuda"), ("dtype", "bfloat16"), ("tf32", True)]
)
def test_each_setting_that_was_not_in_force_is_named_with_what_was(name, found):
    (sentence,) = voids("one/m", WANTED, {**WANTED, name: found})
    assert all(part in sentence for part in ("one/m", name, repr(found), repr(WANTED[name])))


def test_several_settings_make_several_sentences():
    assert len(voids("one/m", WANTED, {"threads": 1, "tf32": True})) == 2
