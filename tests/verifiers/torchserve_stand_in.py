"""A stand-in for TorchServe that serves the null model from a number of workers: its HTTP interfaces, no more.

It is installed as the program `torchserve`; the variable STAND_IN says in which way it goes wrong.
"""

import contextlib
import json
import os
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ANSWERS = 10
PLANTED = os.environ["STAND_IN"]


class Workers:
    """As many as are listed; each answers one request at a time."""

    def __init__(self) -> None:
        self.wait = json.loads(Path("waiting.json").read_text())
        self.free: queue.Queue[int] = queue.Queue()
        self.only_one = threading.Lock()
        self.listed = 1
        self.to_fail = 0
        self.free.put(1)

    def scale(self, wanted: int) -> int:
        """Have so many workers, and return the status to answer."""
        if PLANTED == "dies":
            os._exit(1)
        if PLANTED in ("refuses to scale", "fails to scale"):
            return 400 if PLANTED == "refuses to scale" else 500
        if PLANTED == "ignores":
            return 200
        if wanted > self.listed:
            self.free.put(wanted)
        else:
            self.free.get()
        drops = "drops growing" if wanted > self.listed else "drops shrinking"
        self.to_fail = 3 if drops in PLANTED else 0
        self.listed = wanted
        return 200

    def describe(self) -> list[dict[str, str]]:
        """Return the workers' states."""
        states = ["READY"] + ["UNLOADING" if PLANTED == "never ready" else "READY"] * (self.listed - 1)
        return [{"status": state} for state in states]

    def predict(self, body: bytes) -> tuple[int, Any]:
        """Return status and answer, after the wait."""
        if self.to_fail:
            self.to_fail -= 1
            return 500, {"message": "Worker died."}
        worker = self.free.get()
        with self.only_one if PLANTED == "one at a time" else contextlib.nullcontext():
            began = time.monotonic()
            time.sleep(self.wait)
            ended = time.monotonic()
        time.sleep(self.wait if PLANTED == "slow" else 0)
        self.free.put(worker)
        if PLANTED == "drops growing, killed" and worker < self.listed:
            worker = 3
        logits = list(memoryview(body).cast("f")[:ANSWERS])
        if PLANTED == "wrong" and worker == 2:
            logits[0] += 1
        return 200, {"logits": logits, "began": began, "ended": ended, "worker": worker, "torch": "none"}


class Interface(BaseHTTPRequestHandler):
    """Inference and management in one."""

    workers: Workers

    def do_GET(self) -> None:
        if self.path == "/api-description":
            self._say(200, {"info": {"version": "stand-in"}})
        else:
            self._say(200, [{"workers": self.workers.describe()}])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say(*(self.workers.predict(body) if self.path.startswith("/predictions") else (200, {})))

    def do_PUT(self) -> None:
        wanted = parse_qs(urlsplit(self.path).query)
        self._say(self.workers.scale(int(wanted["max_worker"][0])), {"message": PLANTED})

    def _say(self, status: int, found: Any) -> None:
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    """Open the two ports that the configuration names."""
    lines = dict(line.split("=", 1) for line in Path("config.properties").read_text().splitlines())
    ports = [int(lines[f"{name}_address"].rpartition(":")[2]) for name in ("inference", "management")]
    Interface.workers = Workers()
    servers = [ThreadingHTTPServer(("127.0.0.1", port), Interface) for port in ports]
    threading.Thread(target=servers[0].serve_forever, daemon=True).start()
    servers[1].serve_forever()


if __name__ == "__main__":
    main()
