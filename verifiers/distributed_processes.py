# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "packaging", "psutil", "torch", "tensorflow"]
# ///
"""Whether PyTorch and TensorFlow train one model in two processes, with nothing installed beside them."""

import importlib.util
import re
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes
from models import sharing, tiny_regression

PINS = {"torch": "2.13.0", "tensorflow": "2.21.0"}
ROUTES = {"pytorch": ("torch", "ddp"), "tensorflow": ("tensorflow", "multiworker")}
OBSERVED = (
    "version",
    "alone_suffices",
    "error_alone",
    "error",
    "processes",
    "replicas_differ_by",
    "differ_from_one_process_by",
    "replicas_without_communication_differ_by",
    "imports",
)


@probes(fields=tuple(f"{framework}_{field}" for framework in ROUTES for field in OBSERVED), seconds=400)
def distributed_processes() -> dict[str, Any]:
    """Train a small network in two processes, each with its own half of the data, in each framework.

    The processes may import the standard library, the framework's distribution and those that it declares to
    need, and nothing else; where that fails, they train once more among all that is installed.

    Returns
    -------
    dict
        For each framework: `alone_suffices`, whether they trained with nothing beside it, with `error_alone`
        where they did not; `error` is what was raised among all packages too, None where they trained. Of the
        training that went through: the `processes` that the framework counts; the largest differences of
        weights between the two replicas, of weights and outputs from one process that had all data, and of
        weights between processes that trained on their halves without the framework's communication, which
        shows that the first two are no matter of course; and `imports`, the distributions imported meanwhile.

    Raises
    ------
    Unavailable
        Where a framework, or a distribution that it declares to need, is not installed.
    RuntimeError
        Where the machine's faults keep the processes from an answer.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    return {
        f"{framework}_{field}": value
        for framework, (package, route) in ROUTES.items()
        for field, value in _observed(framework, package, route).items()
    }


def _observed(framework: str, package: str, route: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        linked = {link: each for each in _needed(package) for link in _linked(each, folder)}
        found = sharing.trained(framework, [route], str(folder))
        error_alone = found if isinstance(found, str) else None
        imports = [] if isinstance(found, str) else _imported(found, folder, linked)
    if error_alone is not None:
        found = sharing.trained(framework, [route])
    seen: dict[str, Any] = dict.fromkeys(OBSERVED) | {
        "version": distribution(package).version,
        "alone_suffices": error_alone is None,
        "error_alone": error_alone,
        "imports": imports,
    }
    if isinstance(found, str):
        return seen | {"error": found}
    one, other = (answer["routes"][route]["weights"] for answer in found)
    apart = [answer["apart"]["weights"] for answer in found]
    return seen | {
        "processes": found[0]["processes"],
        "replicas_differ_by": tiny_regression.difference(one, other),
        "differ_from_one_process_by": sharing.from_one_process(found, route),
        "replicas_without_communication_differ_by": tiny_regression.difference(*apart),
    }


def _needed(name: str) -> list[Distribution]:
    """Return a distribution and those that it declares to need on this platform, without its extras.

    Raises
    ------
    Unavailable
        Where one of them is not installed.
    """
    from packaging.requirements import Requirement

    found: dict[str, Distribution] = {}
    asked = [name]
    while asked:
        each = _canonical(asked.pop())
        if each in found:
            continue
        try:
            found[each] = distribution(each)
        except PackageNotFoundError as error:
            message = f"needs {each}, which {name} declares to need; install it with: pip install {each}"
            raise Unavailable(message) from error
        declared = [Requirement(line) for line in found[each].requires or []]
        asked += [one.name for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]
    return list(found.values())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _linked(one: Distribution, folder: Path) -> Iterator[tuple[str, ...]]:
    """Link what a distribution installs for import into a folder, and yield the links' parts below it."""
    for file in one.files or []:
        if ".." in file.parts or file.parts[0] == "__pycache__":
            continue
        parts, place = file.parts[:1], Path(str(one.locate_file(file.parts[0])))
        # Several distributions share a namespace package such as `google`.
        if len(file.parts) > 2 and _is_namespace(place):
            parts, place = file.parts[:2], place / file.parts[1]
        link = folder.joinpath(*parts)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(place)
        yield parts


def _is_namespace(place: Path) -> bool:
    return place.suffix == "" and place.is_dir() and not (place / "__init__.py").exists()


def _imported(
    found: list[dict[str, Any]], folder: Path, linked: dict[tuple[str, ...], Distribution]
) -> list[str]:
    """Return the names of the distributions of which the processes imported a file."""
    names = set()
    for file in {file for answer in found for file in answer["files"]}:
        if folder in Path(file).parents:
            parts = Path(file).relative_to(folder).parts
            owner = linked.get(parts[:1]) or linked.get(parts[:2])
            names |= {_canonical(owner.metadata["Name"])} if owner else set()
    return sorted(names)
