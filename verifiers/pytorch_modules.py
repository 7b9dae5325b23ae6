# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch"]
# ///
"""Whether PyTorch's modules nest, save, swap, inherit and are reached as parts of one another."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable, probes

SCRIPT = Path(__file__).parent / "models" / "modules.py"
CHILD_SECONDS = 120.0
ERROR_LENGTH = 500
# A full disk or memory says nothing about modules; the latter two are PyTorch's words for it.
MACHINE_FAULTS = ("MemoryError", "OSError: [Errno", "not enough memory", "PytorchStreamWriter failed")
BIAS = 7.0


class MachineFault(RuntimeError):
    """A process did not end by itself, which says nothing about modules."""


@probes(
    fields=(
        "parameters_registered",
        "parameters",
        "state_survives_a_file",
        "strict_refuses_other_names",
        "submodule_swapped",
        "subclass_inherits_and_overrides",
        "apply_reaches_all",
        "hooks_reach_all",
        "failures",
        "torch_version",
    )
)
def pytorch_modules() -> dict[str, Any]:
    """Put a nest of modules to the uses that modules have, comparing names and outputs each time.

    Returns
    -------
    dict
        `parameters_registered` is whether parameters and buffers have the names and shapes that the nesting
        gives. `state_survives_a_file` is whether a fresh process that loads the state_dict gives the outputs,
        exactly, that this one gives, and did not before. `submodule_swapped` is whether outputs after a swap
        are those of the parts called one by one, and the new parameters take the old ones' place.
        `subclass_inherits_and_overrides` holds a subclass with the same state against its parent.
        `apply_reaches_all` is over all submodules, `hooks_reach_all` over all that have a call of their own.
        What raised an error does not hold; `failures` has the error.

    Raises
    ------
    Unavailable
        Where PyTorch is not installed.
    RuntimeError
        Where a process is ended from outside or meets a full disk or memory.
    """
    if importlib.util.find_spec("torch") is None:
        message = "needs torch; install it with: pip install torch==2.13.0"
        raise Unavailable(message)
    import torch

    from models import modules

    with torch.no_grad():
        outcomes = {name: _tried(use, torch, modules) for name, use in _uses().items()}
        parameters = [name for name, _ in modules.built(modules.Tower, 0).named_parameters()]
    return {
        **{name: outcome is True for name, outcome in outcomes.items()},
        "parameters": parameters,
        "failures": {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, str)},
        "torch_version": torch.__version__,
    }


def _uses() -> dict[str, Callable[[Any, Any], bool]]:
    return {
        "parameters_registered": _registered,
        "state_survives_a_file": _survives,
        "strict_refuses_other_names": _refuses,
        "submodule_swapped": _swaps,
        "subclass_inherits_and_overrides": _inherits,
        "apply_reaches_all": _apply_reaches,
        "hooks_reach_all": _hooks_reach,
    }


def _tried(use: Callable[[Any, Any], bool], torch: Any, modules: Any) -> bool | str:
    """Return whether a use of modules comes to what it should, or the error that it ended with."""
    try:
        return use(torch, modules)
    except (MemoryError, OSError, MachineFault):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if any(fault in said for fault in MACHINE_FAULTS):
            raise
        return said[:ERROR_LENGTH]


def _registered(torch: Any, modules: Any) -> bool:
    model = modules.built(modules.Tower, 0)
    parameters = {name: tuple(each.shape) for name, each in model.named_parameters()}
    buffers = {name: tuple(each.shape) for name, each in model.named_buffers()}
    state = {name: tuple(each.shape) for name, each in model.state_dict().items()}
    return parameters == modules.NAMES and buffers == modules.BUFFERS and state == parameters | buffers


def _survives(torch: Any, modules: Any) -> bool:
    """Tell whether a fresh process that loads the state computes what this one does."""
    with tempfile.TemporaryDirectory() as folder:
        state, out = Path(folder) / "state.pt", Path(folder) / "outputs.json"
        torch.save(modules.built(modules.Tower, 0).state_dict(), state)
        try:
            child = subprocess.run(
                [sys.executable, "-P", str(SCRIPT), str(state), str(out)],
                env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the process that loads the state did not end within {CHILD_SECONDS:g} s"
            raise MachineFault(message) from error
        said = child.stderr.strip()[-ERROR_LENGTH:]
        last = said.rpartition("\n")[2]
        if child.returncode == 1 and not any(fault in last for fault in MACHINE_FAULTS):
            raise ValueError(said)
        if child.returncode != 0:
            message = f"the process that loads the state ended with status {child.returncode}: {said}"
            raise MachineFault(message)
        outputs = json.loads(out.read_text(encoding="utf-8"))
    expected = modules.built(modules.Tower, 0)(modules.inputs()).tolist()
    return bool(outputs["after"] == expected != outputs["before"])


def _refuses(torch: Any, modules: Any) -> bool:
    """Tell whether a state with one name too few and one too many is refused, both named."""
    model = modules.built(modules.Tower, 0)
    state = dict(model.state_dict())
    state["tail.bias"] = state.pop("head.1.bias")
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        return all(name in str(error) for name in ("head.1.bias", "tail.bias"))
    return False


def _swaps(torch: Any, modules: Any) -> bool:
    """Tell whether a block can be swapped for a layer of another kind, by attribute and by index."""
    model = modules.built(modules.Tower, 0)
    block, head = model.blocks[0], model.head
    swapped, other_head = torch.nn.Linear(modules.WIDTH, modules.WIDTH), torch.nn.Linear(modules.WIDTH, 3)
    model.blocks[1] = swapped
    expected = head(swapped(block(modules.inputs())))
    right = torch.equal(model(modules.inputs()), expected)
    model.head = other_head
    right &= torch.equal(model(modules.inputs()), other_head(swapped(block(modules.inputs()))))
    names = [name for name in modules.NAMES if name.startswith("blocks.0.")]
    names += ["blocks.1.weight", "blocks.1.bias", "head.weight", "head.bias"]
    return bool(right and sorted(name for name, _ in model.named_parameters()) == sorted(names))


def _inherits(torch: Any, modules: Any) -> bool:
    parent, child = modules.built(modules.Tower, 0), modules.built(modules.Doubled, 1)
    child.load_state_dict(parent.state_dict(), strict=True)
    same_body = torch.equal(child.body(modules.inputs()), parent.body(modules.inputs()))
    return bool(same_body and torch.equal(child(modules.inputs()), 2 * parent(modules.inputs())))


def _apply_reaches(torch: Any, modules: Any) -> bool:
    """Tell whether `apply` visits every submodule once and what it does there is done."""
    model = modules.built(modules.Tower, 0)
    visited = []

    def fill(module: Any) -> None:
        visited.append(module)
        if isinstance(module, torch.nn.Linear):
            module.bias.fill_(BIAS)

    model.apply(fill)
    parts = [model.get_submodule(path) for path in modules.SUBMODULES]
    filled = [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]
    return (
        sorted(map(id, visited)) == sorted(map(id, parts))
        and len(filled) == 3
        and all(bool((each == BIAS).all()) for each in filled)
    )


def _hooks_reach(torch: Any, modules: Any) -> bool:
    """Tell whether hooks on all submodules see each that is called, and none once they are removed."""
    model = modules.built(modules.Tower, 0)
    seen: list[str] = []
    hooks = [
        model.get_submodule(path).register_forward_hook(lambda *_, path=path: seen.append(path))
        for path in modules.SUBMODULES
    ]
    model(modules.inputs())
    called = list(seen)
    for hook in hooks:
        hook.remove()
    model(modules.inputs())
    # A ModuleList is a container without a call of its own.
    return sorted(called) == sorted(set(modules.SUBMODULES) - {"blocks"}) and seen == called
