"""The count of model classes: on the installed packages, and on planted ones in which Flax leads."""

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from probe import ROOT, observe

from kb.findings import judge_finding
from kb.isolated import isolated
from kb.library import load_library
from kb.packages import environments
from kb.words import Verdict

VERIFIER = ROOT / "verifiers" / "transformers_backends.py"
TORCH_FIRST = """
class ModelMixin(torch.nn.Module):
class DiffusionPipeline(Base):
class UNet(ModelMixin, Mixin):
class StableDiffusionPipeline(
    DiffusionPipeline,
    Mixin,
):
class StableDiffusionImg2ImgPipeline(pipelines.StableDiffusionPipeline):
class OtherPipeline(DiffusionPipeline):
class FlaxStableDiffusionPipeline(FlaxDiffusionPipeline):
"""
FLAX_FIRST = """
class BertPreTrainedModel(PreTrainedModel):
class FlaxBertPreTrainedModel(FlaxPreTrainedModel):
class FlaxBertModel(FlaxBertPreTrainedModel):
class TFBertModel(TFPreTrainedModel):
"""


def judged(found: dict[str, Any]) -> Verdict:
    """Return the verdict that the record's expectations give a finding."""
    return judge_finding(
        load_library(ROOT).record("frontier-research-pytorch-first").claim.expect, found
    ).verdict


def planted(folder: Path, **sources: str) -> dict[str, str]:
    """Return the variables with which the packages are found, in place of an environment of their own."""
    for name, source in sources.items():
        (folder / name / "models").mkdir(parents=True)
        (folder / name / "__init__.py").write_text("", encoding="utf-8")
        (folder / name / "models" / "some.py").write_text(
            source.replace("):\n", "):\n    pass\n"), encoding="utf-8"
        )
        information = folder / f"{name}-9.9.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n", encoding="utf-8"
        )
    return {"PYTHONPATH": str(folder), "KB_PYTHON_DIFFUSERS": sys.executable}


def test_transformers_has_models_for_pytorch_alone_and_lightning_requires_it(tmp_path: Path) -> None:
    found = observe("transformers_backends", environment=planted(tmp_path, diffusers=TORCH_FIRST))
    assert found["transformers_models"]["pytorch"] > 2000
    assert found["transformers_models"]["tensorflow"] == found["transformers_models"]["flax"] == 0
    assert found["diffusers_models"] == {"pytorch": 1, "tensorflow": 0, "flax": 0}
    assert found["stable_diffusion_pipelines"] == {"pytorch": 2, "flax": 1}
    assert found["diffusers_version"] == "9.9"
    assert found["lightning_needs"] == ["pytorch"]
    assert judged(found) is Verdict.SUPPORTED


def test_packages_in_which_flax_leads_or_none_does_refute(tmp_path: Path) -> None:
    tied = TORCH_FIRST + "class FlaxUNet(FlaxModelMixin):\n"
    found = observe(
        "transformers_backends", environment=planted(tmp_path, diffusers=tied, transformers=FLAX_FIRST)
    )
    assert found["transformers_models"] == {"pytorch": 1, "tensorflow": 1, "flax": 2}
    assert found["transformers_leads"] == "flax"
    assert found["diffusers_models"]["pytorch"] == found["diffusers_models"]["flax"] == 1
    assert found["diffusers_leads"] is None
    assert judged(found) is Verdict.REFUTED
    assert judged(found | {"transformers_leads": "pytorch"}) is Verdict.REFUTED


def test_a_package_without_source_is_an_error_and_no_finding(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="RuntimeError: found no class in"):
        observe(
            "transformers_backends", environment=planted(tmp_path, diffusers=TORCH_FIRST, transformers="")
        )


def test_an_environment_without_diffusers_is_an_error_and_no_finding(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="RuntimeError: Diffusers was not located in"):
        observe("transformers_backends", environment=planted(tmp_path, transformers=FLAX_FIRST))


@pytest.mark.parametrize("package", ["transformers", "lightning"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    with pytest.raises(
        RuntimeError, match=rf"Unavailable: needs {package}; install it with: pip install {package}=="
    ):
        observe("transformers_backends", f"import sys; sys.modules[{package!r}] = None")


def test_without_its_environment_the_probe_says_so(tmp_path: Path) -> None:
    variables = planted(tmp_path, transformers=FLAX_FIRST) | {"KB_PYTHON_DIFFUSERS": ""}
    with pytest.raises(RuntimeError, match="Unavailable: needs its environment 'diffusers'"):
        observe("transformers_backends", environment=variables)


@pytest.mark.slow
def test_diffusers_as_released_has_models_and_pipelines_for_pytorch_alone() -> None:
    python = isolated(environments(VERIFIER)["diffusers"]).path
    found = observe("transformers_backends", environment={"KB_PYTHON_DIFFUSERS": str(python)})
    assert found["diffusers_models"]["pytorch"] > 100
    assert found["stable_diffusion_pipelines"]["pytorch"] > 30
    assert found["diffusers_models"]["flax"] == found["stable_diffusion_pipelines"]["flax"] == 0
    assert judged(found) is Verdict.SUPPORTED


@pytest.mark.slow
def test_the_pattern_finds_the_classes_that_pythons_own_parser_finds() -> None:
    spec = importlib.util.spec_from_file_location(VERIFIER.stem, VERIFIER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = Path(importlib.util.find_spec("transformers").submodule_search_locations[0])
    parsed: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                parsed.setdefault(node.name, set()).update(bases)
    for roots in module.MODELS.values():
        assert module._descendants(module._descent(folder), roots) == module._descendants(parsed, roots)
