"""What older releases lack is said as it is, and what they say otherwise is read all the same."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kb.verifier import Cell, Unavailable

CELL = Cell("pytorch/compile", {"batch": 2}, seed=7)


@pytest.fixture(autouse=True)
def _verifiers_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "verifiers"))


def old_torch(**parts: Any) -> SimpleNamespace:
    return SimpleNamespace(__version__="2.0.1", **parts)


def refuses(model: object, **options: object) -> object:
    message = "Python 3.11+ not yet supported for torch.compile"
    raise RuntimeError(message)


@pytest.mark.parametrize(
    ("torch", "said"),
    [
        (old_torch(), r"PyTorch 2\.0\.1 has no torch\.compile"),
        (
            old_torch(compile=refuses, _dynamo=SimpleNamespace(config=SimpleNamespace())),
            r"PyTorch 2\.0\.1 cannot compile here: Python 3\.11\+ not yet supported",
        ),
    ],
)
def test_a_pytorch_that_cannot_compile_is_unavailable_and_no_crash(torch: Any, said: str) -> None:
    from models import settings

    with pytest.raises(Unavailable, match=said):
        settings.compiled(torch, CELL, None)


@pytest.mark.parametrize(
    "limits", [("recompile_limit", "accumulated_recompile_limit"), ("cache_size_limit",)]
)
def test_the_limit_after_which_code_would_run_eagerly_is_lifted_under_the_names_it_has(
    limits: tuple[str, ...],
) -> None:
    from models import settings

    config = SimpleNamespace(**dict.fromkeys(limits, 8))
    torch = old_torch(compile=lambda model, dynamic: model, _dynamo=SimpleNamespace(config=config))
    assert settings.compiled(torch, CELL, "model") == "model"
    assert vars(config) == dict.fromkeys(limits, 1000)


def test_exports_that_came_later_are_unavailable() -> None:
    from models import exported

    with pytest.raises(Unavailable, match=r"PyTorch 2\.0\.1 cannot export for batches of any size"):
        exported.program(old_torch(export=SimpleNamespace()), None, None)
    with pytest.raises(Unavailable, match=r"PyTorch 2\.0\.1 cannot export to ONNX by torch\.export"):
        exported.onnx(old_torch(onnx=SimpleNamespace(export=lambda model, inputs: None)), None, None)


def test_what_is_not_among_the_releases_of_a_run_is_to_be_named_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from models import settings

    monkeypatch.setenv("KB_RELEASES", "torch==2.1.2, tensorflow==2.15.0")
    assert settings.lacking("jax", "jax==0.10.2") == (
        "needs jax, which is not among this run's releases (torch==2.1.2, tensorflow==2.15.0); add it to --versions"
    )


@pytest.mark.parametrize(
    "model",
    [
        SimpleNamespace(jit_compile=False, run_eagerly=False, steps_per_execution=1),
        SimpleNamespace(jit_compile=None, run_eagerly=False, _steps_per_execution=1.0),
    ],
    ids=["keras 3", "keras 2"],
)
def test_models_compiled_by_keras_2_and_3_say_the_same(model: Any) -> None:
    from models import training_tensorflow

    found = training_tensorflow._compiled(model)
    assert found == {"jit_compile": False, "run_eagerly": False, "steps_per_execution": 1}
    assert type(found["steps_per_execution"]) is int


def test_variables_have_the_same_common_names_in_keras_2_and_3() -> None:
    from models import conversion

    def names(**variables: Any) -> list[str]:
        layer = SimpleNamespace(name="norm2", weights=[SimpleNamespace(**variables)])
        return list(conversion.keras_variables(SimpleNamespace(layers=[layer])))

    assert names(path="sequential/norm2/moving_mean", name="moving_mean") == ["norm2/mean"]
    assert names(name="norm2/moving_mean:0") == ["norm2/mean"]
