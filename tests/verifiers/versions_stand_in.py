"""A stand-in for tensorflow_model_server that watches a folder of versions: its REST interface, no more.

A version answers what it is given times its number, as the probe's SavedModels do. The variable STAND_IN says
in which way it goes wrong.
"""

import argparse
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PLANTED = os.environ.get("STAND_IN", "")
LATEST = "latest"
POLL_SECONDS = 0.1


class Models:
    """The versions that are served under each name."""

    def __init__(self, configuration: str) -> None:
        self.base = Path(re.search(r'base_path: "(.*?)"', configuration)[1])
        parts = configuration.split("config {")[1:]
        self.every = {re.search(r'name: "(\w+)"', part)[1]: "all {}" in part for part in parts}
        self.there = self._found()
        self.to_refuse = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _found(self) -> list[int]:
        return sorted(int(each.name) for each in self.base.iterdir())

    def _watch(self) -> None:
        while PLANTED != "never swaps":
            time.sleep(POLL_SECONDS)
            if (found := self._found()) == self.there:
                continue
            if PLANTED == "dies":
                os._exit(1)
            self.to_refuse = 3 if PLANTED == "refuses during the swap" else 0
            self.there = found

    def states(self, name: str) -> dict[int, str]:
        """Return the state of each version under a name."""
        if PLANTED == "loads for ever" and len(self.there) > 1:
            return {1: "AVAILABLE", 2: "LOADING"}
        keeps = self.every[name] and PLANTED != "forgets the old"
        return {number: "AVAILABLE" if keeps or number == self.there[-1] else "END" for number in self.there}

    def predict(self, path: str, rows: list[list[float]]) -> tuple[int, Any]:
        """Return status and answer of `<name>:predict` or `<name>/versions/<number>:predict`."""
        name, _, number = path.removesuffix(":predict").partition("/versions/")
        if self.to_refuse and name == LATEST:
            self.to_refuse -= 1
            return 503, {"error": "no version is available"}
        serving = [each for each, state in self.states(name).items() if state == "AVAILABLE"]
        version = int(number) if number else serving[-1]
        if version not in serving:
            return 404, {"error": "Servable not found"}
        factor = version + (0.5 if PLANTED == "computes wrongly" and version == 2 else 0)
        return 200, {"predictions": [[factor * each for each in row] for row in rows]}


class Rest(BaseHTTPRequestHandler):
    """The REST interface."""

    models: Models

    def do_GET(self) -> None:
        states = self.models.states(self._path())
        told = [{"version": str(number), "state": state} for number, state in states.items()]
        self._say(200, {"model_version_status": told})

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(*self.models.predict(self._path(), told["instances"]))

    def _path(self) -> str:
        return self.path.removeprefix("/v1/models/")

    def _say(self, status: int, found: Any) -> None:
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    """Take the server's own options and serve."""
    parser = argparse.ArgumentParser()
    for name in ("rest_api_port", "port", "file_system_poll_wait_seconds"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--model_config_file", type=Path)
    parser.add_argument("--version", action="store_true")
    told = parser.parse_args()
    if told.version:
        sys.stdout.write("TensorFlow ModelServer: stand-in\n")
        return
    Rest.models = Models(told.model_config_file.read_text())
    ThreadingHTTPServer(("127.0.0.1", told.rest_api_port), Rest).serve_forever()


if __name__ == "__main__":
    main()
