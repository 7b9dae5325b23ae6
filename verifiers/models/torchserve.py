"""TorchServe, started for one TorchScript model.

It is ready when its workers are: it says that it is healthy while they still crash.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, python_of
from models.servers import READY_SECONDS, Server, asked, folder_of, free_ports, start, until

HANDLER = Path(__file__).with_name("torchserve_handler.py")
BATCH_DELAY = 5
"""Milliseconds for which the server waits for a batch to fill."""
JAVA = "-Xbatch"
"""Java compiles where the code is called, and not in the background while other arms are timed."""


def installed() -> Path:
    """Return the folder with TorchServe's programs.

    Raises
    ------
    Unavailable
        Without TorchServe, or without Java.
    """
    programs = python_of("torchserve").parent
    if shutil.which("torchserve", path=str(programs)) is None:
        message = f"needs TorchServe; its environment {programs.parent} has none"
        raise Unavailable(message)
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else None) is None:
        message = "TorchServe needs Java 11 or newer; install default-jre-headless"
        raise Unavailable(message)
    return programs


def serve(model: bytes, shape: tuple[int, ...], workers: int, batch: int, ending: ExitStack) -> Server:
    """Start TorchServe with one TorchScript model under the name `model`.

    Parameters
    ----------
    model : bytes
        As `torch.jit.save` wrote it.
    shape : tuple of int
        Of one image, as the model takes it.
    workers : int
        Worker processes, one thread each.
    batch : int
        Requests that the server may answer at once.
    ending : ExitStack
        Ends the server.

    Raises
    ------
    Unavailable
        Without TorchServe, or without Java.
    """
    programs, folder, ports = installed(), folder_of(ending), free_ports(5)
    archive(programs, folder, model, HANDLER, {"shape": shape})
    (folder / "config.properties").write_text(_configuration(ports), encoding="utf-8")
    command = [str(programs / "torchserve"), "--start", "--foreground", "--ncs", "--disable-token-auth"]
    command += ["--ts-config", "config.properties", "--model-store", "."]
    process = start(command, folder, variables(programs, folder), ending)
    management = f"http://127.0.0.1:{ports[1]}/models"
    until(process, folder, lambda: asked(management))
    wanted = f"url=model.mar&model_name=model&initial_workers={workers}&synchronous=true"
    _post(f"{management}?{wanted}&batch_size={batch}&max_batch_delay={BATCH_DELAY}", folder)
    until(process, folder, lambda: _all_ready(f"{management}/model", workers))
    version = json.loads(asked(f"http://127.0.0.1:{ports[0]}/api-description"))["info"]["version"]
    return Server(ports[0], ports[3], f"TorchServe {version}", workers)


def variables(programs: Path, folder: Path) -> dict[str, str]:
    """Return variables that keep servers apart: each notes its process in the temporary folder."""
    paths = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    places = dict.fromkeys(("TMPDIR", "TEMP", "LOG_LOCATION", "METRICS_LOCATION"), str(folder))
    return {"PATH": paths, "OMP_NUM_THREADS": "1", **places}


def _configuration(ports: list[int]) -> str:
    """Return TorchServe's settings; system metrics, taken every minute, would disturb what is timed."""
    http = zip(("inference", "management", "metrics"), ports, strict=False)
    lines = [f"{name}_address=http://127.0.0.1:{port}" for name, port in http]
    lines += ["grpc_inference_address=127.0.0.1", f"grpc_inference_port={ports[3]}"]
    lines += ["grpc_management_address=127.0.0.1", f"grpc_management_port={ports[4]}"]
    lines += ["enable_model_api=true", "disable_system_metrics=true", "async_logging=true"]
    lines += ["job_queue_size=1000", "default_response_timeout=60", f"vmargs={JAVA}"]
    return "\n".join(lines) + "\n"


def archive(
    programs: Path, folder: Path, model: bytes, handler: Path, told: Mapping[str, Any], *more: Path
) -> None:
    """Write `model.mar` into a folder: a TorchScript model, its handler, and what both are told.

    Parameters
    ----------
    programs : Path
        TorchServe's programs.
    folder : Path
        Of one server; the archiver puts files together in its temporary folder under the model's name, so
        that two at a time must not share one.
    model : bytes
        As `torch.jit.save` wrote it.
    handler : Path
        The script that answers requests.
    told : mapping
        JSON data by name, each a file beside the handler.
    more : Path
        Further files beside it.

    Raises
    ------
    RuntimeError
        Where the archiver fails.
    """
    (folder / "model.pt").write_bytes(model)
    for name, value in told.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    files = ",".join([*map(str, more), *(f"{name}.json" for name in told)])
    command = [str(programs / "torch-model-archiver"), "--model-name", "model", "--version", "1.0"]
    command += ["--serialized-file", "model.pt", "--extra-files", files]
    command += ["--handler", str(handler), "--export-path", "."]
    environment = {**os.environ, **variables(programs, folder)}
    made = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if made.returncode:
        message = f"torch-model-archiver failed: {made.stderr[-500:]}"
        raise RuntimeError(message)


def _all_ready(model: str, workers: int) -> None:
    """Return where all workers are ready; registering waits for the first alone, even synchronously."""
    (found,) = json.loads(asked(model))
    ready = sum(worker["status"] == "READY" for worker in found["workers"])
    if ready != workers:
        message = f"{ready} of {workers} workers are ready"
        raise ConnectionError(message)


def _post(address: str, folder: Path) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="POST"), timeout=READY_SECONDS):
            return
    except urllib.error.HTTPError as fault:
        log = (folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
        message = f"{address} was answered {fault.code}: {fault.read()[:500]!r}; the log ends: {log}"
        raise RuntimeError(message) from fault
