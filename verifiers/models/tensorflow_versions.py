"""TensorFlow Serving with one folder of versions, served twice: the latest version, and every version."""

import json
import re
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable
from models.servers import asked, folder_of, free_ports, start, tensorflow_server, until

SAYS = r"TensorFlow ModelServer: \d+\.\d+"
"""How the server's own program answers `--version`; what stands in for it in tests does not."""
LATEST, EVERY = "latest", "every"
MODEL = '  config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {policy} }}'
POLICIES = {LATEST: "", EVERY: "model_version_policy { all {} }"}
FEATURES = 3
SETTLE_SECONDS = 60.0
LOOK_EVERY = 0.1
SETTLED, UNFINISHED = ("AVAILABLE", "END"), ("START", "LOADING")


@dataclass(frozen=True)
class Versions:
    """A running TensorFlow Serving.

    Attributes
    ----------
    address : str
        Of its models, to which name and `:predict` are added.
    version : str
        As the program says it.
    process : subprocess.Popen
        The server's.
    """

    address: str
    version: str
    process: Any

    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self.process.poll() is None

    def predict(self, model: str) -> str:
        """Return the address at which a model, or one version of it (`every/versions/1`), is asked."""
        return f"{self.address}/{model}:predict"

    def states(self, model: str) -> dict[int, str]:
        """Return the state of each version of a model, as the server describes it."""
        described = json.loads(asked(f"{self.address}/{model}"))["model_version_status"]
        if any(each.get("status", {}).get("error_code") == "RESOURCE_EXHAUSTED" for each in described):
            message = f"the server lacks memory to load {model!r}: {described}"
            raise RuntimeError(message)
        return {int(each["version"]): each["state"] for each in described}

    def settle(self, version: int) -> None:
        """Wait until the server has loaded this version under every name, or does not in some time.

        Raises
        ------
        RuntimeError
            Where it is still loading then, as on a machine that stalls, or lacks memory.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while any((found := self.states(model).get(version)) not in SETTLED for model in POLICIES):
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_EVERY)
        if found in UNFINISHED:
            message = f"version {version} is still {found} after {SETTLE_SECONDS:g} s"
            raise RuntimeError(message)


def program_version() -> str:
    """Return what the server's program says of its version.

    Raises
    ------
    Unavailable
        Without the program, or where what bears its name is another.
    """
    program = tensorflow_server()
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    text = (said.stdout or said.stderr).strip()
    if not re.match(SAYS, text):
        message = f"needs TensorFlow Serving itself; {program} says {text[:100]!r} of its version"
        raise Unavailable(message)
    return text.splitlines()[0]


def serve(base: Path, ending: ExitStack) -> Versions:
    """Start TensorFlow Serving with the versions in a folder (`<base>/1`, ...), which it goes on to watch.

    Raises
    ------
    Unavailable
        Without its program.
    RuntimeError
        Where it does not come up with all that is there.
    """
    version, folder, (http, grpc) = program_version(), folder_of(ending), free_ports(2)
    models = [MODEL.format(name=name, base=base, policy=policy) for name, policy in POLICIES.items()]
    configuration = folder / "models.config"
    configuration.write_text("\n".join(["model_config_list {", *models, "}", ""]), encoding="utf-8")
    command = [tensorflow_server(), f"--rest_api_port={http}", f"--port={grpc}"]
    command += [f"--model_config_file={configuration}", "--file_system_poll_wait_seconds=1"]
    process = start(command, folder, {}, ending)
    server = Versions(f"http://127.0.0.1:{http}/v1/models", version, process)
    until(process, folder, lambda: _all_available(server))
    return server


def _all_available(server: Versions) -> None:
    for model in POLICIES:
        states = server.states(model)
        if set(states.values()) != {"AVAILABLE"}:
            message = f"the versions of {model!r} are {states}"
            raise ConnectionError(message)


def save(folder: Path, version: int) -> None:
    """Write a SavedModel, `<folder>/<version>`, that answers what it is given times its version."""
    import tensorflow as tf

    module = tf.Module()
    module.factor = tf.Variable(float(version))

    @tf.function(input_signature=[tf.TensorSpec([None, FEATURES], tf.float32, name="features")])
    def serve(features: Any) -> dict[str, Any]:
        return {"answer": features * module.factor}

    tf.saved_model.save(module, str(folder / str(version)), signatures={"serving_default": serve})
