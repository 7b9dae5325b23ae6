# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# [tool.kb.environments]
# torchvision = ["torch==2.13.0", "torchvision==0.28.0", "torchtext==0.18.0"]
# ///
"""How many pretrained models TorchVision and TorchText list, and whether TorchText still imports."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from kb.verifier import probes, python_of

SCRIPTS = Path(__file__).parent / "models"
CHILD_SECONDS = 120.0
ERROR_LENGTH = 500
QUANTIZED = "quantized_"
MACHINE_FAULTS = ("MemoryError", "Errno", "cannot allocate", "not enough memory", "failed to map segment")


@probes(
    fields=(
        "torch_version",
        "torchvision_version",
        "torchvision_compiled_operators",
        "torchvision_models",
        "torchvision_quantized_models",
        "torchvision_weight_files",
        "torchvision_without_weights",
        "torchtext_version",
        "torchtext_requires",
        "torchtext_imports",
        "torchtext_error",
        "torchtext_models",
        "models_that_import",
    ),
    seconds=300,
)
def torchvision_models() -> dict[str, Any]:
    """List the models of both libraries beside one PyTorch, each in its own process; fetch no weights.

    Returns
    -------
    dict
        `torchvision_models` are the architectures with at least one weight file, without those that are a
        quantized form of another, which `torchvision_quantized_models` counts. `torchtext_models` are the
        bundles with a weight file that TorchText's source names. `models_that_import` adds the two,
        TorchText's only where it imports; `torchtext_error` says why it does not.
        `torchvision_compiled_operators` is false where torchvision's wheel was made for another build of
        PyTorch; listing does not need them.

    Raises
    ------
    Unavailable
        Where the environment was not made, or its packages do not install together.
    RuntimeError
        Where TorchVision's models cannot be listed, or a process does not end or is ended from outside.
    """
    python = python_of("torchvision")
    vision = _listed(python, "torchvision_listing.py")
    text = _listed(python, "torchtext_listing.py")
    if not text["bundles"]:
        message = f"found no bundle in the source of TorchText {text['torchtext_version']}, expected some"
        raise RuntimeError(message)
    error = text["error"]
    if error and any(fault in error for fault in MACHINE_FAULTS):
        message = f"TorchText's import met a fault of the machine: {error}"
        raise RuntimeError(message)
    offered = {name: files for name, files in vision["weights"].items() if files}
    architectures = [name for name in offered if not name.startswith(QUANTIZED)]
    return {
        "torch_version": vision["torch_version"],
        "torchvision_version": vision["torchvision_version"],
        "torchvision_compiled_operators": vision["compiled_operators"],
        "torchvision_models": len(architectures),
        "torchvision_quantized_models": len(offered) - len(architectures),
        "torchvision_weight_files": len({file for files in offered.values() for file in files}),
        "torchvision_without_weights": sorted(vision["weights"].keys() - offered.keys()),
        "torchtext_version": text["torchtext_version"],
        "torchtext_requires": text["requires"],
        "torchtext_imports": error is None,
        "torchtext_error": error and error[:ERROR_LENGTH],
        "torchtext_models": len(text["bundles"]),
        "models_that_import": len(architectures) + (0 if error else len(text["bundles"])),
    }


def _listed(python: Path, script: str) -> dict[str, Any]:
    """Return what a listing's process wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "listed.json"
        try:
            child = subprocess.run(
                [str(python), "-P", str(SCRIPTS / script), str(path)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{script} did not end within {CHILD_SECONDS:g} s"
            raise RuntimeError(message) from error
        if child.returncode != 0:
            said = child.stderr.strip()[-ERROR_LENGTH:]
            message = f"{script} ended with status {child.returncode}: {said}"
            raise RuntimeError(message)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
