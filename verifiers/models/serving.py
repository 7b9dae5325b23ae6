"""Requests answered by a served model, in a closed loop of clients."""

import atexit
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

from kb.verifier import Array, Arrays, Cell, Step, Unavailable
from models import load, served_models, servers, torchserve, wire

HERE = Path(__file__).parent
HEADROOM = 2.0
TRIALS = 2
EMPTY_REQUESTS = 200
SLACK = 0.0005
TORCHSERVE_METHOD = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"
TENSORFLOW_METHOD = "/tensorflow.serving.PredictionService/Predict"
JSON_KIND, BINARY_KIND = "application/json", "application/octet-stream"

_running: dict[tuple[Any, ...], servers.Server] = {}
_ending = ExitStack()
atexit.register(_ending.close)


@dataclass(frozen=True)
class Endpoint:
    """How one request is sent, and what its answer says."""

    connect: Callable[[servers.Server], Any]
    read: Callable[[bytes], Array]


def step(cell: Cell, requests: int) -> Step:
    """Return the step that has `requests` answered, `cell.clients` at a time.

    The image is one and the same. Before any clock starts, the answer is held against the model in its own
    framework, and the generator against an empty endpoint.

    Raises
    ------
    Unavailable
        Without the server.
    """
    endpoint = _ENDPOINTS[cell.framework](cell)
    server = _server(cell)
    connections = [endpoint.connect(server) for _ in range(cell.clients)]
    return Step(
        run=lambda: load.closed(connections, requests),
        outputs=lambda: _outputs(cell, endpoint, connections, requests),
        settings=lambda: {
            "arm": cell.arm,
            "device": "cpu",
            "server": server.version,
            "threads": server.workers,
        },
        items=requests,
    )


def stated(cell: Cell, requests: int) -> Step:
    """Return the step of a server that answers at the stated rate exactly: it waits, and computes nothing."""
    seconds = requests / float(cell.mode)
    return Step(
        run=lambda: _wait(seconds),
        outputs=lambda: {"logits": served_models.answer(cell)},
        settings=lambda: {"arm": cell.arm, "device": "cpu"},
        items=requests,
    )


def _wait(seconds: float) -> None:
    """Return after just so long; sleep alone ends late by the system's timer slack."""
    until = perf_counter() + seconds
    sleep(max(0.0, seconds - SLACK))
    while perf_counter() < until:
        pass


def _server(cell: Cell) -> servers.Server:
    """Return the server of a cell, started for the first cell that needs it."""
    key = (cell.framework, cell.model, cell.batch, cell.seed)
    if key not in _running:
        _running[key] = _SERVERS[cell.framework](cell)
    return _running[key]


def _torchserve(cell: Cell) -> servers.Server:
    torchserve.installed()
    shape = served_models.image(cell, "pytorch").shape
    return torchserve.serve(served_models.torchscript(cell), shape, cell.threads, cell.batch, _ending)


def _tensorflow_serving(cell: Cell) -> servers.Server:
    servers.tensorflow_server()
    return servers.tensorflow_serving(served_models.saved_model(cell, _ending), cell.batch, _ending)


def _python(cell: Cell) -> servers.Server:
    saved = served_models.saved_model(cell, _ending)
    return servers.python_server(HERE / "python_server.py", {"saved": str(saved)}, _ending)


def _outputs(cell: Cell, endpoint: Endpoint, connections: list[Any], requests: int) -> Arrays:
    """Return the answer.

    Raises
    ------
    Unavailable
        Where the generator does not reach twice the server's rate.
    """
    answer = endpoint.read(connections[0].call())
    found = max(load.closed(connections, requests).rate for _ in range(TRIALS))
    if (reached := _empty_rate(cell, endpoint)) < HEADROOM * found:
        message = (
            f"the load generator reaches {reached:.0f} requests/s against an empty endpoint, less than twice "
            f"the {found:.0f} that {cell.arm} answers; it needs cores of its own, or to be a faster one"
        )
        raise Unavailable(message, "no-hardware")
    return {"logits": answer}


def _empty_rate(cell: Cell, endpoint: Endpoint) -> float:
    """Return the rate that the generator reaches with the same requests where nothing is computed."""
    with ExitStack() as ending:
        empty = servers.python_server(HERE / "empty_endpoint.py", {}, ending)
        connections = [endpoint.connect(empty) for _ in range(cell.clients)]
        for connection in connections:
            ending.callback(connection.close)
        return max(load.closed(connections, EMPTY_REQUESTS).rate for _ in range(TRIALS))


def _of_torchserve(cell: Cell) -> Endpoint:
    image = served_models.image(cell, "pytorch")
    if cell.protocol == "grpc":
        content = wire.field(1, "data") + wire.field(2, image.tobytes())
        message = wire.field(1, "model") + wire.field(3, content)
        return _grpc(TORCHSERVE_METHOD, message, lambda answer: _floats(wire.first(answer, 1)))
    return _http(cell, "/predictions/model", {"instances": image.tolist()}, image, lambda found: found)


def _of_tensorflow_serving(cell: Cell) -> Endpoint:
    image = served_models.image(cell, "tensorflow")[None]
    if cell.protocol == "grpc":
        return _predicting(image)
    if cell.protocol == "rest-binary":
        message = "TensorFlow Serving's REST interface takes numbers as JSON alone"
        raise Unavailable(message)
    told = {"instances": image.tolist()}
    return _http(cell, "/v1/models/model:predict", told, image, lambda found: found["predictions"][0])


def _of_python(cell: Cell) -> Endpoint:
    image = served_models.image(cell, "tensorflow")[None]
    if cell.protocol == "grpc":
        return _predicting(image)
    told = {"instances": image.tolist()}
    return _http(cell, "/predict", told, image, lambda found: found["predictions"][0])


def _predicting(image: Array) -> Endpoint:
    """Return the endpoint of TensorFlow Serving's Predict, as whoever speaks its protocol answers it."""
    named = wire.field(1, "model") + wire.field(3, "serving_default")
    given = wire.field(1, "images") + wire.field(2, wire.tensor(image))
    return _grpc(TENSORFLOW_METHOD, wire.field(1, named) + wire.field(2, given), _first_tensor)


def _grpc(method: str, message: bytes, read: Callable[[bytes], Array]) -> Endpoint:
    return Endpoint(lambda server: load.Grpc(server.grpc, method, message), read)


def _http(cell: Cell, path: str, told: Any, image: Array, row: Callable[[Any], Any]) -> Endpoint:
    if cell.protocol == "rest-binary":
        content = image.tobytes()
        return Endpoint(lambda server: load.Http(server.http, path, content, BINARY_KIND), _floats)
    text = json.dumps(told).encode()
    return Endpoint(
        lambda server: load.Http(server.http, path, text, JSON_KIND),
        lambda answer: np.float32(row(json.loads(answer))),
    )


def _floats(raw: bytes) -> Array:
    return np.frombuffer(raw, np.float32)


def _first_tensor(answer: bytes) -> Array:
    """Return the one output of a PredictResponse: outputs(1) is a map whose value(2) is a TensorProto."""
    return wire.floats(wire.first(wire.first(answer, 1), 2))


_SERVERS: Mapping[str, Callable[[Cell], servers.Server]] = {
    "torchserve": _torchserve,
    "tfserving": _tensorflow_serving,
    "python": _python,
}
_ENDPOINTS: Mapping[str, Callable[[Cell], Endpoint]] = {
    "torchserve": _of_torchserve,
    "tfserving": _of_tensorflow_serving,
    "python": _of_python,
}
