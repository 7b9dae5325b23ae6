"""A nest of PyTorch modules, and a fresh process that loads its state: modules.py STATE.pt OUT.json."""

import json
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

WIDTH = 4


class Block(nn.Module):
    """A layer and an offset of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)
        self.offset = nn.Parameter(torch.randn(WIDTH))
        self.register_buffer("scale", torch.rand(WIDTH) + 0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.scale * self.layer(inputs) + self.offset


class Tower(nn.Module):
    """Blocks one after another, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Sequential(nn.Tanh(), nn.Linear(WIDTH, 2))

    def body(self, inputs: Tensor) -> Tensor:
        for block in self.blocks:
            inputs = block(inputs)
        return inputs

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.body(inputs))


class Doubled(Tower):
    """A tower that overrides `forward` and inherits the rest."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


NAMES = {
    "blocks.0.offset": (WIDTH,),
    "blocks.0.layer.weight": (WIDTH, WIDTH),
    "blocks.0.layer.bias": (WIDTH,),
    "blocks.1.offset": (WIDTH,),
    "blocks.1.layer.weight": (WIDTH, WIDTH),
    "blocks.1.layer.bias": (WIDTH,),
    "head.1.weight": (2, WIDTH),
    "head.1.bias": (2,),
}
"""The parameters of a tower by the paths of its submodules, with shapes."""
BUFFERS = {"blocks.0.scale": (WIDTH,), "blocks.1.scale": (WIDTH,)}
SUBMODULES = [
    "",
    "blocks",
    "blocks.0",
    "blocks.0.layer",
    "blocks.1",
    "blocks.1.layer",
    "head",
    "head.0",
    "head.1",
]


def built(kind: type[Tower], seed: int) -> Tower:
    """Return a tower with the seed's weights."""
    torch.manual_seed(seed)
    return kind()


def inputs() -> Tensor:
    """Return the inputs on which towers are compared, (5, 4)."""
    return torch.linspace(-1.0, 1.0, 5 * WIDTH).reshape(5, WIDTH)


if __name__ == "__main__":
    model = built(Tower, 1)
    before = model(inputs()).tolist()
    model.load_state_dict(torch.load(sys.argv[1], weights_only=True), strict=True)
    after = model(inputs()).tolist()
    Path(sys.argv[2]).write_text(json.dumps({"before": before, "after": after}), encoding="utf-8")
