"""What somebody with other hardware is asked to run, so that a claim untested here comes to be settled.

Pure: a record as JSON data and how its claim stands in, a sentence and commands out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from kb.words import Hardware, Reason, Summary

Json = Mapping[str, Any]
WANTING = (Reason.OFF_SCOPE, Reason.NO_HARDWARE, Reason.NO_SOFTWARE)
"""Reasons of an outcome that another machine would not have."""
NOWHERE_BETTER = (Reason.NO_DATA, Reason.NO_REGION, Reason.NO_VERIFIER, Reason.NOT_TESTABLE)
ANY_CPU = "any CPU"
DEVICES = {Hardware.ANY: "cpu", Hardware.CPU: "cpu", Hardware.GPU: "cuda", Hardware.TPU: "tpu"}
NEEDED = {
    "tfserving/default": "tensorflow_model_server on the PATH",
    "torchserve/default": "Java 11 or newer",
    "pytorch/compile": "a C++ compiler",
    "runtime_footprint": "access to PyPI, repo1.maven.org and dl.google.com",
}
"""What an arm or a verifier needs that no package of Python brings."""
INSTALL = {
    # https://github.com/tensorflow/serving/blob/master/tensorflow_serving/tools/docker/Dockerfile
    "tfserving/default": (
        "sudo docker create --name tfserving tensorflow/serving",
        "sudo docker cp tfserving:/usr/bin/tensorflow_model_server /usr/local/bin/",
        "tensorflow_model_server --version",
    ),
    "torchserve/default": ("sudo apt-get install --yes default-jre-headless",),
    "pytorch/compile": ("sudo apt-get install --yes g++",),
}
# PyPI's torch 2.13.0 is for CUDA 13, its TensorFlow 2.21.0 for CUDA 12; the wheels of cuDNN and NCCL for both
# have the same files. PyTorch's last builds for CUDA 12 are cu126, up to Hopper:
# https://github.com/pytorch/pytorch/issues/190385 and https://github.com/pytorch/pytorch/pull/197555
CUDA_12 = "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cu126 "
BUILDS = {
    Hardware.GPU: (
        ".venv/bin/pip install -c constraints.txt 'tensorflow[and-cuda]' 'jax[cuda12]'",
        "# CUDA 12 throughout, as builds for 12 and 13 overwrite each other's cuDNN; not tried here",
    ),
    Hardware.TPU: (
        "# into .venv: torch_xla and TensorFlow for this TPU; which releases fit is not known here",
    ),
}
OTHER_GPUS = "# for AMD, Apple or Intel: their builds of the frameworks, and --device rocm, mps or xpu"


class RunRequest(TypedDict):
    """What is asked of somebody else.

    Attributes
    ----------
    needs : str
        What the machine must have.
    commands : list of str
        What to type there, a line each; a line that begins with # says what no command can.
    """

    needs: str
    commands: list[str]


def run_request(claim: str, record: Json, stands: Mapping[str, str], reason: str) -> RunRequest | None:
    """Return what would give a claim a verdict on every class of hardware in its scope.

    None where each has one, or no machine could give it.

    Parameters
    ----------
    claim : str
        The claim's id.
    record : mapping
        The claim as JSON data.
    stands : mapping of str to str
        Summary per class of hardware that has outcomes.
    reason : str
        Why the claim as a whole stands as it does.
    """
    if not record.get("verifier") or record.get("untested") or reason in NOWHERE_BETTER:
        return None
    tried = {name for name, word in stands.items() if word != Summary.UNTESTED}
    lacking = [name for name in _classes(record) if name not in tried]
    if not lacking or (tried and Hardware.ANY in lacking):
        return None
    return {"needs": _needs(record, lacking), "commands": list(_commands(claim, record, lacking, not tried))}


def elsewhere(found: Json, record: Json) -> str | None:
    """Return what a machine must have to settle what an outcome could not; None where none is better.

    Parameters
    ----------
    found, record : mapping
        An outcome, and the record under which it was judged, as JSON data.
    """
    if found["reason"] not in WANTING or not record.get("verifier"):
        return None
    classes = _classes(record)
    needs = _needs(record, [found["hardware"]] if found["hardware"] in classes else classes)
    return None if needs == ANY_CPU else needs


def _classes(record: Json) -> list[str]:
    return list(record.get("scope", {}).get("hardware", [Hardware.ANY]))


def _needs(record: Json, classes: Sequence[str]) -> str:
    besides = (needed for part, needed in NEEDED.items() if part in _parts(record))
    *first, last = [*(_hardware(record, name) for name in classes), *besides]
    return f"{', '.join(first)} and {last}" if first else last


def _hardware(record: Json, name: str) -> str:
    if name == Hardware.TPU:
        return "a TPU, and torch_xla and TensorFlow built for it"
    if name != Hardware.GPU:
        cores = record.get("scope", {}).get("cores")
        return f"a CPU with at least {cores} logical cores" if cores else ANY_CPU
    if (devices := _devices(record)) == 1:
        return "one NVIDIA GPU (up to Hopper) under Linux"
    return f"{devices} NVIDIA GPUs (up to Hopper, all in one machine: kb starts no processes on others)"


def _devices(record: Json) -> int:
    """Return how many devices a run takes: those of the scope, or of its cell with the most processes."""
    devices: int = record.get("scope", {}).get("devices", 1)
    processes: list[int] = record.get("cells", {}).get("processes", [])
    return max([devices, *processes])


def _parts(record: Json) -> set[str]:
    """Return what of a record tells of needs beyond the hardware: its verifier and its arms."""
    return {record["verifier"], *(arm for pair in record.get("cells", {}).get("arms", []) for arm in pair)}


def _commands(claim: str, record: Json, classes: Sequence[str], checked: bool) -> Iterator[str]:
    """Yield the commands; `checked`: with a look at the machine before, and at the evidence after."""
    yield "# in a fresh checkout of this knowledge base, with make and Python 3.11 or newer"
    yield from (line for part, lines in INSTALL.items() if part in _parts(record) for line in lines)
    yield f"{CUDA_12 if Hardware.GPU in classes else ''}make .venv/frameworks"
    for name in classes:
        yield from BUILDS.get(Hardware(name), ())
        if name == Hardware.GPU and _devices(record) == 1:
            yield OTHER_GPUS
        if checked:
            yield ".venv/bin/kb doctor"
        yield f".venv/bin/verify {claim} --device {DEVICES[Hardware(name)]} --budget deep --publish"
    if checked:
        yield ".venv/bin/kb recheck"
    yield f"# send the new file in data/evidence/{claim}/ as a pull request"
