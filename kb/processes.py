"""Worker processes seen from outside: started fresh, talked to with deadlines, and gone at the end."""

import contextlib
import json
import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from kb.devices import hidden
from kb.errors import VerifierFault
from kb.sentinel import TOKEN
from kb.verifier import Unavailable

LOG_END = 4000
NANO = 1e9
LONGEST_REPLY = 64 * 1024 * 1024
PADDING = 4096
CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
PASSIVE = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Program:
    """What workers run on.

    Attributes
    ----------
    python : Path
        The interpreter.
    variables : mapping
        What they find in their environment besides, such as the interpreters of programs that they start.
    """

    python: Path = Path(sys.executable)
    variables: Mapping[str, str] = field(default_factory=dict)


OWN = Program()


class Worker:
    """One live process that hosts a verifier.

    Parameters
    ----------
    verifier : Path
        The script.
    token : str
        Marks this run's processes, and all that they start.
    threads : int
        Threads that OpenMP may use; the verifier sets its framework's own pools.
    device : str
        The device of the run; all others are hidden from the process.
    seconds : float
        Deadline of each request.
    caches : Path
        Folder in which compilers keep what they have compiled; empty at the start of a run.
    padding : int
        Bytes of environment added, since its size biases timings (Mytkowicz et al. 2009).
    program : Program
        What it runs on.
    """

    def __init__(
        self,
        verifier: Path,
        token: str,
        threads: int,
        device: str,
        seconds: float,
        caches: Path,
        padding: int = 0,
        program: Program = OWN,
    ) -> None:
        self.verifier, self.seconds = verifier, seconds
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        ours_out, theirs_in = os.pipe()[::-1]
        ours_in, theirs_out = os.pipe()
        command = [str(program.python), "-m", "kb.worker", str(verifier), str(theirs_in), str(theirs_out)]
        self.process = subprocess.Popen(
            command,
            env=_environment(token, threads, device, caches, padding) | dict(program.variables),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out = os.fdopen(ours_out, "wb", buffering=0)
        self._in = ours_in
        self._buffer = b""

    def send(self, do: str, **arguments: Any) -> None:
        """Send a request; `receive` waits for its reply."""
        line = json.dumps({"do": do, **arguments}, allow_nan=False).encode() + b"\n"
        try:
            self._out.write(line)
        except OSError:
            raise self._fault("ended before it was asked") from None

    def receive(self) -> dict[str, Any]:
        """Return the reply to the last request.

        Raises
        ------
        Unavailable
            Where the verifier lacks what it needs.
        VerifierFault
            Where it crashed, hung or answered rubbish.
        """
        line = self._line(time.monotonic() + self.seconds)
        try:
            reply = json.loads(line)
        except ValueError:
            raise self._fault(f"answered rubbish: {line[:80]!r}") from None
        if not isinstance(reply, dict):
            raise self._fault(f"answered rubbish: {line[:80]!r}")
        if "unavailable" in reply:
            raise Unavailable(str(reply["unavailable"]), str(reply.get("reason", "no-software")))
        return reply

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return its reply."""
        self.send(do, **arguments)
        return self.receive()

    def cpu(self) -> int:
        """Return the processor time that the worker and its living descendants have used so far, in ns."""
        reply = self.ask("cpu")
        family = psutil.Process(self.process.pid).children(recursive=True) if reply["children"] else []
        return int(reply["cpu"]) + sum(map(_used, family))

    def _line(self, deadline: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._in, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._fault(f"gave no answer within {self.seconds:.0f} s and was stopped")
                chunk = os.read(self._in, 1 << 16)
                if not chunk:
                    raise self._fault(self._ending())
                self._buffer += chunk
                if len(self._buffer) > LONGEST_REPLY:
                    raise self._fault("answered more than 64 MiB in one line")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _ending(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        status = self.process.returncode
        if status is not None and status < 0:
            name = signal.Signals(-status).name
            return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        return f"crashed with exit status {status}"

    def _fault(self, what: str) -> VerifierFault:
        return VerifierFault(f"verifiers/{self.verifier.name} {what}", self.log_end())

    def log_end(self) -> str:
        """Return the last of what the worker wrote, as printable text."""
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - LOG_END))
        text = self.log.read().decode("utf-8", errors="replace")
        return "".join(c for c in text if c.isprintable() or c in "\n\t")

    def close(self) -> None:
        """Kill the worker with all its descendants."""
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.process.pid).children(recursive=True)
            for child in family:
                with contextlib.suppress(psutil.Error):
                    child.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(OSError):
            self._out.close()
        os.close(self._in)
        self.log.close()


def _used(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return round((times.user + times.system) * NANO)
    return 0


def _environment(token: str, threads: int, device: str, caches: Path, padding: int) -> dict[str, str]:
    temporary = caches / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    package = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        **PASSIVE,
        **hidden(device),
        **{name: str(caches / name.lower()) for name in CACHES},
        TOKEN: token,
        "TMPDIR": str(temporary),  # a worker that is killed leaves nothing behind: the run's folder goes
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": str(threads),
        "KB_PADDING": "x" * padding,
    }


def padding(order: random.Random) -> int:
    """Draw how many bytes of environment a fresh process gets."""
    return order.randrange(PADDING)
