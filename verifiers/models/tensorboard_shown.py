"""What TensorBoard makes of a run's event files: its reader, its server's data, and its page in a browser."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Array
from models.web_page import BROWSERS, FLAGS

SCALAR, HISTOGRAM = "loss", "weights"
PRODUCT, RELU = ("MatMul", "aten::linear", "aten::addmm"), ("Relu", "aten::relu")
LAYERS = ("encoder", "decoder")
TOP = {"tensorflow": "encoder", "pytorch": "Model"}
"""A node at the top level of each framework's graph, which the page shows unexpanded."""
READY_SECONDS, PAGE_SECONDS = 90, 60
LOG_END = 500


@dataclass(frozen=True)
class Shown:
    """A run as TensorBoard has it; what it lacks is empty.

    Attributes
    ----------
    scalars : list of float
        Values of the series, by step.
    buckets : list of [float, float, float]
        Left and right edge and count of each bucket of the histogram.
    operations : list of (str, str)
        Name and kind of each node of the graph.
    """

    scalars: list[float]
    buckets: list[list[float]]
    operations: list[tuple[str, str]]

    def has_scalars(self, written: Array) -> bool:
        """Tell whether the series is what was written, float32, to the last bit."""
        return self.scalars == written.tolist()

    def has_histogram(self, values: Array) -> bool:
        """Tell whether the buckets join, and numpy counts as many of the written values in each."""
        table = np.array(self.buckets, float).reshape(-1, 3)
        if not len(table) or (table[1:, 0] != table[:-1, 1]).any() or (table[:, 0] > table[:, 1]).any():
            return False
        counts, _ = np.histogram(values, np.append(table[:, 0], table[-1, 1]))
        return bool((counts == table[:, 2]).all() and counts.sum() == len(values))

    def has_graph(self) -> bool:
        """Tell whether each layer's product stands under the layer's name, and the ReLU is there."""
        products = [
            any(layer in name and kind in PRODUCT for name, kind in self.operations) for layer in LAYERS
        ]
        return all(products) and any(kind in RELU for _, kind in self.operations)


def read(folder: Path) -> Shown:
    """Read a run's event files by the reader that TensorBoard's server uses."""
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()
    series = {
        tag: [tensor_util.make_ndarray(event.tensor_proto) for event in events.Tensors(tag)]
        for tag in (SCALAR, HISTOGRAM)
        if tag in tags["tensors"]
    }
    return Shown(
        [float(value) for value in series.get(SCALAR, [])],
        series[HISTOGRAM][0].tolist() if series.get(HISTOGRAM) else [],
        [(node.name, node.op) for node in events.Graph().node] if tags["graph"] else [],
    )


@contextmanager
def server(logs: Path) -> Iterator[str]:
    """Run TensorBoard over a folder of runs, all of them loaded; give its address.

    Raises
    ------
    RuntimeError
        Where it does not come up in time.
    """
    options = {"logdir": logs, "host": "127.0.0.1", "port": 0, "load_fast": "false"}
    at_once = ["--reload_interval=0", "--reload_task=blocking"]  # then nothing is served before it was read
    command = [sys.executable, "-P", "-m", "tensorboard.main"]
    command += [f"--{name}={value}" for name, value in options.items()] + at_once
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        patience = threading.Timer(READY_SECONDS, process.kill)
        patience.start()
        try:
            yield _address(process)
        finally:
            patience.cancel()
            process.kill()
            with contextlib.suppress(ValueError):
                process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    said = ""
    for line in process.stderr or ():
        said += line
        if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
            return found[0]
    message = f"TensorBoard did not start within {READY_SECONDS} s: {said.strip()[-LOG_END:]}"
    raise RuntimeError(message)


def served(address: str, run: str) -> Shown:
    """Return what the server answers the page's requests for data of a run."""
    from google.protobuf import text_format
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    def series(plugin: str, tag: str) -> list[Any]:
        if tag not in json.loads(_got(address, plugin, "tags")).get(run, {}):
            return []
        found: list[Any] = json.loads(_got(address, plugin, plugin, run=run, tag=tag))
        return found

    histograms = series("histograms", HISTOGRAM)
    graph = GraphDef()
    if json.loads(_got(address, "graphs", "info")).get(run, {}).get("run_graph"):
        text_format.Parse(_got(address, "graphs", "graph", run=run), graph)
    return Shown(
        [value for _, _, value in series("scalars", SCALAR)],
        histograms[0][2] if histograms else [],
        [(node.name, node.op) for node in graph.node],
    )


def _got(address: str, plugin: str, route: str, **query: str) -> str:
    url = f"{address}data/plugin/{plugin}/{route}?{urllib.parse.urlencode(query)}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=READY_SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def no_browser() -> str | None:
    """Return what a page lacks to be opened here, or None."""
    if find_spec("playwright") is None:
        return "needs playwright; install it with: pip install playwright==1.65.2"
    if not any(map(shutil.which, BROWSERS)):
        return "needs Chromium on the path; on Debian: apt-get install chromium"
    return None


def page(address: str, runs: Mapping[str, Shown]) -> dict[str, Any]:
    """Open the dashboards in Chromium and wait until they name what the server has of each run.

    Returns
    -------
    dict
        `browser`, its version; `shows`, the names seen on each dashboard; `foreign_requests`, addresses off
        this machine that the page asked for. Only `not_seen`, the error, where the browser does not start or
        a name does not appear in time: a slow machine looks like a page that lacks it.
    """
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            return _seen(playwright, address, runs)
        except Error as error:
            return {"not_seen": str(error).strip()[:LOG_END]}


def _seen(playwright: Any, address: str, runs: Mapping[str, Shown]) -> dict[str, Any]:
    foreign: list[str] = []
    program = next(filter(None, map(shutil.which, BROWSERS)))
    browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
    try:
        tab = browser.new_page(viewport={"width": 1600, "height": 1000})
        tab.set_default_timeout(PAGE_SECONDS * 1000)
        local = (address, "data:", "blob:")
        tab.on("request", lambda asked: asked.url.startswith(local) or foreign.append(asked.url))
        shows = {
            "scalars": _series(tab, address, "scalars", SCALAR, [r for r in runs if runs[r].scalars]),
            "histograms": _series(
                tab, address, "histograms", HISTOGRAM, [r for r in runs if runs[r].buckets]
            ),
            "graphs": _graphs(tab, address, [r for r in runs if runs[r].operations]),
        }
        return {
            "browser": f"Chromium {browser.version}",
            "shows": shows,
            "foreign_requests": sorted(set(foreign)),
        }
    finally:
        browser.close()


def _series(tab: Any, address: str, dashboard: str, tag: str, runs: Sequence[str]) -> list[str]:
    """Return the names of tag and runs once the dashboard shows them."""
    if not runs:
        return []
    _open(tab, address, dashboard)
    names = [tag, *runs]
    for name in names:
        tab.get_by_text(name, exact=True).first.wait_for()
    return names


def _graphs(tab: Any, address: str, runs: Sequence[str]) -> list[str]:
    """Return `run: node` for each run, once its graph is drawn."""
    if not runs:
        return []
    _open(tab, address, "graphs")
    for run in runs:
        chosen = tab.locator("tf-graph-controls paper-dropdown-menu").first
        chosen.click()
        tab.locator("tf-graph-controls paper-item", has_text=run).first.click()
        tab.locator("svg text", has_text=TOP[run]).first.wait_for(state="attached")
    return [f"{run}: {TOP[run]}" for run in runs]


def _open(tab: Any, address: str, dashboard: str) -> None:
    tab.goto("about:blank")  # a change of fragment alone loads nothing
    tab.goto(f"{address}#{dashboard}")
