"""TorchServe with one model whose workers are counted and scaled over its management API."""

import json
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.servers import READY_SECONDS, asked, folder_of, free_ports, start, until
from models.torchserve import HANDLER, archive, installed, variables

WAITING = Path(__file__).with_name("torchserve_waiting_handler.py")
SETTLE_SECONDS = 60.0
LOOK_EVERY = 0.1
SERVER_FAULT = 500
ADDRESSES = ("inference_address", "management_address", "metrics_address")
GRPC_PORTS = ("grpc_inference_port", "grpc_management_port")
SETTINGS = (
    "grpc_inference_address=127.0.0.1",
    "grpc_management_address=127.0.0.1",
    "enable_model_api=true",
    "disable_system_metrics=true",
    "default_response_timeout=60",
)


@dataclass(frozen=True)
class Scalable:
    """A running TorchServe.

    Attributes
    ----------
    predictions, model : str
        Addresses at which the model is asked, and at which it is described and scaled.
    version : str
        As the server says it.
    process : subprocess.Popen
        The server's.
    folder : Path
        With its `log`.
    """

    predictions: str
    model: str
    version: str
    process: Any
    folder: Path

    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self.process.poll() is None

    def scale(self, workers: int) -> None:
        """Ask for so many workers and wait until the server has done it, or has refused.

        Raises
        ------
        RuntimeError
            Where the server failed to, which a machine without memory makes it do too.
        """
        wanted = f"{self.model}?min_worker={workers}&max_worker={workers}&synchronous=true"
        try:
            _ask("PUT", wanted)
        except urllib.error.HTTPError as fault:
            if fault.code >= SERVER_FAULT:
                raise RuntimeError(self._failed(wanted, fault)) from fault

    def register(self, archive: str) -> None:
        """Have the archived model loaded by one worker.

        Raises
        ------
        RuntimeError
            Where the server did not.
        """
        wanted = f"{self.model.rpartition('/')[0]}?url={archive}&model_name=model"
        try:
            _ask("POST", f"{wanted}&initial_workers=1&synchronous=true")
        except urllib.error.HTTPError as fault:
            raise RuntimeError(self._failed(wanted, fault)) from fault

    def workers(self, expected: int) -> int:
        """Return how many workers the server lists, after some time in which they may become as expected.

        Raises
        ------
        RuntimeError
            Where it lists as many as expected, and they do not become ready.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            (described,) = json.loads(asked(self.model))
            found = [worker["status"] for worker in described["workers"]]
            if found == ["READY"] * expected:
                return expected
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_EVERY)
        if len(found) == expected:
            message = f"the workers are {found} after {SETTLE_SECONDS:g} s; the log ends: {self._log()}"
            raise RuntimeError(message)
        return len(found)

    def _failed(self, wanted: str, fault: urllib.error.HTTPError) -> str:
        return f"{wanted} was answered {fault.code}: {fault.read()[:500]!r}; the log ends: {self._log()}"

    def _log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]


def serve(model: bytes, shape: tuple[int, ...], wait: float, ending: ExitStack) -> Scalable:
    """Start TorchServe with one TorchScript model in one worker, which answers one request at a time.

    Parameters
    ----------
    model : bytes
        As `torch.jit.save` wrote it.
    shape : tuple of int
        Of one image, as the model takes it.
    wait : float
        Seconds for which each request waits in its worker.
    ending : ExitStack
        Ends the server.

    Raises
    ------
    Unavailable
        Without TorchServe, or without Java.
    RuntimeError
        Where the server does not come up.
    """
    programs, folder, ports = installed(), folder_of(ending), free_ports(len(ADDRESSES) + len(GRPC_PORTS))
    archive(programs, folder, model, WAITING, {"shape": shape, "waiting": wait}, HANDLER)
    http, grpc = ports[: len(ADDRESSES)], ports[len(ADDRESSES) :]
    lines = [f"{name}=http://127.0.0.1:{port}" for name, port in zip(ADDRESSES, http, strict=True)]
    lines += [f"{name}={port}" for name, port in zip(GRPC_PORTS, grpc, strict=True)]
    (folder / "config.properties").write_text("\n".join([*lines, *SETTINGS, ""]), encoding="utf-8")
    command = [str(programs / "torchserve"), "--start", "--foreground", "--ncs", "--disable-token-auth"]
    command += ["--ts-config", "config.properties", "--model-store", "."]
    process = start(command, folder, variables(programs, folder), ending)
    inference, management = (f"http://127.0.0.1:{port}" for port in http[:2])
    until(process, folder, lambda: asked(f"{management}/models"))
    version = json.loads(asked(f"{inference}/api-description"))["info"]["version"]
    asked_at, described_at = f"{inference}/predictions/model", f"{management}/models/model"
    server = Scalable(asked_at, described_at, version, process, folder)
    server.register("model.mar")
    return server


def _ask(method: str, address: str) -> None:
    urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=READY_SECONDS).close()
