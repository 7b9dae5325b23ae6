"""Ends all that a run has started, however the run itself ends.

A run that is killed cannot clean up, so a second process waits for its end: `python -m kb.sentinel TOKEN
FOLDER`, whose standard input is a pipe that the run alone holds. What a run starts carries the run's token in
its environment, so that even a child that left its session and its parent is found and killed.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

TOKEN = "KB_WORKER"  # noqa: S105 - a name, no secret
MOST_PASSES = 500
PASS_SECONDS = 0.01


@contextlib.contextmanager
def cleaned_up(token: str) -> Iterator[Path]:
    """Give a run its temporary folder; at its end what carries the token is killed and the folder removed.

    Also at SIGKILL, and where one interrupt comes into the clearing up after another.
    """
    package = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory(prefix="kb-", ignore_cleanup_errors=True) as folder:
        sentinel = subprocess.Popen(
            [sys.executable, "-P", "-m", "kb.sentinel", token, folder],  # -P: nothing from the user's folder
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield Path(folder)
        finally:
            sweep(token)  # the sentinel may have been killed itself
            sentinel.communicate()


def sweep(token: str) -> None:
    """Kill every process that carries the token, until there is none: one may start another meanwhile."""
    for _ in range(MOST_PASSES):
        if not _killed(token):
            return
        time.sleep(PASS_SECONDS)


def _killed(token: str) -> int:
    """Kill every process that carries the token; return how many there were."""
    found = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(TOKEN) == token:
                process.kill()
                found += 1
    return found


def main(token: str, folder: str) -> None:
    """Wait until the run has ended, and clean up after it."""
    sys.stdin.buffer.read()
    sweep(token)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
