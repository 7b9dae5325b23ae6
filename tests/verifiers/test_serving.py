"""The load generator against real endpoints, the messages that it sends, and what is said where a server is absent."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.verifier import Cell, Unavailable

VERIFIERS = Path(__file__).parents[2] / "verifiers"
RUNNING = os.environ | {"PYTHONPATH": str(VERIFIERS.parent)}
BODY = b'{"instances": [1.0]}'
SETTINGS = {"model": "mlp", "protocol": "rest-json", "clients": 2, "batch": 1}
PLAIN = f"""
import asyncio, json, sys, threading, time
sys.path.insert(0, {str(VERIFIERS / "models")!r})
import numpy as np
import python_server

counting, at_once, most = threading.Lock(), 0, 0

def answer(images):
    global at_once, most
    with counting:
        at_once += 1
        most = max(most, at_once)
    time.sleep(0.001)
    with counting:
        at_once -= 1
    return np.float32([[most, *images.ravel()[:2]]])

python_server.loaded = lambda saved: answer
asyncio.run(python_server.main(**json.loads(sys.argv[1])))
"""
FIELDS = st.lists(st.tuples(st.integers(1, 2**20), st.one_of(st.binary(max_size=300), st.integers(0, 2**63))))


@pytest.fixture(autouse=True)
def _verifiers_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(VERIFIERS))


@pytest.fixture
def running() -> Iterator[Any]:
    """Run the empty endpoint."""
    from models import servers

    with ExitStack() as ending:
        yield servers.python_server(VERIFIERS / "models" / "empty_endpoint.py", {}, ending)


@pytest.fixture
def empty(running: Any) -> int:
    """Give the empty endpoint's port for HTTP."""
    return running.http


@pytest.fixture
def failing() -> Iterator[int]:
    """Run a server that answers every other request with 503 and give its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        asked = 0

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            Handler.asked += 1
            self.send_response(200 if Handler.asked % 2 else 503)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"no")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()


@given(FIELDS)
def test_a_message_is_read_as_it_was_written(parts: list[tuple[int, bytes | int]]) -> None:
    sys.path.insert(0, str(VERIFIERS))
    from models import wire

    message = b"".join(wire.field(number, value) for number, value in parts)
    assert list(wire.fields(message)) == parts


def test_messages_are_those_of_protocol_buffers() -> None:
    from google.protobuf import any_pb2, wrappers_pb2

    from models import wire

    content = bytes(range(256)) * 3
    found = any_pb2.Any.FromString(wire.field(1, "a name") + wire.field(2, content))
    assert (found.type_url, found.value) == ("a name", content)
    assert wrappers_pb2.UInt64Value.FromString(wire.field(1, 300)).value == 300


@pytest.mark.parametrize("clients", [1, 7])
def test_a_closed_loop_has_every_request_answered(empty: int, clients: int) -> None:
    from models import load

    served = load.closed([load.Http(empty, "/", BODY, "application/json") for _ in range(clients)], 100)
    assert len(served.latencies) == 100
    assert 0 < served.percentile(0.5) <= served.percentile(0.99) <= served.seconds
    assert served.rate == 100 / served.seconds


def test_an_open_stream_sends_what_is_due_whatever_the_answers(empty: int) -> None:
    from models import load

    served = load.opened(lambda: load.Http(empty, "/", BODY, "application/json"), 4, 500.0, 0.4, seed=1)
    again = load.opened(lambda: load.Http(empty, "/", BODY, "application/json"), 2, 500.0, 0.4, seed=1)
    assert len(served.latencies) == len(again.latencies) > 0


def test_a_request_that_fails_ends_the_load_and_is_named(failing: int) -> None:
    from models import load

    with pytest.raises(load.Failed, match="503"):
        load.closed([load.Http(failing, "/", BODY, "application/json")], 10)
    with pytest.raises(load.Failed, match="503"):
        load.opened(lambda: load.Http(failing, "/", BODY, "application/json"), 1, 200.0, 0.2, seed=1)


@given(st.binary(max_size=60), st.integers(1, 40))
def test_an_answer_is_whole_however_it_comes_in_parts(body: bytes, size: int) -> None:
    from models import load

    class Unconnected(load.Http):
        def _connect(self) -> None: ...

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    parts = [answer[start : start + size] for start in range(0, len(answer), size)]
    found = [
        Unconnected.received(connection, part)
        for connection in [Unconnected(0, "/", b"", "")]
        for part in parts
    ]
    assert found == [None] * (len(parts) - 1) + [body]


def test_an_answer_that_does_not_say_how_long_it_is_fails() -> None:
    from models import load

    class Unconnected(load.Http):
        def _connect(self) -> None: ...

    with pytest.raises(load.Failed, match="how long"):
        Unconnected(0, "/", b"", "").received(b"HTTP/1.1 200 OK\r\n\r\n{}")


def test_a_connection_that_the_server_hung_up_is_made_anew(empty: int) -> None:
    from models import load

    connections = [load.Http(empty, "/", BODY, "application/json") for _ in range(2)]
    connections[0].socket.shutdown(socket.SHUT_RDWR)
    assert len(load.closed(connections, 20).latencies) == 20


@pytest.mark.parametrize("clients", [1, 3])
def test_grpc_is_asked_by_every_client(running: Any, clients: int) -> None:
    from models import load

    channels = [load.Grpc(running.grpc, "/any/Method", b"x" * 5_000_000) for _ in range(clients)]
    assert len(load.closed(channels, 9).latencies) == 9
    assert channels[0].call() == b""


def test_a_grpc_call_that_fails_ends_the_load_and_is_named() -> None:
    from models import load, servers

    (port,) = servers.free_ports(1)
    with pytest.raises(load.Failed, match="UNAVAILABLE"):
        load.closed([load.Grpc(port, "/any/Method", b"") for _ in range(2)], 5)


def test_a_server_that_ends_at_once_is_named_with_its_log(tmp_path: Path) -> None:
    from models import servers

    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no such model')")
    with ExitStack() as ending, pytest.raises(RuntimeError, match="no such model"):
        servers.python_server(script, {}, ending)


def test_a_server_ends_with_all_that_it_started(tmp_path: Path) -> None:
    from models import servers

    script = tmp_path / "parent.py"
    script.write_text(
        "import json, socket, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "listening = socket.create_server(('127.0.0.1', json.loads(sys.argv[1])['http']))\n"
        "time.sleep(600)\n"
    )
    with ExitStack() as ending:
        servers.python_server(script, {}, ending)
        family = psutil.Process().children(recursive=True)
        assert len(family) == 3, "a guard, the server and its child"
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_a_server_ends_with_a_process_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from contextlib import ExitStack\n"
        "from pathlib import Path\n"
        "from models import servers\n"
        "servers.python_server(Path(servers.__file__).with_name('empty_endpoint.py'), {}, ExitStack())\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (VERIFIERS, VERIFIERS.parent)))}
    environment["TMPDIR"] = str(tmp_path)  # what it cannot clear itself goes with the test's own folder
    starter = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    with starter.stdout:
        assert starter.stdout.readline() == b"ready\n"
        family = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
        starter.wait()
    assert len(family) == 2
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_the_plain_python_server_answers_what_the_model_itself_answers_in_every_protocol() -> None:
    command = [sys.executable, str(Path(__file__).with_name("served.py")), "python/plain"]
    done = subprocess.run(
        [*command, "mlp", "grpc,rest-binary,rest-json", "1"], env=RUNNING, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["cell"]["protocol"] for answer in answers] == ["grpc", "rest-binary", "rest-json"]
    for answer in answers:
        assert answer["same_shape"], answer
        assert answer["difference"] < 1e-4, answer
    assert len({answer["difference"] for answer in answers}) == 1, "the very same numbers in every protocol"
    assert not any(psutil.pid_exists(each) for answer in answers for each in answer["processes"])


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Any]:
    """Run the plain Python server; its model answers how many asked it at once at most, and two numbers given."""
    from models import servers

    script = tmp_path / "plain.py"
    script.write_text(PLAIN)
    with ExitStack() as ending:
        yield servers.python_server(script, {"saved": ""}, ending)


def test_the_plain_python_server_speaks_tensorflow_servings_own_messages(plain: Any) -> None:
    from tensorflow_stand_in import KINDS

    from models import load, serving

    tensor = {
        "dtype": 1,
        "shape": {"dim": [{"size": 1}, {"size": 2}]},
        "content": np.float32([3, 4]).tobytes(),
    }
    spec = {"name": "model", "signature": "serving_default"}
    asked = KINDS["Request"](spec=spec, inputs=[{"key": "images", "value": tensor}])
    connection = load.Grpc(plain.grpc, serving.TENSORFLOW_METHOD, asked.SerializeToString())
    (named,) = KINDS["Response"].FromString(connection.call()).outputs
    connection.close()
    assert (named.key, named.value.dtype) == ("logits", 1)
    assert [each.size for each in named.value.shape.dim] == [1, 3]
    assert np.frombuffer(named.value.content, np.float32).tolist() == [1, 3, 4]


def test_the_plain_python_server_asks_its_model_one_request_at_a_time_over_both_protocols(plain: Any) -> None:
    from models import load, serving

    cell = Cell("python/plain", SETTINGS | {"protocol": "grpc", "model": "null"}, seed=5)
    endpoints = [serving._of_python(cell)] * 4
    cell = Cell("python/plain", SETTINGS | {"protocol": "rest-json", "model": "null"}, seed=5)
    endpoints += [serving._of_python(cell)] * 4
    connections = [endpoint.connect(plain) for endpoint in endpoints]
    assert len(load.closed(connections, 40).latencies) == 40
    most = [endpoint.read(each.call())[0] for endpoint, each in zip(endpoints, connections, strict=True)]
    assert most == [1] * 8
    for each in connections:
        each.close()


@pytest.mark.parametrize("protocol", ["grpc", "rest-json"])
def test_tensorflow_serving_is_asked_in_its_own_protocols(
    protocol: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from models import served_models, serving

    program = tmp_path / "tensorflow_model_server"
    stand_in = Path(__file__).with_name("tensorflow_stand_in.py")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(served_models, "saved_model", lambda cell, ending: tmp_path)
    monkeypatch.setattr(serving, "_running", {})
    monkeypatch.setattr(serving, "HEADROOM", 0.0)
    with ExitStack() as ending:
        monkeypatch.setattr(serving, "_ending", ending)
        cell = Cell(
            "tfserving/default", SETTINGS | {"model": "null", "protocol": protocol, "batch": 8}, seed=5
        )
        step = serving.step(cell, 10)
        assert step.outputs()["logits"].tolist() == served_models.answer(cell).tolist()
        assert step.settings()["server"] == "TensorFlow ModelServer: stand-in"


@pytest.mark.parametrize(
    ("arm", "protocol", "lacks"),
    [
        ("torchserve/default", "grpc", "needs its environment 'torchserve'"),
        ("tfserving/default", "grpc", "tensorflow_model_server on the PATH"),
        ("tfserving/default", "rest-binary", "JSON alone"),
    ],
)
def test_what_is_not_here_is_said_to_be_lacking(
    arm: str, protocol: str, lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models import serving

    monkeypatch.delenv("KB_PYTHON_TORCHSERVE", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match=lacks) as lack:
        serving.step(Cell(arm, SETTINGS | {"protocol": protocol}, seed=5), 10)
    assert lack.value.reason == "no-software"


@pytest.mark.parametrize("home", [None, "/nowhere"])
def test_torchserve_without_java_is_said_to_lack_it(
    home: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from models import serving

    (tmp_path / "torchserve").touch(0o755)
    monkeypatch.setenv("KB_PYTHON_TORCHSERVE", str(tmp_path / "python"))
    if home is None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", "/nowhere")
    else:
        monkeypatch.setenv("JAVA_HOME", home)
    with pytest.raises(Unavailable, match="needs Java 11 or newer") as lack:
        serving.step(Cell("torchserve/default", SETTINGS, seed=5), 10)
    assert lack.value.reason == "no-software"


def test_an_environment_without_torchserve_is_said_to_lack_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from models import serving

    monkeypatch.setenv("KB_PYTHON_TORCHSERVE", str(tmp_path / "python"))
    with pytest.raises(Unavailable, match="needs TorchServe; its environment"):
        serving.step(Cell("torchserve/default", SETTINGS, seed=5), 10)


def test_a_generator_that_is_not_twice_as_fast_takes_no_measurement(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models import load, serving

    monkeypatch.setattr(serving, "HEADROOM", 1e9)
    endpoint = serving.Endpoint(
        lambda server: load.Http(server.http, "/", BODY, "application/json"), lambda answer: answer
    )
    cell = Cell("torchserve/default", SETTINGS)
    with pytest.raises(Unavailable, match="less than twice") as lack:
        serving._outputs(cell, endpoint, [endpoint.connect(running)], 10)
    assert lack.value.reason == "no-hardware"


def test_a_stated_rate_takes_as_long_as_it_says() -> None:
    from models import serving

    step = serving.stated(Cell("stated/35000", SETTINGS | {"model": "null"}, seed=5), 50)
    assert step.items == 50
    assert step.outputs()["logits"].shape == (10,)


def test_a_stated_rate_is_never_exceeded() -> None:
    from models import serving

    step = serving.stated(Cell("stated/1000", SETTINGS | {"model": "null"}, seed=5), 5)
    began = time.perf_counter()
    step.run()
    assert time.perf_counter() - began >= 5 / 1000
