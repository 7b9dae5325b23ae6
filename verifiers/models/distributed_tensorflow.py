"""One process of a TensorFlow group, which trains the tiny regression; it imports TensorFlow alone."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def multiworker(tf: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Train a replica of the whole model on this process's share of each batch, in a loop of our own."""
    addresses = told["addresses"][: len(told["ranks"])]
    cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": told["rank"]}}
    os.environ["TF_CONFIG"] = json.dumps(cluster)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        variables = [tf.Variable(rows) for rows in told["weights"]]

    def replica(inputs: Any, targets: Any) -> None:
        gradients = gradient(tf, variables, inputs, targets)
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        descend(variables, gradients, told)

    step = tf.function(lambda inputs, targets: strategy.run(replica, args=(inputs, targets)))
    train(step, share(tf, told), told)
    return {**found(tf, variables, told), "processes": strategy.num_replicas_in_sync}


def dtensor(tf: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Train on whole batches, with columns of one weight and rows of the other in each process."""
    api, count = tf.experimental.dtensor, len(told["ranks"])
    os.environ["DTENSOR_JOBS"] = ",".join(sorted(told["addresses"][:count]))
    os.environ["DTENSOR_NUM_CLIENTS"], os.environ["DTENSOR_CLIENT_ID"] = str(count), str(told["rank"])
    api.initialize_accelerator_system("CPU", num_logical_cpu_devices=1)
    mesh = api.create_distributed_mesh([("model", count)], device_type="CPU")
    replicated = api.Layout.replicated(mesh, rank=2)
    columns = api.Layout([api.UNSHARDED, "model"], mesh)
    rows = api.Layout(["model", api.UNSHARDED], mesh)

    def everywhere(values: Any) -> Any:
        return api.copy_to_mesh(tf.constant(values), replicated)

    def read(value: Any) -> Any:
        return api.unpack(api.relayout(value, replicated))[0].numpy()

    layouts = zip(told["weights"], (columns, rows), strict=True)
    variables = [api.DVariable(api.relayout(everywhere(values), layout)) for values, layout in layouts]
    train(stepping(tf, variables, told), (everywhere(told["inputs"]), everywhere(told["targets"])), told)
    kept = [api.unpack(variable.read_value()) for variable in variables]
    return {
        "weights": [float(x) for variable in variables for x in read(variable.read_value()).flat],
        "held": sum(int(tf.size(part)) for parts in kept for part in parts),
        "outputs": [float(x) for x in read(outputs(tf, variables, everywhere(told["inputs"]))).flat],
        "processes": api.num_clients(),
    }


def parameter_server(tf: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Train on whole batches, each process serving a part of each weight; the first also computes."""
    count, rank = len(told["ranks"]), told["rank"]
    addresses = told["addresses"][: count + 1]
    cluster = tf.train.ClusterSpec({"ps": addresses[:count], "worker": addresses[count:]})
    told["servers"] = [tf.distribute.Server(cluster, job_name="ps", task_index=rank)]
    if rank > 0:
        return {}
    told["servers"].append(tf.distribute.Server(cluster, job_name="worker", task_index=0))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
    halves = tf.distribute.experimental.partitioners.FixedShardsPartitioner(count)
    strategy = tf.distribute.ParameterServerStrategy(resolver, variable_partitioner=halves)
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    with strategy.scope():
        variables = [tf.Variable(tf.constant(rows)) for rows in told["weights"]]
    # A weight that its strategy left whole has no parts.
    parts = [part for each in variables for part in getattr(each, "variables", [each])]
    inputs, targets = whole(tf, told)

    def replica() -> None:
        descend(parts, gradient(tf, variables, inputs, targets, parts), told)

    step = tf.function(lambda: strategy.run(replica))
    train(lambda *_: coordinator.schedule(step).fetch(), (inputs, targets), told)
    held = [0] * count
    for part in parts:
        place = tf.DeviceSpec.from_string(part.device)
        if place.job == "ps":
            held[place.task] += int(tf.size(part))
    return {**found(tf, variables, told), "held_by_rank": held, "processes": cluster.num_tasks("ps")}


ROUTES = {"multiworker": multiworker, "dtensor": dtensor, "parameter_server": parameter_server}


def alone(tf: Any, told: dict[str, Any], batch: tuple[Any, Any]) -> dict[str, Any]:
    """Train a model that knows of no other process."""
    variables = [tf.Variable(rows) for rows in told["weights"]]
    train(stepping(tf, variables, told), batch, told)
    return found(tf, variables, told)


def whole(tf: Any, told: dict[str, Any]) -> tuple[Any, Any]:
    """Return all inputs and targets."""
    return tf.constant(told["inputs"]), tf.constant(told["targets"])


def share(tf: Any, told: dict[str, Any]) -> tuple[Any, Any]:
    """Return this process's inputs and targets, which no other process gets."""
    count, rank = len(told["ranks"]), told["rank"]
    inputs, targets = (tf.split(each, count)[rank] for each in whole(tf, told))
    return inputs, targets


def outputs(tf: Any, variables: Any, inputs: Any) -> Any:
    """Return what the network computes."""
    first, second = variables
    return tf.matmul(tf.nn.relu(tf.matmul(inputs, first)), second)


def gradient(tf: Any, variables: Any, inputs: Any, targets: Any, parts: Any = None) -> Any:
    """Return the gradients of the mean squared error, of the weights or of their parts."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((outputs(tf, variables, inputs) - targets) ** 2)
    return tape.gradient(loss, parts or variables)


def descend(variables: Any, gradients: Any, told: dict[str, Any]) -> None:
    """Take one step of gradient descent."""
    for variable, each in zip(variables, gradients, strict=True):
        variable.assign_sub(told["rate"] * each)


def stepping(tf: Any, variables: Any, told: dict[str, Any]) -> Callable[..., Any]:
    """Return the compiled step of a model that is in force as it stands."""
    return tf.function(
        lambda inputs, targets: descend(variables, gradient(tf, variables, inputs, targets), told)
    )


def train(step: Callable[..., Any], batch: tuple[Any, Any], told: dict[str, Any]) -> None:
    """Take the steps told."""
    for _ in range(told["steps"]):
        step(*batch)


def found(tf: Any, variables: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Return all weights, how many of them there are, and the outputs for all inputs."""
    weights = [float(x) for variable in variables for x in tf.convert_to_tensor(variable).numpy().flat]
    inputs = tf.constant(told["inputs"])
    return {
        "weights": weights,
        "held": len(weights),
        "outputs": [float(x) for x in outputs(tf, variables, inputs).numpy().flat],
    }


def worked(told: dict[str, Any]) -> dict[str, Any]:
    """Train by the one route told, and alone, and say what came out."""
    import tensorflow as tf

    (route,) = told["routes"]
    together = ROUTES[route](tf, told)
    if not together:
        return {}
    return {
        "routes": {route: together},
        "alone": alone(tf, told, whole(tf, told)),
        "apart": alone(tf, told, share(tf, told)),
        "processes": together["processes"],
        "version": tf.__version__,
    }


def main(told: dict[str, Any]) -> None:
    """Answer once, then wait until the others are done too."""
    if not told["bare"]:
        import tensorflow  # noqa: F401  a package that is broken here is no answer
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
