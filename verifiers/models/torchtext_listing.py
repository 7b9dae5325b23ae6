"""Writes down TorchText's pretrained models, and what comes of importing it: torchtext_listing.py OUT.json.

The models are read from the package's source, where one line each names a bundle of weights, so that they
can be counted where it does not import.
"""

import importlib.util
import json
import re
import sys
from importlib.metadata import requires, version
from pathlib import Path

import torch

BUNDLE = re.compile(r"^(\w+) = \w+Bundle\(\s*_path=urljoin\(\w+, \"([^\"]+)\"\)", re.MULTILINE)


def imported() -> str | None:
    """Return with what error the import of TorchText ends, the error below it included; None if it works."""
    try:
        import torchtext  # noqa: F401
    except Exception as error:
        said = [f"{type(each).__name__}: {each}" for each in (error, error.__cause__) if each is not None]
        return "; ".join(said)
    return None


def main(path: str) -> None:
    """Read the bundles and try the import."""
    spec = importlib.util.find_spec("torchtext")
    folder = Path(spec.submodule_search_locations[0])
    bundles: dict[str, str] = {}
    for source in sorted(folder.glob("models/*/bundler.py")):
        bundles |= dict(BUNDLE.findall(source.read_text(encoding="utf-8")))
    error = imported()
    found = {
        "torch_version": torch.__version__,
        "torchtext_version": version("torchtext"),
        "requires": [each for each in requires("torchtext") or [] if re.match(r"torch\b", each)],
        "bundles": bundles,
        "error": error and error.replace(f"{folder.parent}/", ""),
    }
    Path(path).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
