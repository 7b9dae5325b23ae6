"""An endpoint that answers any request of HTTP/1.1 or gRPC at once and computes nothing.

    empty_endpoint.py '{"http": PORT, "grpc": PORT}'

Against it a load generator shows what it can reach.
"""

import json
import selectors
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNK = 1 << 20
THREADS = 4


@dataclass
class Request:
    """What has come of a request, and how long it is as a whole; 0 while its head is not whole."""

    got: bytearray = field(default_factory=bytearray)
    size: int = 0


def serve_http(port: int) -> None:
    """Answer for ever."""
    listening = socket.create_server(("127.0.0.1", port), backlog=256)
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listening:
                    connection, _ = listening.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(connection, selectors.EVENT_READ, Request())
                else:
                    _answer(selector, key)


def serve_grpc(port: int) -> Any:
    """Answer every method in threads of their own; return the server, which lives as long as it is held."""
    import grpc

    answer = grpc.unary_unary_rpc_method_handler(lambda message, context: b"")

    class Anything(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            return answer

    server = grpc.server(ThreadPoolExecutor(THREADS), handlers=[Anything()], options=UNLIMITED)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server


UNLIMITED = [("grpc.max_receive_message_length", -1)]


def _answer(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    connection, request = key.fileobj, key.data
    try:
        chunk = connection.recv(CHUNK)
    except ConnectionError:
        chunk = b""
    if not chunk:
        selector.unregister(connection)
        connection.close()
        return
    request.got += chunk
    if not request.size and (end := request.got.find(b"\r\n\r\n")) >= 0:
        request.size = end + 4 + _length(bytes(request.got[:end]))
    if request.size and len(request.got) >= request.size:
        key.data.got, key.data.size = bytearray(), 0
        connection.sendall(ANSWER)


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.splitlines())
    return next((int(value) for name, _, value in lines if name.lower() == b"content-length"), 0)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    held = serve_grpc(told["grpc"])
    serve_http(told["http"])
