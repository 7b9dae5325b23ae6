"""What counts as agreement of an ONNX file, what as an exporter's failure, and what as the machine's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

VERIFIERS = Path(__file__).parents[2] / "verifiers"
ONES = np.ones((2, 3), np.float32)


@pytest.fixture(autouse=True)
def _verifiers_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(VERIFIERS))


@pytest.fixture(scope="module")
def doubling() -> bytes:
    """Return an ONNX file that doubles a batch."""
    from onnx import TensorProto, helper

    described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Sum", ["x", "x"], ["y"])], "double", *([each] for each in described)
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


@pytest.mark.parametrize(("factor", "agrees"), [(2.0, True), (2.0001, True), (2.001, False), (-2.0, False)])
def test_a_file_agrees_where_it_computes_the_same_on_every_batch(
    doubling: bytes, factor: float, agrees: bool
) -> None:
    from models.onnx_file import attempt

    examples = [([ONES], [2 * ONES]), ([ONES[:1]], [np.float32(factor) * ONES[:1]])]
    found = attempt(lambda: doubling, examples)
    assert found["converted"] is True
    assert found["agrees"] is agrees
    assert found["error"] is None


def test_outputs_of_another_shape_or_not_finite_are_no_agreement(doubling: bytes) -> None:
    from models.onnx_file import attempt

    wide = attempt(lambda: doubling, [([ONES], [np.ones((2, 4), np.float32)])])
    infinite = attempt(lambda: doubling, [([np.inf * ONES], [np.inf * ONES])])
    assert "shapes" in wide["error"]
    assert "not finite" in infinite["error"]
    assert not wide["agrees"]
    assert not infinite["agrees"]


def test_an_exporter_that_raises_and_a_file_that_does_not_load_are_failures() -> None:
    from models.onnx_file import attempt

    def refuse() -> bytes:
        raise OSError("could not get source code")

    assert attempt(refuse, []) == {
        "converted": False,
        "agrees": False,
        "largest_difference": None,
        "error": "OSError: could not get source code",
    }
    damaged = attempt(lambda: b"no model", [])
    assert damaged["converted"]
    assert not damaged["agrees"]


@pytest.mark.parametrize("fault", [MemoryError(), OSError(28, "No space left on device")])
def test_a_full_disk_or_memory_is_no_failure_of_an_exporter(fault: Exception) -> None:
    from models.onnx_file import attempt

    def fail() -> bytes:
        raise fault

    with pytest.raises(type(fault)):
        attempt(fail, [])


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with status -9"),
        ("raise MemoryError", "ended with status 1"),
        ("import signal; signal.pause()", "did not end within 3 s"),
    ],
)
def test_a_framework_that_fails_outside_its_exporters_gives_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
) -> None:
    from models import onnx_exports

    (tmp_path / "torch.py").write_text(fault, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(onnx_exports, "CHILD_SECONDS", 3.0)
    with pytest.raises(RuntimeError, match=said):
        onnx_exports.exports("pytorch", ["dense"], ["dynamo"])


def test_every_item_of_the_list_is_built_by_both_frameworks_over_equal_inputs() -> None:
    import ast

    from models.onnx_layers import NAMES

    for framework in ("torch", "keras"):
        tree = ast.parse((VERIFIERS / "models" / f"onnx_layers_{framework}.py").read_text(encoding="utf-8"))
        (table,) = [
            node.value
            for node in tree.body
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "MAKE"
        ]
        assert isinstance(table, ast.Dict)
        assert tuple(ast.literal_eval(key) for key in table.keys if key) == NAMES


def test_the_branch_on_data_is_taken_one_way_in_each_batch() -> None:
    from models.onnx_layers import BATCHES, CENTRES, drawn, floats

    means: list[Any] = [
        drawn([floats(6, 8)], batch, centre)[0].mean() for batch, centre in zip(BATCHES, CENTRES, strict=True)
    ]
    assert means[0] > 0.1
    assert means[1] < -0.1
