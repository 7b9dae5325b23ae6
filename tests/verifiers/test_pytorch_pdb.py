"""The debugger probe, on the real library, on a compiled model, and on a program that does not come up."""

import os
from pathlib import Path

import pytest
from probe import observe

# The model's call is compiled to TorchScript, whose interpreter has no Python lines.
SCRIPTED = """
import sys
if "pdb" in sys.orig_argv:
    import torch
    plain = torch.nn.Module.__call__
    def call(self, *arguments):
        return plain(torch.jit.script(self) if type(self).__name__ == "Model" else self, *arguments)
    torch.nn.Module.__call__ = call
"""


def planted(folder: Path, name: str, code: str) -> dict[str, str]:
    """Return the variables under which a process imports `code` as module `name`."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def test_pdb_stops_in_forward_and_reads_one_tensor_and_then_the_next() -> None:
    found = observe("pytorch_pdb")
    assert found["stopped_in"] == "forward"
    assert found["stopped_line"] == found["expected_line"]
    assert found["tensor_shape"] == [2, 3]
    assert found["tensor_value"] == found["expected_value"] == [0.5, -5.0, -3.0, 5.5, 5.0, 3.0]
    assert found["value_agrees"] is True
    assert found["steps_line_by_line"] is True
    assert "-> scores = torch.relu(hidden)" in found["transcript"]
    assert "\x1b" not in found["transcript"]
    assert "/" not in found["transcript"]


def test_pdb_runs_past_a_breakpoint_in_a_model_that_was_compiled_to_torchscript(tmp_path: Path) -> None:
    found = observe("pytorch_pdb", environment=planted(tmp_path, "sitecustomize", SCRIPTED))
    assert "The program finished" in found["transcript"]
    assert found["stopped_in"] == "<module>"
    assert found["stopped_line"] != found["expected_line"]
    assert found["tensor_shape"] is None
    assert found["value_agrees"] is False
    assert found["steps_line_by_line"] is False


@pytest.mark.parametrize(
    ("torch", "said"),
    [
        ("import os; print('gone'); os._exit(3)", "pdb ended before its prompt"),
        ("raise ImportError('gone')", "pdb did not carry out 'c'"),
    ],
)
def test_a_program_that_does_not_come_up_is_an_error_with_the_terminals_text(
    tmp_path: Path, torch: str, said: str
) -> None:
    with pytest.raises(RuntimeError, match=rf"RuntimeError: {said}(.|\n)*gone"):
        observe("pytorch_pdb", environment=planted(tmp_path, "torch", torch))


def test_a_debugger_that_stays_silent_is_an_error_and_its_process_is_ended(tmp_path: Path) -> None:
    silent = f"""
import sys
if "pdb" in sys.orig_argv:
    import os, pathlib, signal
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
    signal.pause()
"""
    impatient = (
        "import select; wait = select.select; select.select = lambda r, w, x, s: wait(r, w, x, s / 60)"
    )
    with pytest.raises(RuntimeError, match="RuntimeError: pdb was silent"):
        observe("pytorch_pdb", impatient, planted(tmp_path, "sitecustomize", silent))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_text_between_a_question_and_its_answer_is_an_error_and_no_missing_tensor(tmp_path: Path) -> None:
    noisy = """
import pdb
plain = pdb.Pdb.do_p
def do_p(self, argument):
    print("a warning of some thread")
    return plain(self, argument)
pdb.Pdb.do_p = do_p
"""
    with pytest.raises(RuntimeError, match="printed neither one nor an error: 'a warning"):
        observe("pytorch_pdb", environment=planted(tmp_path, "sitecustomize", noisy))


def test_without_torch_the_probe_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs torch; install it with: pip install torch=="):
        observe("pytorch_pdb", "import sys; sys.modules['torch'] = None")
