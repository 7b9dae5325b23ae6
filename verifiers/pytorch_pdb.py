# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch"]
# ///
"""Whether Python's own debugger stops inside a PyTorch model and reads tensors line by line."""

import ast
import errno
import importlib.util
import os
import platform
import re
import select
import site
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from kb.verifier import Unavailable, probes

IMAGES = [[1.0, -2.0], [3.0, 4.0]]
WEIGHT = [[1.0, 0.5], [-1.0, 2.0], [0.0, 1.0]]
BIAS = [0.5, 0.0, -1.0]

SUBJECT = f"""\
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(2, 3)

    def forward(self, images):
        hidden = self.dense(images)
        scores = torch.relu(hidden)
        return scores


model = Model()
with torch.no_grad():
    model.dense.weight.copy_(torch.tensor({WEIGHT}))
    model.dense.bias.copy_(torch.tensor({BIAS}))
model(torch.tensor({IMAGES}))
"""
BREAK_AT = "scores = torch.relu(hidden)"

PROMPT = "(Pdb) "
POST_MORTEM = "Uncaught exception. Entering post mortem debugging"
PROMPT_SECONDS = 120.0
TRANSCRIPT_LENGTH = 4000
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
PLACE = re.compile(r"^> .*\((\d+)\)([\w<>]+)\(\)", re.MULTILINE)


@probes(
    fields=(
        "stopped_in",
        "stopped_line",
        "expected_line",
        "tensor_shape",
        "tensor_value",
        "expected_value",
        "steps_line_by_line",
        "value_agrees",
        "transcript",
        "torch_version",
        "python_version",
    )
)
def pytorch_pdb() -> dict[str, Any]:
    """Drive `python -m pdb` in a pseudo-terminal: break in `forward`, read a tensor, step, read the next.

    Returns
    -------
    dict
        `stopped_in` and `stopped_line` are where pdb stood after `continue`, None where it named no place.
        `tensor_shape` and `tensor_value` (row by row, flat) are what pdb printed there of the tensor that the
        line before had assigned, None where it printed none; `expected_value` comes from plain Python.
        `steps_line_by_line` is true where `next` went to the next line of the same function and the tensor
        assigned by the line between, unknown before, then had its right value.

    Raises
    ------
    Unavailable
        Where PyTorch or pseudo-terminals are missing.
    RuntimeError
        Where pdb does not come back with its prompt, sets no breakpoint, or the script under it fails; the
        message has the terminal's text.
    """
    if importlib.util.find_spec("torch") is None:
        message = "needs torch; install it with: pip install torch==2.13.0"
        raise Unavailable(message)
    if importlib.util.find_spec("termios") is None:
        message = f"needs a POSIX pseudo-terminal; {platform.system()} has none"
        raise Unavailable(message)
    line = next(n for n, text in enumerate(SUBJECT.splitlines(), 1) if BREAK_AT in text)
    expected = _expected()
    with tempfile.TemporaryDirectory() as folder, Debugger(Path(folder).resolve()) as pdb:
        pdb.ask(f"b {line}", answer="Breakpoint 1 at")
        stopped_line, stopped_in = _place(pdb.ask("c"))
        shape = _literal(pdb.ask("p list(hidden.shape)"))
        value = _literal(pdb.ask("p hidden.flatten().tolist()"))
        too_early = _literal(pdb.ask("p scores.flatten().tolist()"))
        next_line, next_in = _place(pdb.ask("n"))
        scores = _literal(pdb.ask("p scores.flatten().tolist()"))
        version = pdb.ask("p __import__('torch').__version__").strip("'")
        transcript = pdb.transcript()
    stepped = (next_in, next_line) == (stopped_in, line + 1) and stopped_line == line
    return {
        "stopped_in": stopped_in,
        "stopped_line": stopped_line,
        "expected_line": line,
        "tensor_shape": shape,
        "tensor_value": value,
        "expected_value": expected,
        "steps_line_by_line": stepped and too_early is None and scores == [max(x, 0.0) for x in expected],
        "value_agrees": value == expected,
        "transcript": transcript,
        "torch_version": version,
        "python_version": platform.python_version(),
    }


def _expected() -> list[float]:
    """Return `hidden`, row by row: images @ weight.T + bias."""
    return [
        sum(x * w for x, w in zip(row, weights, strict=True)) + bias
        for row in IMAGES
        for weights, bias in zip(WEIGHT, BIAS, strict=True)
    ]


class Debugger:
    """The standard debugger at the other end of a pseudo-terminal, as a person would have it.

    Parameters
    ----------
    folder : Path
        Empty folder in which the debugged script is written and run; it also stands in for the home
        folder, so that nobody's `.pdbrc` takes part.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shown = ""
        (folder / "subject.py").write_text(SUBJECT, encoding="utf-8")

    def __enter__(self) -> "Debugger":
        """Start pdb and wait for its first prompt."""
        import pty

        plain = {
            "HOME": str(self._folder),
            "PYTHONUSERBASE": site.getuserbase(),
            "TERM": "dumb",
            "NO_COLOR": "1",
        }
        self._terminal, theirs = pty.openpty()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pdb", "subject.py"],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=self._folder,
                env={**os.environ, **plain},
                start_new_session=True,
            )
        except OSError:
            os.close(self._terminal)
            raise
        finally:
            os.close(theirs)
        try:
            self._until_prompt()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End pdb, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def ask(self, command: str, answer: str = "") -> str:
        """Type a command; return what was printed between its echo and the next prompt.

        Raises
        ------
        RuntimeError
            Where that does not start with `answer`, or the script failed and pdb went to its post mortem.
        """
        os.write(self._terminal, f"{command}\n".encode())
        shown = self._until_prompt().removesuffix(PROMPT).partition("\n")[2].strip()
        if not shown.startswith(answer) or POST_MORTEM in shown:
            message = f"pdb did not carry out {command!r}; the terminal shows:\n{self.transcript()}"
            raise RuntimeError(message)
        return shown

    def transcript(self) -> str:
        """Return the end of what the terminal showed, without control characters and the folder's name."""
        return self._shown.replace(f"{self._folder}/", "")[-TRANSCRIPT_LENGTH:]

    def _until_prompt(self) -> str:
        raw, text = b"", ""
        deadline = time.monotonic() + PROMPT_SECONDS
        while not text.endswith(PROMPT):
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))
            chunk = self._read() if ready else b""
            if not chunk:
                why = "ended" if ready else f"was silent for {PROMPT_SECONDS:g} s"
                self._shown += text
                message = f"pdb {why} before its prompt; the terminal shows:\n{self.transcript()}"
                raise RuntimeError(message)
            raw += chunk
            text = CONTROL.sub("", raw.decode("utf-8", errors="replace"))
        self._shown += text
        return text

    def _read(self) -> bytes:
        try:
            return os.read(self._terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:  # Linux's word for a terminal that its last user has left
                raise
            return b""


def _place(shown: str) -> tuple[int | None, str | None]:
    places = PLACE.findall(shown)
    return (int(places[-1][0]), places[-1][1]) if places else (None, None)


def _literal(shown: str) -> list[Any] | None:
    """Return the list that pdb printed, None where it printed something else, such as a NameError."""
    try:
        value = ast.literal_eval(shown)
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, list) else None
