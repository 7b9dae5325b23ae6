"""The Keras probe, on the real backends, and with one that computes and one that trains wrongly."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from probe import observe

FAULTY = """
import os
backend = os.environ.get("KERAS_BACKEND")
if backend in ("torch", "jax"):
    import keras
    plain = keras.Model.set_weights
    def perturbed(self, weights):
        plain(self, [1.1 * weight for weight in weights])
    def broken(self, *arguments, **keywords):
        raise NotImplementedError("no training here")
    if backend == "torch":
        keras.Model.set_weights = perturbed
    else:
        keras.Sequential.train_on_batch = broken
"""


Findings = dict[str, Future[dict[str, Any]]]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The findings on the backends as they are, and on two faulty ones, from two processes side by side."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "sitecustomize.py").write_text(FAULTY, encoding="utf-8")
    with ThreadPoolExecutor(2) as pool:
        return {
            "real": pool.submit(observe, "keras_backends"),
            "faulty": pool.submit(observe, "keras_backends", environment={"PYTHONPATH": str(folder)}),
        }


def test_one_model_computes_and_learns_alike_on_all_three_backends(findings: Findings) -> None:
    found = findings["real"].result()
    assert found["failures"] == {}
    assert found["backends"] == ["tensorflow", "jax", "torch"]
    assert found["loss_fell_on"] == ["tensorflow", "jax", "torch"]
    assert found["output_scale"] > 1
    assert found["largest_output_difference"] < 1e-5 * found["output_scale"]
    assert found["largest_loss_difference"] < 1e-5
    for backend in found["backends"]:
        assert found["losses_after"][backend] < found["losses_before"][backend]


def test_a_perturbed_backend_shows_as_a_difference_and_a_broken_one_as_a_failure(findings: Findings) -> None:
    found = findings["faulty"].result()
    assert found["backends"] == ["tensorflow", "torch"]
    assert list(found["failures"]) == ["jax"]
    assert "no training here" in found["failures"]["jax"]
    assert found["largest_output_difference"] > 0.1 * found["output_scale"]
    assert found["largest_loss_difference"] > 0.1


def test_a_keras_that_fails_everywhere_is_found_to_fail_everywhere(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("raise ImportError('no such backend')", encoding="utf-8")
    found = observe("keras_backends", environment={"PYTHONPATH": str(tmp_path)})
    assert found["backends"] == []
    assert all("no such backend" in found["failures"][name] for name in ("tensorflow", "jax", "torch"))
    assert found["largest_output_difference"] is None
    assert found["output_scale"] is None


@pytest.mark.parametrize(
    "fault", ["raise MemoryError", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_fault_of_the_machine_is_an_error_and_no_finding_about_a_backend(
    tmp_path: Path, fault: str
) -> None:
    (tmp_path / "keras.py").write_text(fault, encoding="utf-8")
    with pytest.raises(RuntimeError, match="RuntimeError: Keras on tensorflow ended with status"):
        observe("keras_backends", environment={"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize("package", ["keras", "tensorflow", "jax", "torch"])
def test_without_a_package_the_probe_says_which_to_install(package: str) -> None:
    said = rf"Unavailable: needs {package}; install it with: pip install {package}=="
    with pytest.raises(RuntimeError, match=said):
        observe("keras_backends", f"import sys; sys.modules[{package!r}] = None")
