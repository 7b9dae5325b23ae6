"""Requests kept under way while a server is changed beneath them, and what became of each."""

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

ANSWER_SECONDS = 60.0
AFTER_FAILURE = 0.05
LOOK_EVERY = 0.02
TEXT_LENGTH = 200


@dataclass(frozen=True)
class Outcome:
    """What became of one request.

    Attributes
    ----------
    asked : float
        When it was sent, as `time.monotonic` says.
    body : bytes
        Its answer; empty where it failed.
    failure : str
        The status and text with which the server refused it, or how the connection broke; empty otherwise.
    """

    asked: float
    body: bytes = b""
    failure: str = ""


class SteadyRequests:
    """Clients with one request under way each, from entering the context to leaving it.

    Parameters
    ----------
    address : str
        Where each request is posted.
    content : bytes
        What is posted.
    kind : str
        Its media type.
    clients : int
        How many ask at a time.
    alive : callable
        Whether the server's process runs.
    """

    def __init__(
        self, address: str, content: bytes, kind: str, clients: int, alive: Callable[[], bool]
    ) -> None:
        self.request = urllib.request.Request(address, content, {"Content-Type": kind})
        self.alive = alive
        self.outcomes: list[Outcome] = []
        self._faults: list[BaseException] = []
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._ask_on) for _ in range(clients)]

    def __enter__(self) -> Self:
        """Begin to ask."""
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop asking, once what is under way has been answered.

        Raises
        ------
        RuntimeError
            As `until` does.
        """
        self._over.set()
        for client in self._clients:
            client.join()
        if kind is None:
            self._check()

    def until(self, enough: Callable[[list[Outcome]], bool], seconds: float) -> bool:
        """Wait until the outcomes so far are enough; return whether they were, within these seconds.

        Raises
        ------
        RuntimeError
            Where the server's process ended, or a request met a fault that says nothing of the server, such
            as no answer in time on a machine that stalls.
        """
        deadline = time.monotonic() + seconds
        while not enough(list(self.outcomes)):
            self._check()
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_EVERY)
        self._check()
        return True

    def _check(self) -> None:
        if self._faults:
            message = f"a request met {type(self._faults[0]).__name__}: {self._faults[0]}"
            raise RuntimeError(message) from self._faults[0]
        if not self.alive():
            message = "the server's process ended while requests were under way"
            raise RuntimeError(message)

    def _ask_on(self) -> None:
        while not (self._over.is_set() or self._faults):
            asked = time.monotonic()
            try:
                with urllib.request.urlopen(self.request, timeout=ANSWER_SECONDS) as answer:
                    self.outcomes.append(Outcome(asked, answer.read()))
            except Exception as error:
                failure = _failure(error)
                if failure is None:
                    self._faults.append(error)
                    return
                self.outcomes.append(Outcome(asked, failure=failure))
                self._over.wait(AFTER_FAILURE)


def _failure(error: Exception) -> str | None:
    """Return how the server failed the request; None where it need not have been the server."""
    if isinstance(error, urllib.error.HTTPError):
        said = error.read()[:TEXT_LENGTH].decode(errors="replace")
        return f"{error.code} {said}".strip()
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ConnectionError | http.client.HTTPException):
        return f"{type(cause).__name__}: {cause}"
    return None
