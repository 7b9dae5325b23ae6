# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""How large the runtimes for phones are, and those of Python: packed, unpacked, with what they need."""

import itertools
import re
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes

MAVEN = "https://repo1.maven.org/maven2"
GOOGLE = "https://dl.google.com/android/maven2"
PYTORCH_MOBILE = f"{MAVEN}/org/pytorch/pytorch_android/2.1.0/pytorch_android-2.1.0.aar"
LITERT = f"{GOOGLE}/com/google/ai/edge/litert/litert"
ARCHITECTURE = "jni/arm64-v8a/"
WHEELS = {
    "litert": "ai-edge-litert",
    "executorch": "executorch",
    "pytorch": "torch",
    "tensorflow": "tensorflow",
}
PINNED = "torch==2.13.0\ntensorflow==2.21.0\n"
"""So that what is weighed is what all other verifiers run, and no other package brings in another release."""
STATED = 300e6
NEAR = (0.75, 1.25)
"""Share of the stated 300 MB that counts as it; the region of the claim's reading."""
NETWORK_SECONDS = 30


@probes(
    fields=("android", "difference", "quotient", "python", "pairs_near_300_mb", "missing"),
    seconds=1200,
)
def runtime_footprint() -> dict[str, Any]:
    """Weigh Android's libraries for one architecture, and Python's wheels; sizes in bytes.

    `difference` is PyTorch Mobile's size less LiteRT's, over 300 MB; `quotient` the one over the other. Both
    are None where the Android packages cannot be had, and `missing` says so.
    """
    android, missing = _android()
    with tempfile.TemporaryDirectory() as folder:
        python = {name: _wheels(package, Path(folder) / name) for name, package in WHEELS.items()}
    mobile, lite = android.get("pytorch_mobile"), android.get("litert")
    return {
        "android": android,
        "difference": (mobile - lite) / STATED if mobile and lite else None,
        "quotient": mobile / lite if mobile and lite else None,
        "python": python,
        "pairs_near_300_mb": _near(python),
        "missing": missing,
    }


def _android() -> tuple[dict[str, int], str | None]:
    try:
        metadata = _fetched(f"{LITERT}/maven-metadata.xml").decode()
        release = re.findall(r"<release>([^<]+)</release>", metadata)[0]
        addresses = {"pytorch_mobile": PYTORCH_MOBILE, "litert": f"{LITERT}/{release}/litert-{release}.aar"}
        return {name: _libraries(address) for name, address in addresses.items()}, None
    except OSError as error:
        return {}, (
            "needs the Android packages of PyTorch Mobile 2.1.0 (repo1.maven.org) and LiteRT "
            f"(dl.google.com), which cannot be reached from here: {error}"
        )


def _fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=NETWORK_SECONDS) as answer:
        found: bytes = answer.read()
    return found


def _libraries(address: str) -> int:
    """Return the bytes of an Android package's libraries for one architecture, as they lie on the phone."""
    with tempfile.NamedTemporaryFile(suffix=".aar") as file:
        file.write(_fetched(address))
        file.flush()
        with zipfile.ZipFile(file.name) as package:
            return sum(
                each.file_size for each in package.infolist() if each.filename.startswith(ARCHITECTURE)
            )


def _wheels(package: str, folder: Path) -> dict[str, Any]:
    """Return what a package of Python's weighs: its own wheel packed and unpacked, and with all it needs."""
    folder.mkdir()
    pinned = folder / "constraints.txt"
    pinned.write_text(PINNED, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", package]
    where = ["--constraint", str(pinned), "--dest", str(folder)]
    found = subprocess.run([*command, *where], capture_output=True, text=True)
    if found.returncode:
        message = f"needs the wheel of {package} from a package registry: {found.stderr.strip()[-300:]}"
        raise Unavailable(message)
    files = sorted(folder.glob("*.whl"))
    own = next(file for file in files if file.name.lower().startswith(f"{package.replace('-', '_')}-"))
    return {
        "version": own.name.split("-")[1],
        "wheel": own.stat().st_size,
        "unpacked": _unpacked(own),
        "with_dependencies": sum(map(_unpacked, files)),
    }


def _unpacked(wheel: Path) -> int:
    with zipfile.ZipFile(wheel) as package:
        return sum(each.file_size for each in package.infolist())


def _near(python: dict[str, dict[str, Any]]) -> list[str]:
    """Return which pairs differ by about 300 MB, and in which sense of size."""
    low, high = (edge * STATED for edge in NEAR)
    return [
        f"{larger} - {smaller}: {sense}, {difference / 1e6:.0f} MB"
        for larger, smaller in itertools.permutations(python, 2)
        for sense in ("wheel", "unpacked", "with_dependencies")
        if low <= (difference := python[larger][sense] - python[smaller][sense]) <= high
    ]
