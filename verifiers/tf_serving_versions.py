# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "psutil", "tensorflow"]
# ///
"""Whether TensorFlow Serving serves two versions of a model, and replaces one without a failed request."""

import importlib.metadata
import importlib.util
import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import Any

from kb.verifier import Unavailable, probes

CLIENTS = 2
REQUESTS = 50
SWAP_SECONDS = 60.0
GIVEN = [1.0, 2.0, 3.0]
SHOWN = 5


@probes(
    fields=(
        "server",
        "tensorflow_version",
        "answered_before",
        "answered_after",
        "answered_when_asked_for",
        "requests",
        "failed",
        "wrong",
        "failures",
    ),
    seconds=300,
)
def tf_serving_versions() -> dict[str, Any]:
    """Serve version 1 of a SavedModel, add version 2 while requests run, then ask for each by its number.

    Returns
    -------
    dict
        Two clients ask for the latest version all the while: `answered_before` are the versions that answered
        them before the folder of version 2 was there, `answered_after` those of the last requests.
        `answered_when_asked_for` has for each version, in order, the one that answered when it was asked for
        by number, None where the server refused. `failed` requests were refused or broken off, `wrong` ones
        answered by neither version; `failures` are texts of the first failed.

    Raises
    ------
    Unavailable
        Without TensorFlow Serving's program, or TensorFlow.
    RuntimeError
        Where the server does not come up, ends, does not answer in time, or is still loading at the end.
    """
    from models import tensorflow_versions as serving
    from models.servers import folder_of
    from models.steady_requests import SteadyRequests

    serving.program_version()
    if importlib.util.find_spec("tensorflow") is None:
        message = "needs tensorflow; install it with: pip install tensorflow==2.21.0"
        raise Unavailable(message)
    with ExitStack() as ending:
        made, base = folder_of(ending), folder_of(ending)
        for version in (1, 2):
            serving.save(made, version)
        (made / "1").rename(base / "1")
        server = serving.serve(base, ending)
        content = json.dumps({"instances": [GIVEN]}).encode()
        address = server.predict(serving.LATEST)
        with SteadyRequests(address, content, "application/json", CLIENTS, server.alive) as requests:
            _more(requests)
            before = list(requests.outcomes)
            (made / "2").rename(base / "2")  # at once, so that no half of it is ever there
            requests.until(lambda outcomes: 2 in _versions(outcomes[-CLIENTS:]), SWAP_SECONDS)
            after = _more(requests)
        server.settle(2)
        outcomes = requests.outcomes
        failures = [each.failure for each in outcomes if each.failure]
        return {
            "server": server.version,
            "tensorflow_version": importlib.metadata.version("tensorflow"),
            "answered_before": sorted(_versions(before)),
            "answered_after": sorted(_versions(after)),
            "answered_when_asked_for": [_asked_for(server, version, content) for version in (1, 2)],
            "requests": len(outcomes),
            "failed": len(failures),
            "wrong": sum(not each.failure and not _version(each.body) for each in outcomes),
            "failures": failures[:SHOWN],
        }


def _more(requests: Any) -> list[Any]:
    """Return the outcomes of so many requests sent from now on.

    Raises
    ------
    RuntimeError
        Where they do not come in time.
    """
    there = len(requests.outcomes) + CLIENTS  # those under way were sent before
    if not requests.until(lambda outcomes: len(outcomes) >= there + REQUESTS, SWAP_SECONDS):
        message = f"fewer than {REQUESTS} requests came to an end in {SWAP_SECONDS:g} s"
        raise RuntimeError(message)
    return list(requests.outcomes[there:])


def _asked_for(server: Any, version: int, content: bytes) -> int | None:
    from models import tensorflow_versions as serving

    address = server.predict(f"{serving.EVERY}/versions/{version}")
    request = urllib.request.Request(address, content, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SWAP_SECONDS) as answer:
            return _version(answer.read())
    except urllib.error.HTTPError:
        return None


def _versions(outcomes: list[Any]) -> set[int]:
    found = {_version(each.body) for each in outcomes if not each.failure}
    return {version for version in found if version}


def _version(body: bytes) -> int | None:
    """Return the version whose answer this is; None where it is neither's."""
    answers = {json.dumps({"predictions": [[n * number for number in GIVEN]]}): n for n in (1, 2)}
    try:
        return answers.get(json.dumps(json.loads(body)))
    except ValueError:
        return None
