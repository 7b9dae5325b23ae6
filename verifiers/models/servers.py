"""Servers that answer predictions, each a process on ports that were free; TorchServe has its own module."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from kb.verifier import Unavailable

READY_SECONDS = 90
LOG_END = 2000
GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    http, grpc : int
        Ports on the loopback address; grpc is 0 where the server has none.
    version : str
        As the server says it.
    workers : int or None
        How many answer at once, one thread each, as the server says it; None where it does not.
    """

    http: int
    grpc: int
    version: str
    workers: int | None = None


def tensorflow_server() -> str:
    """Return the path of TensorFlow Serving's program.

    Raises
    ------
    Unavailable
        Without it on the PATH.
    """
    program = shutil.which("tensorflow_model_server")
    if program is None:
        message = (
            "needs tensorflow_model_server on the PATH; get it from TensorFlow's apt repository "
            "(storage.googleapis.com/tensorflow-serving-apt), or out of its image: docker cp "
            "$(docker create tensorflow/serving):/usr/bin/tensorflow_model_server ~/.local/bin/"
        )
        raise Unavailable(message)
    return program


def tensorflow_serving(saved: Path, batch: int, ending: ExitStack) -> Server:
    """Start TensorFlow Serving with the SavedModel below a folder (`<folder>/1`) under the name `model`.

    Raises
    ------
    Unavailable
        Without its program.
    """
    program, folder, (http, grpc) = tensorflow_server(), folder_of(ending), free_ports(2)
    command = [program, f"--rest_api_port={http}", f"--port={grpc}", "--model_name=model"]
    command += [f"--model_base_path={saved}", f"--enable_batching={str(batch > 1).lower()}"]
    if batch > 1:
        settings = folder / "batching.config"
        settings.write_text(f"max_batch_size {{ value: {batch} }}\n", encoding="utf-8")
        command.append(f"--batching_parameters_file={settings}")
    process = start(command, folder, {}, ending)
    until(process, folder, lambda: asked(f"http://127.0.0.1:{http}/v1/models/model"))
    said = subprocess.run([program, "--version"], capture_output=True, text=True)
    return Server(http, grpc, (said.stdout or said.stderr).splitlines()[0])


def python_server(script: Path, arguments: Mapping[str, Any], ending: ExitStack) -> Server:
    """Start one of our own servers: a script that takes JSON, with the ports for HTTP and gRPC in it.

    A script that speaks gRPC opens that port first.
    """
    folder, (http, grpc) = folder_of(ending), free_ports(2)
    told = json.dumps({**arguments, "http": http, "grpc": grpc})
    process = start([sys.executable, str(script), told], folder, {}, ending)
    until(process, folder, lambda: socket.create_connection(("127.0.0.1", http), 1).close())
    return Server(http, grpc, script.stem)


def folder_of(ending: ExitStack) -> Path:
    """Make a folder for a server, which goes when `ending` does."""
    return Path(ending.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))


def start(command: list[str], folder: Path, variables: Mapping[str, str], ending: ExitStack) -> Any:
    """Start a server in its folder, where it writes `log`; it ends, with its children, when `ending` does."""
    guarded = [sys.executable, str(GUARD), *command]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            guarded, cwd=folder, env=os.environ | variables, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    ending.callback(_end, process)
    return process


def _end(process: Any) -> None:
    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    for each in (process, *family):
        with contextlib.suppress(psutil.Error):
            each.kill()
    process.wait()
    process.stdin.close()
    psutil.wait_procs(family, timeout=10)


def until(process: Any, folder: Path, ready: Callable[[], object]) -> None:
    """Wait until a call succeeds.

    Raises
    ------
    RuntimeError
        Where the server ended, or was not ready in time; with the end of its log.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            ready()
        except OSError as fault:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            log = (folder / "log").read_text(encoding="utf-8", errors="replace")[-LOG_END:]
            message = f"the server was not ready ({fault}); its log ends: {log}"
            raise RuntimeError(message) from fault
        return


def asked(address: str) -> bytes:
    """Return what an address answers to GET."""
    with urllib.request.urlopen(address, timeout=5) as answer:
        found: bytes = answer.read()
    return found


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago, all held until the last is known, so that none repeats."""
    found = []
    with ExitStack() as held:
        for _ in range(count):
            listening = held.enter_context(closing(socket.socket()))
            listening.bind(("127.0.0.1", 0))
            found.append(listening.getsockname()[1])
    return found
