"""The attribution probe, on the real library, and on one that attributes wrongly or not at all."""

from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.library import load_library
from kb.words import Verdict

# Gradients without the factor of the inputs' change; and none at all where there is a ReLU.
FAULTY = """
from captum.attr import IntegratedGradients
from torch.nn import ReLU
plain = IntegratedGradients.attribute
def gradients(self, end, start, **given):
    if isinstance(self.forward_func[1], ReLU):
        raise NotImplementedError("no kinks here")
    return plain(self, end, start, **given) / (end - start)
IntegratedGradients.attribute = gradients
"""
NO_MEMORY = """
from captum.attr import LayerConductance
def attribute(*_, **__):
    raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
LayerConductance.attribute = attribute
"""


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    return judge_finding(
        load_library(ROOT).record("captum-attribution-conductance").claim.expect, found
    ).verdict


def test_attributions_and_conductance_have_the_values_of_the_closed_form() -> None:
    found = observe("captum_attribution")
    assert found["failures"] == {}
    assert found["linear_attribution_error"] < 1e-5
    assert found["linear_conductance_error"] < 1e-4 < found["linear_conductance_error_at_default_steps"]
    assert 0 < found["relu_attribution_error"] < 0.01
    assert judged(found) is Verdict.SUPPORTED


def test_wrong_values_show_as_an_error_and_a_refusal_as_a_failure() -> None:
    found = observe("captum_attribution", FAULTY)
    assert found["linear_attribution_error"] > 0.1
    assert found["linear_conductance_error"] < 1e-4
    assert found["failures"] == {"relu": "NotImplementedError: no kinks here"}
    assert found["relu_attribution_error"] is None
    assert judged(found) is Verdict.REFUTED


@pytest.mark.slow
def test_a_lack_of_memory_is_an_error_and_no_finding() -> None:
    with pytest.raises(RuntimeError, match="not enough memory"):
        observe("captum_attribution", NO_MEMORY)


@pytest.mark.parametrize("package", ["torch", "captum"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(
        RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install {package}=="
    ):
        observe("captum_attribution", f"import sys; sys.modules[{package!r}] = None")
