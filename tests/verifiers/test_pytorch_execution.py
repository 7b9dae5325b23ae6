"""The PyTorch execution probe, on the real library and on one whose modules are frozen by tracing."""

import pytest
from probe import observe

# Every module is traced at its first call, and the trace is called from then on.
FREEZE = """
import torch
plain, traces = torch.nn.Module.__call__, {}
def call(self, *arguments):
    if isinstance(self, torch.jit.ScriptModule) or torch._C._get_tracing_state():
        return plain(self, *arguments)
    if id(self) not in traces:
        traces[id(self)] = self, torch.jit.trace(self, arguments, check_trace=False)
    return traces[id(self)][1](*arguments)
torch.nn.Module.__call__ = call
"""


def test_pytorch_as_installed_takes_the_branch_of_each_input_and_differentiates_it() -> None:
    found = observe("pytorch_execution")
    assert found["value_at_once"] is True
    assert found["python_runs_per_call"] == 3
    assert found["branches_taken"] == {
        "positive sum": 2,
        "negative sum": 1,
        "0 halvings": 1,
        "1 halvings": 1,
        "3 halvings": 1,
    }
    assert found["gradients_follow_branch"] is True
    assert found["loss_fell"] is True
    assert found["loss_last"] < 0.2 * found["loss_first"]


def test_a_traced_module_keeps_the_first_inputs_branch_and_its_gradients_do_not_follow() -> None:
    found = observe("pytorch_execution", FREEZE)
    assert found["python_runs_per_call"] == 1
    assert found["branches_taken"] == {"positive sum": 1, "0 halvings": 1}
    assert found["gradients_follow_branch"] is False


def test_without_torch_the_probe_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs torch; install it with: pip install torch=="):
        observe("pytorch_execution", "import sys; sys.modules['torch'] = None")
