"""What can be proved of the models without a framework: shapes, draws, layouts, and what is said to lack."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kb.verifier import Cell, Unavailable

CELL = Cell("pytorch/eager", {"batch": 2}, seed=7)


@pytest.fixture(autouse=True)
def _verifiers_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "verifiers"))


def test_resnet50_declares_25_557_032_trained_numbers() -> None:
    from models import architecture, resnet50

    trained = [shape for name, shape in resnet50.SHAPES.items() if architecture.is_trained(name)]
    assert sum(map(np.prod, trained)) == resnet50.PARAMETERS == 25_557_032
    assert len(trained) == 161


def test_mobilenet_v2_declares_3_504_872_trained_numbers() -> None:
    from models import architecture

    network = architecture.named("mobilenet-v2")
    trained = [shape for name, shape in network.SHAPES.items() if architecture.is_trained(name)]
    assert sum(map(np.prod, trained)) == network.PARAMETERS == 3_504_872
    assert architecture.flops(network, 1, training=False) / 2 == pytest.approx(0.3e9, rel=0.01)


def test_resnet50_strides_in_the_3x3_of_the_first_block_of_stages_two_to_four() -> None:
    from models import resnet50

    strided = [block.name for block in resnet50.BLOCKS if block.stride == 2]
    assert strided == ["stage2_block1", "stage3_block1", "stage4_block1"]


def test_the_small_cnn_needs_the_operations_that_one_counts_by_hand() -> None:
    from models import architecture, small_cnn

    convolutions = 32 * 32 * (9 * 3 * 32) + 16 * 16 * (9 * 32 * 64) + 8 * 8 * (9 * 64 * 64)
    dense = 4096 * 64 + 64 * 10
    assert architecture.flops(small_cnn, 1, training=False) == 2 * (convolutions + dense) == 16_450_816
    assert architecture.flops(small_cnn, 7, training=True) == 7 * 3 * 16_450_816


def test_resnet50_needs_the_published_4_1_billion_multiply_adds_an_image() -> None:
    from models import architecture, resnet50

    assert architecture.flops(resnet50, 1, training=False) / 2 == pytest.approx(4.1e9, rel=0.005)


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Return what PyTorch shows of the architectures, from a process of its own."""
    script = Path(__file__).with_name("torch_facts.py")
    child = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    return json.loads(child.stdout)


@pytest.mark.parametrize("name", ["small_cnn", "resnet50"])
def test_pytorch_counts_the_same_operations(facts: dict[str, Any], name: str) -> None:
    from models import architecture

    network = __import__(f"models.{name}", fromlist=[name])
    forward = architecture.flops(network, 1, training=False)
    assert facts[name]["forward"] == forward
    # Autograd leaves out the gradient of the images, which the usual factor of three counts.
    images = 2 * np.prod(network.SHAPES["conv1/kernel"]) * network.POSITIONS["conv1"]
    assert facts[name]["training"] == architecture.flops(network, 1, training=True) - images


def test_channels_last_lasts_through_every_layer(facts: dict[str, Any]) -> None:
    assert facts["activations"] == [["NHWC"], ["NHWC"]]


def test_tensors_that_lie_otherwise_than_each_other_are_all_named(facts: dict[str, Any]) -> None:
    expected = {"device": "cpu", "dtype": "float32+float64", "layout": "NCHW+NHWC"}
    assert facts["of_both_layouts"] == expected
    assert facts["of_a_cut"]["layout"] == "strided"


def test_weights_and_data_follow_from_the_seed_alone() -> None:
    from models import architecture, small_cnn

    weights, images, labels = architecture.drawn(small_cnn, CELL, 16)
    again = architecture.drawn(small_cnn, Cell("jax/jit", {"batch": 9}, threads=4, seed=7), 16)
    other = architecture.drawn(small_cnn, Cell("jax/jit", seed=8), 16)
    assert all(np.array_equal(weights[name], again[0][name]) for name in small_cnn.SHAPES)
    assert np.array_equal(images, again[1])
    assert np.array_equal(labels, again[2])
    assert not np.array_equal(images, other[1])


def test_weights_and_images_are_float32_and_no_variance_is_negative() -> None:
    from models import architecture, small_cnn

    weights, images, labels = architecture.drawn(small_cnn, CELL, 16)
    assert {value.dtype for value in [*weights.values(), images]} == {np.dtype(np.float32)}
    assert {name: value.shape for name, value in weights.items()} == small_cnn.SHAPES
    assert weights["norm2/variance"].min() > 0
    assert set(labels) <= set(range(10))


def test_a_convolution_kernel_puts_outputs_first_in_pytorch() -> None:
    from models.conversion import _from_torch, _to_torch

    kernel = np.arange(3 * 5 * 2 * 7).reshape(3, 5, 2, 7)
    own = _to_torch("a/kernel", kernel, None)
    assert own.shape == (7, 2, 3, 5)
    assert own[6, 1, 2, 4] == kernel[2, 4, 1, 6]
    assert np.array_equal(_from_torch("a/kernel", own, None), kernel)


def test_a_dense_kernel_after_flattening_meets_the_same_pixels_in_both_orders() -> None:
    from models.conversion import _from_torch, _to_torch

    generator = np.random.default_rng(0)
    image = generator.standard_normal((2, 3, 4))
    kernel = generator.standard_normal((24, 5))
    own = _to_torch("a/kernel", kernel, image.shape)
    assert np.allclose(own @ image.transpose(2, 0, 1).ravel(), image.ravel() @ kernel)
    assert np.array_equal(_from_torch("a/kernel", own, image.shape), kernel)


def test_weights_of_another_architecture_are_refused_by_name() -> None:
    from models import conversion

    variable = SimpleNamespace(name="kernel", assign=None)
    model = SimpleNamespace(layers=[SimpleNamespace(name="conv9", weights=[variable])])
    with pytest.raises(ValueError, match=r"conv9/kernel.*conv1/kernel"):
        conversion.load_keras(model, {"conv1/kernel": np.zeros(1)})


@pytest.mark.parametrize(
    ("arm", "package"), [("pytorch", "torch"), ("tensorflow", "tensorflow"), ("jax", "jax")]
)
def test_a_framework_that_is_not_installed_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, arm: str, package: str
) -> None:
    from models import settings

    monkeypatch.setitem(sys.modules, package, None)
    for variable in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "PJRT_NPROC", "XLA_PYTHON_CLIENT_PREALLOCATE"):
        monkeypatch.setenv(variable, "restored after the test")
    with pytest.raises(
        Unavailable, match=f"needs {package}; install it with: pip install {package}=="
    ) as found:
        getattr(settings, arm)(CELL)
    assert found.value.reason == "no-software"


def test_compiling_without_a_compiler_is_said_to_need_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from models import settings

    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(Unavailable, match=r"needs a C\+\+ compiler; install g\+\+"):
        settings.compiled(SimpleNamespace(), CELL, None)
