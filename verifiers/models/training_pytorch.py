"""The arms of training in PyTorch."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kb.verifier import Array, Arrays, Cell
from models import conversion, settings
from models.architecture import Architecture, is_trained
from models.descent import MOMENTUM, RATE, Training, is_moving_mean, looped


def _pytorch(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array, compiled: bool
) -> Training:
    torch = settings.pytorch(cell)
    plain = architecture.pytorch()
    conversion.load_torch(plain, weights)
    plain = plain.to(cell.device).train()
    model = settings.compiled(torch, cell, plain) if compiled else plain
    optimizer = torch.optim.SGD(plain.parameters(), lr=RATE, momentum=MOMENTUM)
    cross_entropy = torch.nn.functional.cross_entropy
    x = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).to(cell.device)
    y = torch.from_numpy(labels).to(cell.device, torch.int64)

    def advance(first: int, stop: int) -> Any:
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(x[first:stop]), y[first:stop])
        loss.backward()
        optimizer.step()
        return loss.detach()

    def logits() -> Array:
        plain.eval()
        with torch.no_grad():
            found = plain(x[: cell.batch]).cpu().numpy()
        plain.train()
        return found

    def of_weights(choose: Callable[[str], bool], value: Callable[[Any], Any]) -> Arrays:
        tensors = conversion.torch_tensors(plain).items()
        return conversion.from_torch(plain, {name: value(own) for name, own in tensors if choose(name)})

    return Training(
        passes=looped(advance, cell.batch, settings.finish(cell, torch)),
        logits=logits,
        gradients=lambda: of_weights(is_trained, lambda tensor: tensor.grad),
        moved=lambda: of_weights(is_moving_mean, lambda tensor: tensor),
        observed=lambda: {"zero_grad": "set to none", "training": plain.training, "compiled": compiled},
    )


ARMS: Mapping[str, Callable[..., Training]] = {
    "pytorch/eager": partial(_pytorch, compiled=False),
    "pytorch/compile": partial(_pytorch, compiled=True),
}
