# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""How large the runtimes for phones are, and those of Python: packed, unpacked, with what they need."""

import io
import itertools
import re
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes

MAVEN = "https://repo1.maven.org/maven2"
GOOGLE = "https://dl.google.com/android/maven2"
PYTORCH_MOBILE = f"{MAVEN}/org/pytorch/pytorch_android"
LAST_RELEASE = "2.1.0"
LITERT = f"{GOOGLE}/com/google/ai/edge/litert/litert"
ARCHITECTURE = "jni/arm64-v8a/"
WHEELS = {
    "litert": "ai-edge-litert",
    "executorch": "executorch torch==2.13.0",
    "pytorch": "torch==2.13.0",
    "tensorflow": "tensorflow==2.21.0",
}
"""What is asked of pip, the package itself first; PyTorch and TensorFlow in the releases that all others run.

ExecuTorch's runtime for Python links PyTorch's libraries, though its package does not ask for them.
"""
STATED = 300e6
NEAR = (0.75, 1.25)
"""Share of the stated 300 MB that counts as it; the region of the claim's reading."""
SENSES = ("packed", "unpacked", "packed_with_dependencies", "unpacked_with_dependencies")
NETWORK_SECONDS = 30


@probes(
    fields=("android", "difference", "quotient", "python", "pairs_near_300_mb", "missing"),
    seconds=1200,
)
def runtime_footprint() -> dict[str, Any]:
    """Weigh Android's libraries for one architecture, and Python's wheels; sizes in bytes.

    `difference` is PyTorch Mobile's size less LiteRT's, over 300 MB; `quotient` the one over the other. Both
    are None where the Android packages cannot be had, and `missing` says so. Each of Python's packages is
    resolved alone; `version` and `packages` tell which build was weighed, since PyPI's wheel of PyTorch for
    Linux brings gigabytes for CUDA and others do not.

    Raises
    ------
    Unavailable
        Where pip cannot get one of the wheels.
    """
    android, missing = _android()
    python = {name: _wheels(requirement) for name, requirement in WHEELS.items()}
    mobile, lite = (android.get(name, {}).get("libraries") for name in ("pytorch_mobile", "litert"))
    return {
        "android": android,
        "difference": (mobile - lite) / STATED if mobile and lite else None,
        "quotient": mobile / lite if mobile and lite else None,
        "python": python,
        "pairs_near_300_mb": _near(python),
        "missing": missing,
    }


def _android() -> tuple[dict[str, dict[str, Any]], str | None]:
    try:
        return {
            "pytorch_mobile": _weighed(PYTORCH_MOBILE, LAST_RELEASE),
            "litert": _weighed(LITERT, _newest(f"{LITERT}/maven-metadata.xml")),
        }, None
    except (OSError, HTTPException, LookupError, zipfile.BadZipFile) as error:
        return {}, (
            "needs the Android packages of PyTorch Mobile 2.1.0 (repo1.maven.org) and LiteRT "
            f"(dl.google.com), which cannot be had from here: {error}"
        )


def _newest(address: str) -> str:
    found = re.search(r"<release>([^<]+)</release>", _fetched(address).decode(errors="replace"))
    if found is None:
        message = f"{address} names no release"
        raise LookupError(message)
    return found[1]


def _fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=NETWORK_SECONDS) as answer:
        found: bytes = answer.read()
    return found


def _weighed(package: str, release: str) -> dict[str, Any]:
    """Return the bytes of an Android package's libraries for one architecture, as they lie in it."""
    address = f"{package}/{release}/{package.rpartition('/')[2]}-{release}.aar"
    with zipfile.ZipFile(io.BytesIO(_fetched(address))) as archive:
        sizes = [each.file_size for each in archive.infolist() if each.filename.startswith(ARCHITECTURE)]
    if not sum(sizes):
        message = f"{address} holds nothing below {ARCHITECTURE}"
        raise LookupError(message)
    return {"release": release, "libraries": sum(sizes)}


def _wheels(requirement: str) -> dict[str, Any]:
    """Return what a package of Python's weighs, packed and unpacked, alone and with all that it needs.

    Of what it needs, some is published as source alone; pip makes wheels of that. Were it asked for published
    wheels only, it would go back to releases that are years old and needed nothing of the kind.
    """
    asked = requirement.split()
    package = asked[0].partition("==")[0]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--prefer-binary", "--wheel-dir", folder]
        command += [f"--only-binary={package}", *asked]
        found = subprocess.run(command, capture_output=True, text=True)
        if found.returncode:
            said = "; ".join(line for line in found.stderr.splitlines() if line.startswith("ERROR: "))
            message = f"needs the wheel of {package} from a package registry: {said or found.stderr:.300}"
            raise Unavailable(message)
        files = sorted(Path(folder).glob("*.whl"))
        own = next(file for file in files if file.name.lower().startswith(f"{package.replace('-', '_')}-"))
        return {
            "version": own.name.split("-")[1],
            "packed": _packed(own),
            "unpacked": _unpacked(own),
            "packed_with_dependencies": sum(map(_packed, files)),
            "unpacked_with_dependencies": sum(map(_unpacked, files)),
            "packages": ["==".join(file.name.split("-")[:2]) for file in files],
        }


def _packed(wheel: Path) -> int:
    return wheel.stat().st_size


def _unpacked(wheel: Path) -> int:
    with zipfile.ZipFile(wheel) as package:
        return sum(each.file_size for each in package.infolist())


def _near(python: dict[str, dict[str, Any]]) -> list[str]:
    """Return which pairs differ by about 300 MB, and in which sense of size."""
    low, high = (edge * STATED for edge in NEAR)
    return [
        f"{larger} - {smaller}: {sense}, {difference / 1e6:.0f} MB"
        for larger, smaller in itertools.permutations(python, 2)
        for sense in SENSES
        if low <= (difference := python[larger][sense] - python[smaller][sense]) <= high
    ]
