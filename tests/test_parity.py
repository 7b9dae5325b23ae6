"""The parity gate: what counts as the same, and that nothing unheard-of passes."""

import numpy as np
import pytest

from kb.parity import differences

RTOL, ATOL = 1e-4, 1e-6
LOGITS = np.linspace(-3, 3, 12).reshape(4, 3)


def found(of, against) -> list[str]:
    return differences(of, against, RTOL, ATOL)


def test_equal_outputs_pass():
    assert found({"logits": LOGITS}, {"logits": LOGITS.astype(np.float32)}) == []


def test_rounding_relative_to_the_largest_element_passes():
    assert found({"logits": LOGITS + 2e-4}, {"logits": LOGITS}) == []


@pytest.mark.parametrize(
    ("of", "message"),
    [
        pytest.param({"logits": LOGITS + 1e-3}, "differs by", id="beyond-tolerance"),
        pytest.param({"logits": LOGITS.T}, "shapes", id="transposed"),
        pytest.param({"logits": np.full((4, 3), np.nan)}, "not finite", id="nan"),
        pytest.param({"loss": LOGITS}, "only one of the arms", id="other-name"),
        pytest.param({"logits": LOGITS, "loss": LOGITS}, "only one of the arms", id="one-more"),
        pytest.param({}, "no outputs", id="nothing"),
    ],
)
def test_what_differs_is_named(of, message):
    assert message in " ".join(found(of, {"logits": LOGITS}))


def test_an_infinity_in_both_does_not_pass():
    infinite = {"logits": np.full(3, np.inf)}
    assert found(infinite, infinite)


def test_empty_arrays_do_not_pass():
    assert found({"logits": np.ones(0)}, {"logits": np.ones(0)})
