"""Runtimes weighed from packages that a local server holds: real wheels, a real pip, real archives."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.counts import judge_count
from kb.library import load_library
from kb.processes import Worker
from kb.verifier import Unavailable, declared

ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "verifiers" / "runtime_footprint.py"
NOBODY = "http://127.0.0.1:9"
FIELDS = ("android", "difference", "quotient", "python", "pairs_near_300_mb", "missing")
SENSES = ("packed", "unpacked", "packed_with_dependencies", "unpacked_with_dependencies")
LARGER, SMALLER = "pytorch-mobile-larger-than-tflite", "tflite-300mb-smaller-than-pytorch-mobile"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
HUGE = 300_000_000
BACKEND = '''
"""A build backend that needs nothing: it writes a wheel of one module of 70 bytes."""
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/sourced-4.9-py3-none-any.whl", "w") as file:
        file.writestr("sourced.py", "#" * 70)
        file.writestr("sourced-4.9.dist-info/METADATA", "Metadata-Version: 2.1\\nName: sourced\\nVersion: 4.9\\n")
        file.writestr("sourced-4.9.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr("sourced-4.9.dist-info/RECORD", "")
    return "sourced-4.9-py3-none-any.whl"
'''


def loaded() -> Any:
    """Return a fresh module of the verifier."""
    spec = spec_from_file_location("runtime_footprint", VERIFIER)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; a listing of a folder of wheels is the simple index of that package."""

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def send_header(self, keyword: str, value: str) -> None:
        """Promise more than comes where a file is named as one that breaks off."""
        if keyword == "Content-Length" and "broken" in self.path:
            value = str(int(value) + 1)
        super().send_header(keyword, value)


def wheel(simple: Path, name: str, version: str, size: int, *needs: str) -> tuple[int, int]:
    """Write a wheel with a file of so many bytes; return its size packed and unpacked."""
    own, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata = "\n".join([*lines, *[f"Requires-Dist: {each}" for each in needs]]) + "\n"
    path = simple / name / f"{own}-{version}-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(f"{own}.bin", bytes(size))
        for part, text in (("METADATA", metadata), ("WHEEL", WHEEL), ("RECORD", "")):
            file.writestr(f"{info}/{part}", text)
    return path.stat().st_size, size + len(metadata) + len(WHEEL)


def source(simple: Path, name: str, version: str) -> None:
    """Write a package that is published as source alone."""
    (simple / name).mkdir(parents=True)
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    texts = {"pyproject.toml": project, "backend.py": BACKEND}
    texts["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with tarfile.open(simple / name / f"{name}-{version}.tar.gz", "w:gz") as archive:
        for path, text in texts.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def built(folder: Path) -> tuple[int, int]:
    """Return the size, packed and unpacked, of the wheel that the backend writes."""
    backend: dict[str, Any] = {}
    exec(BACKEND, backend)
    path = folder / backend["build_wheel"](str(folder))
    with zipfile.ZipFile(path) as file:
        return path.stat().st_size, sum(len(file.read(name)) for name in file.namelist())


def package(maven: Path, name: str, release: str, **libraries: int) -> None:
    """Write an Android package with libraries of so many bytes by architecture, and what does not count."""
    path = maven / name / release / f"{name}-{release}.aar"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("classes.jar", bytes(5000))
        for architecture, size in libraries.items():
            file.writestr(f"jni/{architecture.replace('_', '-')}/libone.so", bytes(size - 1))
            file.writestr(f"jni/{architecture.replace('_', '-')}/libtwo.so", bytes(1))


def metadata(maven: Path, release: str) -> None:
    text = f"<metadata><versioning><latest>9.9-alpha</latest><release>{release}</release></versioning></metadata>"
    (maven / "litert" / "maven-metadata.xml").write_text(text)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder and return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def only(monkeypatch: pytest.MonkeyPatch, index: str) -> None:
    """Let pip see one index, whatever this machine is configured with."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings = {"CONFIG_FILE": os.devnull, "INDEX_URL": index, "RETRIES": "0", "NO_CACHE_DIR": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def footprint(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The verifier's module, with addresses that nobody answers."""
    only(monkeypatch, NOBODY)
    module = loaded()
    module.PYTORCH_MOBILE, module.LITERT = f"{NOBODY}/pytorch_android", f"{NOBODY}/litert"
    return module


@pytest.fixture
def maven(tmp_path: Path, footprint: Any) -> Iterator[Path]:
    """A served folder of Android packages."""
    folder = tmp_path / "maven"
    package(folder, "pytorch_android", "2.1.0", arm64_v8a=303_000, x86=700_000)
    package(folder, "litert", "1.4.0", arm64_v8a=3_000, x86=9_000)
    metadata(folder, "1.4.0")
    with served(folder) as address:
        footprint.PYTORCH_MOBILE, footprint.LITERT = f"{address}/pytorch_android", f"{address}/litert"
        yield folder


def test_it_declares_its_fields_and_the_time_that_downloads_take(footprint: Any) -> None:
    said = declared(footprint).declaration
    assert (said.does, said.fields, said.seconds) == ("probes", FIELDS, 1200)


def test_the_whole_finding_is_exact(
    maven: Path, footprint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simple = tmp_path / "index" / "simple"
    weights = {
        "litert": wheel(simple, "ai-edge-litert", "2.1.0", 4_000),
        "executorch": wheel(simple, "executorch", "1.5.1", 3_000, "sourced>=4"),
        "pytorch": wheel(simple, "torch", "2.13.0+cpu", 2_000, "needed"),
        "tensorflow": wheel(simple, "tensorflow", "2.21.0", 400_000_000, "needed"),
    }
    needed = wheel(simple, "needed", "1.0", HUGE)
    source(simple, "sourced", "4.9")
    wheel(simple, "executorch", "0.6.0", 1)  # needs nothing of which there is no wheel
    wheel(simple, "torch", "2.14.0", 1)
    with served(tmp_path / "index") as address:
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        found = footprint.runtime_footprint()

    assert set(found) == set(FIELDS)
    assert found["missing"] is None
    assert found["android"] == {
        "pytorch_mobile": {"release": "2.1.0", "libraries": 303_000},
        "litert": {"release": "1.4.0", "libraries": 3_000},
    }
    assert found["difference"] == 300_000 / 300e6
    assert found["quotient"] == 101

    python = found["python"]
    assert {name: (one["packed"], one["unpacked"]) for name, one in python.items()} == weights
    assert {name: one["packages"] for name, one in python.items()} == {
        "litert": ["ai_edge_litert==2.1.0"],
        "executorch": ["executorch==1.5.1", "needed==1.0", "sourced==4.9", "torch==2.13.0+cpu"],
        "pytorch": ["needed==1.0", "torch==2.13.0+cpu"],
        "tensorflow": ["needed==1.0", "tensorflow==2.21.0"],
    }
    assert [one["version"] for one in python.values()] == ["2.1.0", "1.5.1", "2.13.0+cpu", "2.21.0"]
    linked = [sum(sizes) for sizes in zip(built(tmp_path), weights["pytorch"], needed, strict=True)]
    brought = {"litert": (0, 0), "executorch": linked, "pytorch": needed, "tensorflow": needed}
    for name, (packed, unpacked) in weights.items():
        assert python[name]["packed_with_dependencies"] == packed + brought[name][0]
        assert python[name]["unpacked_with_dependencies"] == unpacked + brought[name][1]
    # TensorFlow is 400 MB larger than PyTorch and 700 MB larger than LiteRT: no such pair.
    assert found["pairs_near_300_mb"] == [
        "executorch - litert: unpacked_with_dependencies, 300 MB",
        "pytorch - litert: unpacked_with_dependencies, 300 MB",
    ]


@pytest.mark.parametrize(
    ("mobile", "lite", "difference", "quotient"),
    [(300_500_000, 500_000, "supported", "supported"), (20_000, 20_000, "refuted", "refuted"), (90_000, 1_000, "refuted", "supported")],
)  # fmt: skip
def test_both_claims_are_decided_by_what_the_packages_weigh(
    maven: Path, footprint: Any, mobile: int, lite: int, difference: str, quotient: str
) -> None:
    footprint.WHEELS = {}
    package(maven, "pytorch_android", "2.1.0", arm64_v8a=mobile)
    package(maven, "litert", "1.4.0", arm64_v8a=lite)
    found = footprint.runtime_footprint()
    records = load_library(ROOT)
    assert judge_count(records.record(SMALLER).claim, found).verdict == difference
    assert judge_count(records.record(LARGER).claim, found).verdict == quotient


def damage(how: str) -> Callable[[Path], None]:
    """Return what does such damage to the served Android packages."""

    def page(maven: Path) -> None:
        (maven / "pytorch_android" / "2.1.0" / "pytorch_android-2.1.0.aar").write_text("<html>Sign in</html>")

    def no_release(maven: Path) -> None:
        (maven / "litert" / "maven-metadata.xml").write_bytes(b"\xff<html>Sign in</html>")

    def other_architecture(maven: Path) -> None:
        package(maven, "litert", "1.5.0", x86=9_000)
        metadata(maven, "1.5.0")

    def absent(maven: Path) -> None:
        metadata(maven, "1.6.0")

    def breaks_off(maven: Path) -> None:
        package(maven, "litert", "broken", arm64_v8a=9_000)
        metadata(maven, "broken")

    return locals()[how]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("page", "File is not a zip file"),
        ("no_release", "litert/maven-metadata.xml names no release"),
        ("other_architecture", "litert-1.5.0.aar holds nothing below jni/arm64-v8a/"),
        ("absent", "HTTP Error 404"),
        ("breaks_off", "IncompleteRead"),
    ],
)
def test_android_packages_that_cannot_be_weighed_give_no_figure_and_the_reason(
    maven: Path, footprint: Any, how: str, said: str
) -> None:
    footprint.WHEELS = {}
    damage(how)(maven)
    found = footprint.runtime_footprint()
    assert (found["android"], found["difference"], found["quotient"]) == ({}, None, None)
    assert found["missing"].startswith("needs the Android packages of PyTorch Mobile 2.1.0")
    assert said in found["missing"]


def test_without_the_android_packages_pythons_are_weighed_all_the_same(
    footprint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = wheel(tmp_path / "simple", "ai-edge-litert", "2.1.0", 4_000)
    footprint.WHEELS = {"litert": "ai-edge-litert"}
    with served(tmp_path) as address:
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        found = footprint.runtime_footprint()
    assert (found["python"]["litert"]["packed"], found["python"]["litert"]["unpacked"]) == weight
    assert (found["android"], found["difference"], found["quotient"]) == ({}, None, None)
    assert "Connection refused" in found["missing"]
    for claim in (SMALLER, LARGER):
        judged = judge_count(load_library(ROOT).record(claim).claim, found)
        assert (judged.verdict, judged.reason, judged.because) == ("untested", "no-data", found["missing"])


def test_a_worker_without_a_registry_says_which_wheel_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, NOBODY)
    monkeypatch.setenv("https_proxy", NOBODY)
    worker = Worker(VERIFIER, "test-footprint", 1, "cpu", seconds=100, caches=tmp_path)
    try:
        assert worker.ask("describe")["fields"] == list(FIELDS)
        with pytest.raises(Unavailable, match="needs the wheel of ai-edge-litert from a package reg") as lack:
            worker.ask("probe")
    finally:
        worker.close()
    assert lack.value.reason == "no-software"
    assert "No matching distribution found for ai-edge-litert" in str(lack.value)


def test_a_runtime_is_never_built_from_its_source(
    footprint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(tmp_path / "simple", "sourced", "4.9")
    footprint.WHEELS = {"pytorch": "sourced==4.9"}
    with served(tmp_path) as address:
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        with pytest.raises(
            Unavailable, match=r"needs the wheel of sourced .*ERROR: Could not find a version"
        ):
            footprint.runtime_footprint()


FOOTPRINT = loaded()
SIZES = st.integers(0, 800_000_000) | st.sampled_from([0, 224_999_999, 225_000_000, 375_000_000, 375_000_001])


@given(st.dictionaries(st.sampled_from(list("abcd")), st.fixed_dictionaries(dict.fromkeys(SENSES, SIZES))))
def test_pairs_near_300_mb_are_those_whose_sizes_differ_by_225_to_375_mb(python: dict) -> None:
    expected = {
        f"{one} - {other}: {sense}"
        for sense in SENSES
        for one in python
        for other in python
        if 225_000_000 <= python[one][sense] - python[other][sense] <= 375_000_000
    }
    found = FOOTPRINT._near(python)
    assert {sentence.partition(",")[0] for sentence in found} == expected
    assert len(found) == len(expected)
