"""Processes that train together: what they compute, what they need, and that they end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from kb.parity import differences
from kb.verifier import Arrays, Cell, Unavailable

SETTINGS = {"model": "small-cnn", "batch": 4, "processes": 2, "scaling": "weak"}
TOGETHER = ["pytorch/ddp", "tensorflow/multiworker", "tensorflow/mirrored"]
RTOL, ATOL = 1e-4, 1e-4
WRONG_REDUCTION = """
import sys
if "models.replica" in sys.orig_argv:
    import tensorflow as tf
    sound = tf.distribute.ReplicaContext.all_reduce
    tf.distribute.ReplicaContext.all_reduce = lambda self, op, values: {}
"""


@dataclass(frozen=True)
class Seen:
    """What an arm computed and said; alone it makes no pass, which costs a further process."""

    outputs: Arrays
    losses: list[float]
    settings: dict[str, Any]
    items: int
    flops: float


@pytest.fixture(autouse=True)
def _verifiers_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "verifiers"))


@pytest.fixture(scope="module")
def seen() -> Callable[..., Seen]:
    """A function that returns what an arm computes and says; the processes of each arm are started once."""

    @cache
    def of(arm: str, scaling: str) -> Seen:
        step = step_of(arm, scaling=scaling)
        outputs = step.outputs()
        if arm.endswith("/single"):
            return Seen(outputs, [], {}, step.items, step.flops)
        losses = [answer["loss"] for answer in step.run()]
        return Seen(outputs, losses, step.settings(), step.items, step.flops)

    return of


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    for child in psutil.Process().children(recursive=True):
        child.kill()


def step_of(arm: str, **changed: Any) -> Any:
    from models import scaling

    return scaling.step(Cell(arm, SETTINGS | changed, seed=3))


@pytest.mark.parametrize("scaling", ["weak", "strong"])
@pytest.mark.parametrize("arm", TOGETHER)
def test_together_they_compute_the_mean_of_what_they_compute_apart(
    seen: Callable[..., Seen], arm: str, scaling: str
) -> None:
    together = seen(arm, scaling).outputs
    apart = seen(f"{Cell(arm).framework}/single", scaling).outputs
    assert {name for name in together if name.startswith("grad/")}
    assert differences(together, apart, RTOL, ATOL) == []


def test_both_frameworks_compute_the_same_together(seen: Callable[..., Seen]) -> None:
    pytorch, *tensorflow = (seen(arm, "weak").outputs for arm in TOGETHER)
    assert [differences(pytorch, each, RTOL, ATOL) for each in tensorflow] == [[], []]


def test_the_gate_names_processes_that_do_not_share_their_gradients(seen: Callable[..., Seen]) -> None:
    from models import scaling
    from models.replicas import Replicas

    cell = Cell("pytorch/ddp", SETTINGS, seed=3)
    with Replicas(cell, "pytorch/eager", 2, scaling.BATCHES * 4) as strangers:
        found = scaling._together(strangers)
    sound = seen("pytorch/single", "weak").outputs
    assert any("grad/" in each for each in differences(found, sound, RTOL, ATOL))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("values", id="none"),
        pytest.param("[2 * each for each in sound(self, op, values)]", id="the sum for the mean"),
    ],
)
def test_the_gate_names_the_gradients_of_devices_that_reduce_them_wrongly(
    seen: Callable[..., Seen], wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = seen("tensorflow/single", "weak").outputs
    (tmp_path / "sitecustomize.py").write_text(WRONG_REDUCTION.format(wrong))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = step_of("tensorflow/mirrored").outputs()
    wrongly = {name for name in found if differences({name: found[name]}, {name: apart[name]}, RTOL, ATOL)}
    assert wrongly == {name for name in found if name.startswith("grad/")}


@pytest.mark.parametrize("arm", TOGETHER[:2])
def test_each_process_has_one_thread_and_a_core_of_its_own(seen: Callable[..., Seen], arm: str) -> None:
    observed = seen(arm, "weak").settings
    assert (observed["threads"], observed["replicas"], len(observed["cores"])) == (1, 2, 1)
    assert observed["arm"] == arm


def test_mirrored_replicas_share_a_process_with_a_device_a_thread_and_a_core_for_each(
    seen: Callable[..., Seen],
) -> None:
    observed = seen("tensorflow/mirrored", "weak").settings
    assert [place[-5:] for place in observed["devices"]] == ["CPU:0", "CPU:1"]
    assert (observed["threads"], observed["interop_threads"], observed["replicas"]) == (1, 2, 2)
    assert (observed["arm"], len(observed["cores"])) == ("tensorflow/mirrored", 2)


def test_a_pass_of_one_process_with_two_devices_ends_at_the_loss_of_two_processes(
    seen: Callable[..., Seen],
) -> None:
    several, one = (seen(f"tensorflow/{mode}", "weak").losses for mode in ("multiworker", "mirrored"))
    assert (len(several), len(one)) == (2, 1)
    assert np.mean(several) == pytest.approx(one[0], rel=RTOL)


def test_a_pass_of_all_counts_the_images_of_all(seen: Callable[..., Seen]) -> None:
    together, single = seen("pytorch/ddp", "weak"), seen("pytorch/single", "weak")
    assert (together.items, single.items) == (32, 16)
    assert together.flops == 2 * single.flops


def test_more_processes_than_cores_are_said_to_be_lacking() -> None:
    with pytest.raises(Unavailable, match="needs 100000 processor cores") as lack:
        step_of("pytorch/ddp", processes=100_000)
    assert lack.value.reason == "no-hardware"


def test_on_leaving_no_process_is_left() -> None:
    from models.replicas import Replicas

    before = psutil.Process().children()
    cell = replace(Cell("pytorch/eager", SETTINGS), seed=3)
    with Replicas(cell, "pytorch/eager", 2, 8) as replicas:
        losses = [answer["loss"] for answer in replicas.all("run")]
        running = [child for child in psutil.Process().children() if child not in before]
    assert np.isfinite(losses).all()
    _, alive = psutil.wait_procs(running, timeout=10)
    assert len(running) == 2
    assert alive == []
