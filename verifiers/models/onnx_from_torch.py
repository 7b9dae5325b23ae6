"""Pass models through PyTorch's ONNX exporters: python onnx_from_torch.py OUT.json ROUTE,ROUTE NAME..."""

import io
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from models.onnx_file import Examples, attempt
from models.onnx_layers import BATCHES, CENTRES, Input, drawn, is_layer
from models.onnx_layers_torch import build


def dynamo(module: torch.nn.Module, inputs: Sequence[Input]) -> bytes:
    """Return the file of the default exporter, which goes through torch.export, for batches of any size."""
    example = _example(inputs)
    sizes: Any = tuple({0: "batch"} for _ in example)
    program = torch.onnx.export(
        module,
        example,
        input_names=_names(inputs),
        # An Op takes *inputs, for which torch.export wants one tuple of sizes.
        dynamic_shapes=(sizes,) if hasattr(module, "function") else sizes,
        dynamo=True,
        verbose=False,
    )
    found: bytes = program.model_proto.SerializeToString()
    return found


def torchscript(module: torch.nn.Module, inputs: Sequence[Input]) -> bytes:
    """Return the file of the older exporter, which traces, and which PyTorch deprecates."""
    stream = io.BytesIO()
    modes = torch.onnx.TrainingMode
    torch.onnx.export(
        module,
        _example(inputs),
        stream,
        input_names=_names(inputs),
        dynamic_axes={each: {0: "batch"} for each in _names(inputs)},
        dynamo=False,
        training=modes.TRAINING if module.training else modes.EVAL,
        do_constant_folding=not module.training,
    )
    return stream.getvalue()


ROUTES = {"dynamo": dynamo, "torchscript": torchscript}


def _example(inputs: Sequence[Input]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(each) for each in drawn(inputs, 2))


def _names(inputs: Sequence[Input]) -> list[str]:
    return [f"x{place}" for place in range(len(inputs))]


def examples(name: str) -> Examples:
    """Return what PyTorch itself computes, for every batch."""
    found = []
    for batch, centre in zip(BATCHES, CENTRES, strict=True):
        module, described = build(name)
        inputs = drawn(described, batch, centre)
        with torch.no_grad():
            given = module(*map(torch.from_numpy, inputs))
        outputs = given if isinstance(given, tuple) else (given,)
        found.append((inputs, [each.numpy() for each in outputs]))
    return found


def main(path: str, routes: str, *names: str) -> None:
    """Write what came of every route and model, and what PyTorch computes of architectures."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    own = {name: examples(name) for name in names}
    found = {
        route: {name: attempt(lambda: ROUTES[route](*build(name)), own[name]) for name in names}  # noqa: B023
        for route in routes.split(",")
    }
    computed = {
        name: [outputs[0].tolist() for _, outputs in own[name]] for name in names if not is_layer(name)
    }
    Path(path).write_text(json.dumps({"routes": found, "own": computed}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
