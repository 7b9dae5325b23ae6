"""The arms of training in PyTorch; gradients are set to none before each step."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kb.verifier import Array, Arrays, Cell, Unavailable
from models import conversion, observation, pipelines, settings
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
    model = plain
    if mode == "compile":
        model = settings.compiled(torch, cell, plain)
    elif mode == "ddp":
        model = torch.nn.parallel.DistributedDataParallel(plain)
    optimizer = torch.optim.SGD(plain.parameters(), lr=RATE, momentum=MOMENTUM)
    cross_entropy = torch.nn.functional.cross_entropy
    fed = pipelines.as_fed(cell, pixels)
    x = torch.from_numpy(fed.transpose(0, 3, 1, 2)).to(device, memory_format=layout, copy=True)
    y = torch.from_numpy(labels).to(device, torch.int64)
    piped = pipelines.is_piped(cell)
    batches = pipelines.loaded(pixels, labels, cell.batch) if piped else pipelines.sliced(x, y, cell.batch)

    def advance(images: Any, classes: Any) -> Any:
        if piped:
            images, classes = images.to(device, memory_format=layout), classes.to(device)
        optimizer.zero_grad(set_to_none=True)
        try:
            loss = cross_entropy(model(images), classes)
            loss.backward()
        except (
            AssertionError
        ) as error:  # what torch.compile wrote checks itself: 2.1 fails on attention's strides
            message = f"PyTorch {torch.__version__} compiles this network to code that fails: {error}"
            raise Unavailable(message) from error
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
        passes=looped(advance, batches, settings.finish(cell, torch)),
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
    return said | {kind: group.get(kind) for kind in ("foreach", "fused")}


ARMS: Mapping[str, Callable[..., Training]] = {
    "pytorch/eager": partial(_pytorch, mode="eager"),
    "pytorch/channels-last": partial(_pytorch, mode="channels-last"),
    "pytorch/compile": partial(_pytorch, mode="compile"),
}
GROUPED: Mapping[str, Callable[..., Training]] = {
    "pytorch/ddp": partial(_pytorch, mode="ddp"),
    "pytorch/xla": partial(_pytorch, mode="xla"),
}
