"""Python's own debugger in a pseudo-terminal, as a person would have it, on a small script."""

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
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from kb.verifier import Unavailable

PROMPT = "(Pdb) "
POST_MORTEM = "Uncaught exception. Entering post mortem debugging"
PROMPT_SECONDS = 120.0
TRANSCRIPT_LENGTH = 4000
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
PLACE = re.compile(r"^> .*\((\d+)\)([\w<>]+)\(\)", re.MULTILINE)
ERROR = re.compile(r"^\*\*\* ", re.MULTILINE)


class Debugger:
    """The standard debugger at the other end of a pseudo-terminal.

    Parameters
    ----------
    folder : Path
        Empty folder in which the debugged script is written and run; it also stands in for the home
        folder, so that nobody's `.pdbrc` takes part.
    script : str
        The text of the debugged script.

    Raises
    ------
    Unavailable
        Where there are no pseudo-terminals.
    """

    def __init__(self, folder: Path, script: str) -> None:
        if importlib.util.find_spec("termios") is None:
            message = f"needs a POSIX pseudo-terminal; {platform.system()} has none"
            raise Unavailable(message)
        self._folder = folder
        self._shown = ""
        (folder / "subject.py").write_text(script, encoding="utf-8")

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


def place(shown: str) -> tuple[int | None, str | None]:
    """Return line and function of the last place that pdb showed, None for both where it showed none."""
    places = PLACE.findall(shown)
    return (int(places[-1][0]), places[-1][1]) if places else (None, None)


def printed_list(shown: str) -> list[Any] | None:
    """Return the list that pdb printed, None where it printed an error, such as a NameError.

    Raises
    ------
    RuntimeError
        Where it printed neither.
    """
    if ERROR.search(shown):
        return None
    try:
        value = ast.literal_eval(shown)
    except (SyntaxError, ValueError):
        value = None
    if not isinstance(value, list):
        message = f"pdb was asked for a list and printed neither one nor an error: {shown!r}"
        raise RuntimeError(message)
    return value
