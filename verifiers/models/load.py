"""A load generator: requests that are all the same, in a closed loop of clients or in an open stream.

Written for little work a request, since it runs on the machine that it loads: requests are made once, answers
are looked at only as far as their status. `models.serving` shows that it reaches twice what it measures.
"""

import random
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

CHUNK = 1 << 16
TIMEOUT = 60.0


class Failed(RuntimeError):
    """A request was not answered with success."""


class Connection(Protocol):
    """One client's way to a server, with one request under way at a time."""

    def call(self) -> bytes:
        """Send the request and return the answer's body."""


@dataclass
class Served:
    """What a load came to: wall seconds, and the seconds from asking to answer of each request."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency within which this share of the requests was answered, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Http:
    """A kept-alive connection that sends one prepared request of HTTP/1.1 again and again."""

    def __init__(self, port: int, path: str, body: bytes, kind: str) -> None:
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}"]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        self.request = head.encode() + body
        self.port = port
        self._got = b""
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def renew(self) -> None:
        """Connect anew where the server has hung up, as servers do when a connection idles for seconds."""
        self.socket.settimeout(0)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            self.socket.settimeout(TIMEOUT)
            return
        except ConnectionError:
            pass
        self.socket.close()
        self._connect()

    def call(self) -> bytes:
        """Send the request and return the answer's body."""
        self.socket.sendall(self.request)
        while (body := self.received(self.socket.recv(CHUNK))) is None:
            pass
        return body

    def received(self, chunk: bytes) -> bytes | None:
        """Take in what has come; return the body once it is whole.

        Raises
        ------
        Failed
            Where the status is not 200, or the server hung up.
        """
        if not chunk:
            message = f"the server closed the connection after {self._got[:200]!r}"
            raise Failed(message)
        self._got += chunk
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return None
        self._got = b""
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            message = f"the server answered {head.splitlines()[0]!r}: {body[:200]!r}"
            raise Failed(message)
        return body

    def close(self) -> None:
        """End the connection."""
        self.socket.close()


def _length(head: bytes) -> int:
    for line in head.splitlines():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    message = f"the answer does not say how long it is: {head[:200]!r}"
    raise Failed(message)


class Grpc:
    """A channel that sends one prepared message to one method again and again."""

    def __init__(self, port: int, method: str, message: bytes) -> None:
        import grpc

        self.message = message
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.method = self.channel.unary_unary(method)

    def call(self) -> bytes:
        """Send the message and return the answer's."""
        answer: bytes = self.method(self.message, timeout=TIMEOUT)
        return answer

    def close(self) -> None:
        """End the channel."""
        self.channel.close()


def closed(connections: list[Any], requests: int) -> Served:
    """Keep one request of every connection under way until so many have been answered.

    HTTP is driven by one thread that waits for all sockets; gRPC by a thread for each channel.
    """
    began = time.perf_counter()
    if all(isinstance(each, Http) for each in connections):
        latencies = _one_thread(connections, requests)
    else:
        latencies = _threads(connections, requests)
    return Served(time.perf_counter() - began, latencies)


def _one_thread(connections: list[Http], requests: int) -> list[float]:
    latencies: list[float] = []
    asked = min(len(connections), requests)
    with selectors.DefaultSelector() as selector:
        for connection in connections[:asked]:
            connection.renew()
            selector.register(connection.socket, selectors.EVENT_READ, [connection, time.perf_counter()])
            connection.socket.sendall(connection.request)
        while len(latencies) < requests:
            ready = selector.select(TIMEOUT)
            if not ready:
                message = f"no answer within {TIMEOUT:.0f} s"
                raise Failed(message)
            for key, _ in ready:
                connection, since = key.data
                if connection.received(connection.socket.recv(CHUNK)) is None:
                    continue
                now = time.perf_counter()
                latencies.append(now - since)
                if asked < requests:
                    asked += 1
                    key.data[1] = now
                    connection.socket.sendall(connection.request)
    return latencies


def _threads(connections: list[Connection], requests: int) -> list[float]:
    lock, left, latencies = threading.Lock(), [requests], list[float]()
    faults: list[BaseException] = []

    def work(connection: Connection) -> None:
        while not faults:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            since = time.perf_counter()
            try:
                connection.call()
            except Exception as fault:
                faults.append(fault)
                return
            latencies.append(time.perf_counter() - since)

    _joined([threading.Thread(target=work, args=(each,)) for each in connections])
    if faults:
        raise Failed(str(faults[0])) from faults[0]
    return latencies


def opened(connect: Callable[[], Any], clients: int, rate: float, seconds: float, seed: int) -> Served:
    """Send requests at random times, at a rate on average, whether or not earlier ones were answered.

    Latency counts from the time at which a request was due, so that waiting for a free client counts too
    (coordinated omission; Schroeder, Wierman and Harchol-Balter 2006, NSDI, on open and closed systems).
    """
    drawn = random.Random(seed)
    due, now = list[float](), 0.0
    while (now := now + drawn.expovariate(rate)) < seconds:
        due.append(now)
    lock, latencies, faults = threading.Lock(), list[float](), list[BaseException]()
    began = time.perf_counter()
    waiting = iter(due)

    def work() -> None:
        connection = connect()
        try:
            while not faults:
                with lock:
                    when = next(waiting, None)
                if when is None:
                    return
                time.sleep(max(0.0, began + when - time.perf_counter()))
                connection.call()
                latencies.append(time.perf_counter() - began - when)
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    _joined([threading.Thread(target=work) for _ in range(clients)])
    if faults:
        raise Failed(str(faults[0])) from faults[0]
    return Served(time.perf_counter() - began, latencies)


def _joined(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
