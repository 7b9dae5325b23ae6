"""One process of a PyTorch group, which trains the tiny regression; it imports PyTorch alone."""

import json
import os
import sys
from datetime import timedelta
from typing import Any


def ddp(torch: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Train a replica of the whole model on this process's share of each batch."""
    model = built(torch, told)
    replica = torch.nn.parallel.DistributedDataParallel(model)
    train(torch, replica, share(torch, told), told)
    return found(torch, replica, model.parameters(), told)


def fsdp(torch: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Train on this process's share of each batch, keeping a shard of each weight."""
    from torch.distributed.fsdp import fully_shard

    model = built(torch, told)
    for layer in (model[0], model[2]):
        fully_shard(layer)
    fully_shard(model)
    train(torch, model, share(torch, told), told)
    return found(torch, model, model.parameters(), told)


def tensor_parallel(torch: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Train on whole batches, computing with this process's columns and rows of the weights only."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

    mesh = init_device_mesh("cpu", (len(told["ranks"]),))
    model = parallelize_module(built(torch, told), mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    train(torch, model, whole(torch, told), told)
    return found(torch, model, model.parameters(), told)


ROUTES = {"ddp": ddp, "fsdp": fsdp, "tensor_parallel": tensor_parallel}


def alone(torch: Any, told: dict[str, Any], batch: Any) -> dict[str, Any]:
    """Train a model that knows of no other process."""
    model = built(torch, told)
    train(torch, model, batch, told)
    return found(torch, model, model.parameters(), told)


def built(torch: Any, told: dict[str, Any]) -> Any:
    """Return the network with the weights told."""
    first, second = (torch.tensor(rows).T.contiguous() for rows in told["weights"])
    layers = [torch.nn.Linear(each.shape[1], each.shape[0], bias=False) for each in (first, second)]
    model = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    model.load_state_dict({"0.weight": first, "2.weight": second})
    return model


def whole(torch: Any, told: dict[str, Any]) -> tuple[Any, Any]:
    """Return all inputs and targets."""
    return torch.tensor(told["inputs"]), torch.tensor(told["targets"])


def share(torch: Any, told: dict[str, Any]) -> tuple[Any, Any]:
    """Return this process's inputs and targets, which no other process gets."""
    count, rank = len(told["ranks"]), told["rank"]
    inputs, targets = (each.chunk(count)[rank] for each in whole(torch, told))
    return inputs, targets


def train(torch: Any, model: Any, batch: tuple[Any, Any], told: dict[str, Any]) -> None:
    """Take the steps told."""
    inputs, targets = batch
    optimizer = torch.optim.SGD(model.parameters(), told["rate"])
    for _ in range(told["steps"]):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()


def found(torch: Any, model: Any, parameters: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Return all weights, how many of them this process keeps, and the outputs for all inputs."""
    with torch.no_grad():
        outputs = model(whole(torch, told)[0])
    if hasattr(model, "reshard"):
        model.reshard()  # a forward pass outside training leaves the outermost module's weights gathered
    parameters = [each.detach() for each in parameters]
    own = [each.to_local() if hasattr(each, "to_local") else each for each in parameters]
    full = [each.full_tensor() if hasattr(each, "full_tensor") else each for each in parameters]
    return {
        "weights": [number for each in full for number in each.T.flatten().tolist()],
        "held": sum(each.numel() for each in own),
        "outputs": outputs.flatten().tolist(),
    }


def worked(told: dict[str, Any]) -> dict[str, Any]:
    """Join the group, train by each route told and alone, and say what came out and what was imported."""
    import torch

    torch.set_num_threads(1)
    group = torch.distributed
    where, count = f"file://{told['folder']}/store", len(told["ranks"])
    group.init_process_group(
        "gloo", init_method=where, rank=told["rank"], world_size=count, timeout=timedelta(seconds=60)
    )
    routes: dict[str, Any] = {}
    for name in told["routes"]:
        routes[name] = ROUTES[name](torch, told)
    return {
        "routes": routes,
        "alone": alone(torch, told, whole(torch, told)),
        "apart": alone(torch, told, share(torch, told)),
        "processes": group.get_world_size(),
        "version": torch.__version__,
    }


def main(told: dict[str, Any]) -> None:
    """Answer once, then wait until the others are done too."""
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # else it looks this machine's name up
    if not told["bare"]:
        import torch  # noqa: F401  a package that is broken here is no answer
    try:
        answer = worked(told)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    with os.fdopen(told["reply"], "w", encoding="utf-8") as reply:
        reply.write(json.dumps({**answer, "files": sorted(files)}) + "\n")
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
