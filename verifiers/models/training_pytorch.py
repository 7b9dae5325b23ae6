"""The arms of training in PyTorch; gradients are set to none before each step."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kb.verifier import Array, Arrays, Cell
from models import conversion, observation, settings
from models.architecture import Architecture, is_trained
from models.descent import MOMENTUM, RATE, Training, described, is_moving_mean, looped


def _pytorch(
    architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, labels: Array, mode: str
) -> Training:
    torch, device = settings.pytorch(cell), settings.place(cell)
    plain = architecture.pytorch()
    conversion.load_torch(plain, weights)
    layout = torch.channels_last if mode == "channels-last" else torch.contiguous_format
    plain = plain.to(device, memory_format=layout).train()
    model = settings.compiled(torch, cell, plain) if mode == "compile" else plain
    optimizer = torch.optim.SGD(plain.parameters(), lr=RATE, momentum=MOMENTUM)
    cross_entropy = torch.nn.functional.cross_entropy
    x = torch.from_numpy(pixels.transpose(0, 3, 1, 2)).to(device, memory_format=layout, copy=True)
    y = torch.from_numpy(labels).to(device, torch.int64)

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
        observed=lambda: {
            **observation.pytorch([x, *plain.parameters()]),
            "training": plain.training,
            "compiled": hasattr(model, "_orig_mod"),  # which torch.compile's modules have
            **_optimizer(optimizer.param_groups[0]),
        },
    )


def _optimizer(group: Mapping[str, Any]) -> dict[str, Any]:
    said = {"optimizer": described("SGD", group["lr"], group["momentum"])}
    return said | {kind: group[kind] for kind in ("foreach", "fused")}


ARMS: Mapping[str, Callable[..., Training]] = {
    "pytorch/eager": partial(_pytorch, mode="eager"),
    "pytorch/channels-last": partial(_pytorch, mode="channels-last"),
    "pytorch/compile": partial(_pytorch, mode="compile"),
}
