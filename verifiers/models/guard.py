"""Runs a program until it ends, or until whoever started this has gone, even by SIGKILL: guard.py PROGRAM ...

Standard input is the thread by which it hangs: a pipe whose other end the starter holds and never writes to.
"""

import contextlib
import subprocess
import sys
import threading

import psutil


def main(command: list[str]) -> int:
    """Run the program and return its status."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_when_alone, args=(process.pid,), daemon=True).start()
    return process.wait()


def _end_when_alone(program: int) -> None:
    sys.stdin.buffer.read()
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(program)
        for each in (*process.children(recursive=True), process):  # the last ends this process too
            with contextlib.suppress(psutil.Error):
                each.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
