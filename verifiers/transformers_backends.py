# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "transformers", "lightning"]
# [tool.kb.environments]
# diffusers = ["diffusers==0.42.1"]
# ///
"""How many model classes Transformers and Diffusers have for each framework, and what Lightning requires."""

import importlib.util
import re
import subprocess
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes, python_of

PINS = {"transformers": "5.23.0", "lightning": "2.6.6"}
MODELS = {
    "pytorch": ("PreTrainedModel", "ModelMixin"),
    "tensorflow": ("TFPreTrainedModel",),
    "flax": ("FlaxPreTrainedModel", "FlaxModelMixin"),
}
"""The classes of Transformers and of Diffusers from which all their models for a framework descend."""
PIPELINES = {"pytorch": ("DiffusionPipeline",), "flax": ("FlaxDiffusionPipeline",)}
CLASS = re.compile(r"^class (\w+)\(([^()]*)\):", re.MULTILINE)
LOCATE = (
    "from importlib.metadata import version; from importlib.util import find_spec;"
    "print(find_spec('diffusers').submodule_search_locations[0]); print(version('diffusers'))"
)
LOCATE_SECONDS = 60.0
FRAMEWORKS = {"torch": "pytorch", "tensorflow": "tensorflow", "jax": "flax", "flax": "flax"}


@probes(
    fields=(
        "transformers_version",
        "diffusers_version",
        "lightning_version",
        "transformers_models",
        "transformers_leads",
        "diffusers_models",
        "stable_diffusion_pipelines",
        "diffusers_leads",
        "lightning_needs",
    )
)
def transformers_backends() -> dict[str, Any]:
    """Count classes in the packages' source files, so that no framework need be installed for its models.

    Returns
    -------
    dict
        `transformers_models` and `diffusers_models` are the model classes for each framework,
        `stable_diffusion_pipelines` those of Diffusers' pipelines that have Stable Diffusion in their name.
        `transformers_leads` and `diffusers_leads` (by both of its counts) name the framework with more than
        any other, None where there is none. `lightning_needs` are the frameworks that Lightning's package
        requires, extras aside.

    Raises
    ------
    Unavailable
        Where Transformers, Lightning or the environment with Diffusers is not installed.
    RuntimeError
        Where Diffusers cannot be located, or a package has no class in its source.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    spec = importlib.util.find_spec("transformers")
    transformers = _descent(Path(spec.submodule_search_locations[0]))  # type: ignore[union-attr,index]
    folder, diffusers_version = _located(python_of("diffusers"))
    diffusers = _descent(folder)
    models = {name: len(_descendants(diffusers, roots)) for name, roots in MODELS.items()}
    pipelines = {
        name: sum("StableDiffusion" in each for each in _descendants(diffusers, roots))
        for name, roots in PIPELINES.items()
    }
    of_transformers = {name: len(_descendants(transformers, roots)) for name, roots in MODELS.items()}
    leaders = {_leader(models), _leader(pipelines)}
    return {
        "transformers_version": version("transformers"),
        "diffusers_version": diffusers_version,
        "lightning_version": version("lightning"),
        "transformers_models": of_transformers,
        "transformers_leads": _leader(of_transformers),
        "diffusers_models": models,
        "stable_diffusion_pipelines": pipelines,
        "diffusers_leads": leaders.pop() if len(leaders) == 1 else None,
        "lightning_needs": _needs("lightning"),
    }


def _located(python: Path) -> tuple[Path, str]:
    """Return the folder of Diffusers in an environment, and its version."""
    child = subprocess.run(
        [str(python), "-P", "-c", LOCATE], capture_output=True, text=True, timeout=LOCATE_SECONDS, check=False
    )
    if child.returncode != 0:
        message = f"Diffusers was not located in {python}: {child.stderr.strip()[-300:]}"
        raise RuntimeError(message)
    folder, release = child.stdout.split("\n")[:2]
    return Path(folder), release


def _descent(folder: Path) -> dict[str, set[str]]:
    """Return the names of the classes in a package's files, each with those of its bases."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for name, bases in CLASS.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).update(base.strip().rpartition(".")[2] for base in bases.split(","))
    if not found:
        message = f"found no class in {folder}, expected a package's source files"
        raise RuntimeError(message)
    return found


def _descendants(descent: dict[str, set[str]], roots: tuple[str, ...]) -> set[str]:
    found = set(roots)
    while more := {name for name, bases in descent.items() if bases & found} - found:
        found |= more
    return found - set(roots)


def _leader(counts: dict[str, int]) -> str | None:
    most = max(counts.values())
    leading = [name for name, count in counts.items() if count == most]
    return leading[0] if len(leading) == 1 else None


def _needs(package: str) -> list[str]:
    """Return the frameworks that a distribution requires without any extra."""
    named = [
        re.split(r"[^\w-]", each, maxsplit=1)[0] for each in requires(package) or [] if "extra ==" not in each
    ]
    return sorted({FRAMEWORKS[name] for name in named if name in FRAMEWORKS})
