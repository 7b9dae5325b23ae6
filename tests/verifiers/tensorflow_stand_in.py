"""A stand-in for tensorflow_model_server that serves the null model: it speaks its two protocols, no more.

Its messages are built by Google's library from the fields that tensorflow_serving/apis/predict.proto and
tensorflow/core/framework/tensor.proto number so.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ANSWERS = 10
TEXT, BYTES, INTEGER, MESSAGE = 9, 12, 3, 11
MESSAGES: dict[str, list[tuple[str, int, int, str, bool]]] = {
    "Dim": [("size", 1, INTEGER, "", False)],
    "Shape": [("dim", 2, MESSAGE, "Dim", True)],
    "Tensor": [
        ("dtype", 1, INTEGER, "", False),
        ("shape", 2, MESSAGE, "Shape", False),
        ("content", 4, BYTES, "", False),
    ],
    "Named": [("key", 1, TEXT, "", False), ("value", 2, MESSAGE, "Tensor", False)],
    "Spec": [("name", 1, TEXT, "", False), ("signature", 3, TEXT, "", False)],
    "Request": [("spec", 1, MESSAGE, "Spec", False), ("inputs", 2, MESSAGE, "Named", True)],
    "Response": [("outputs", 1, MESSAGE, "Named", True)],
}


def types() -> dict[str, Any]:
    """Return the classes of the messages by name."""
    file = descriptor_pb2.FileDescriptorProto(name="predict.proto", package="predict", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of, repeated in fields:
            made = message.field.add(name=field, number=number, type=kind, label=3 if repeated else 1)
            if of:
                made.type_name = f".predict.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"predict.{name}"))
        for name in MESSAGES
    }


KINDS = types()


def predict(content: bytes, context: grpc.ServicerContext) -> bytes:
    """Answer a PredictRequest with a PredictResponse."""
    asked = KINDS["Request"].FromString(content)
    (given,) = asked.inputs
    sizes = [each.size for each in given.value.shape.dim]
    if (asked.spec.name, asked.spec.signature, given.key, given.value.dtype) != (
        "model",
        "serving_default",
        "images",
        1,
    ):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"asked {asked}")
    logits = np.frombuffer(given.value.content, np.float32).reshape(sizes)[0].ravel()[:ANSWERS]
    tensor = {"dtype": 1, "shape": {"dim": [{"size": 1}, {"size": ANSWERS}]}, "content": logits.tobytes()}
    return KINDS["Response"](outputs=[{"key": "logits", "value": tensor}]).SerializeToString()


class Rest(BaseHTTPRequestHandler):
    """The REST interface."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say({"model_version_status": [{"state": "AVAILABLE"}]})

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say({"predictions": [np.ravel(each)[:ANSWERS].tolist() for each in told["instances"]]})

    def _say(self, found: Any) -> None:
        text = json.dumps(found).encode()
        self.send_response(200 if self.path.startswith("/v1/models/model") else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    """Take the server's own options and serve."""
    parser = argparse.ArgumentParser()
    for name in ("rest_api_port", "port"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("model_name", "model_base_path", "enable_batching", "batching_parameters_file"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--version", action="store_true")
    told = parser.parse_args()
    if told.version:
        sys.stdout.write("TensorFlow ModelServer: stand-in\n")
        return
    handler = grpc.unary_unary_rpc_method_handler(predict)
    service = grpc.method_handlers_generic_handler(
        "tensorflow.serving.PredictionService", {"Predict": handler}
    )
    server = grpc.server(ThreadPoolExecutor(4), handlers=[service])
    server.add_insecure_port(f"127.0.0.1:{told.port}")
    server.start()
    ThreadingHTTPServer(("127.0.0.1", told.rest_api_port), Rest).serve_forever()


if __name__ == "__main__":
    main()
