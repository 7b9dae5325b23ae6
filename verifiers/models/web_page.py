"""TensorFlow.js in a real browser: the published package, Chromium without a window, loopback."""

import base64
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable

RELEASE = "4.22.0"
INTEGRITY = "sha512-0TrIrXs6/b7FLhLVNmfh8Sah6JgjBPH4mZ8JGb7NU6WW+cx00qK5BcAZxw7NCzxj6N8MRAIfHq+oNbPUNG5VAg=="
"""What npm's registry says of that release, `npm view @tensorflow/tfjs@4.22.0 dist.integrity`."""
LIBRARY = "package/dist/tf.min.js"
NPM_SECONDS, PAGE_SECONDS = 300, 90
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Where there is no graphics processor, Chromium draws WebGL in software only if asked to.
FLAGS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--ignore-gpu-blocklist",
    "--enable-unsafe-swiftshader",
]
# The work starts after the call has returned, so that a page that hangs cannot hold it.
CALL = """([source, given]) => {
    window.done = null;
    setTimeout(async () => {
        try { window.done = {answer: await eval(source)(given)}; }
        catch (error) { window.done = {failure: String(error)}; }
    }, 0);
}"""


def call(folder: Path, function: str, given: Any = None, flags: list[str] | None = None) -> dict[str, Any]:
    """Return what a JavaScript function answers in a page that has TensorFlow.js as `tf`.

    Parameters
    ----------
    folder : Path
        Served as the page's folder; the library and an empty page are written there.
    function : str
        JavaScript, an async function of one argument.
    given : JSON-like
        Its argument.
    flags : list of str
        Chromium's, beside those that it gets anyway.

    Returns
    -------
    dict
        `answer`, or the `failure` that was thrown; and `browser`, its version.

    Raises
    ------
    Unavailable
        Without Chromium, Playwright, npm or the package.
    RuntimeError
        Where the registry's package is another one than the release that is pinned here.
    playwright.sync_api.Error
        Where the browser does not start, ends, or does not answer in time.
    """
    executable = _chromium()
    (folder / "tf.min.js").write_bytes(_library())
    (folder / "index.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><script src="tf.min.js"></script>', encoding="utf-8"
    )
    from playwright.sync_api import sync_playwright

    with _served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *(flags or [])])
        try:
            page = browser.new_page()
            page.goto(address)
            page.evaluate(CALL, [function, given])
            page.wait_for_function("window.done", timeout=PAGE_SECONDS * 1000)
            done: dict[str, Any] = page.evaluate("window.done")
            return done | {"browser": f"Chromium {browser.version}"}
        finally:
            browser.close()


def _chromium() -> str:
    if importlib.util.find_spec("playwright") is None:
        message = "needs playwright; install it with: pip install playwright==1.65.2"
        raise Unavailable(message)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        message = "needs Chromium on the path; on Debian: apt-get install chromium"
        raise Unavailable(message)
    return found


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a verifier prints nothing."""


def _library() -> bytes:
    """Return TensorFlow.js from the package, which is fetched once and then kept."""
    kept = _cache() / f"tensorflow-tfjs-{RELEASE}.tgz"
    if not (kept.is_file() and _integrity(kept) == INTEGRITY):
        _fetch(kept)
    with tarfile.open(kept) as package:
        member = package.extractfile(LIBRARY)
        if member is None:
            message = f"{kept} has no file {LIBRARY}"
            raise RuntimeError(message)
        return member.read()


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claims-kb"
    return Path(os.environ.get("KB_CACHE") or home) / "npm"


def _fetch(target: Path) -> None:
    if shutil.which("npm") is None:
        message = f"needs npm for @tensorflow/tfjs {RELEASE}; on Debian: apt-get install npm"
        raise Unavailable(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        command = ["npm", "pack", "--silent", f"@tensorflow/tfjs@{RELEASE}", "--pack-destination", folder]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
        fetched = Path(folder) / target.name
        if done.returncode or not fetched.is_file():
            message = f"needs @tensorflow/tfjs {RELEASE} from npm's registry: {done.stderr.strip()[-300:]}"
            raise Unavailable(message)
        if (found := _integrity(fetched)) != INTEGRITY:
            message = f"npm's registry gave another @tensorflow/tfjs {RELEASE}: {found}, expected {INTEGRITY}"
            raise RuntimeError(message)
        fetched.replace(target)


def _integrity(path: Path) -> str:
    with path.open("rb") as file:
        return "sha512-" + base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
