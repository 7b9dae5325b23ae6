"""TensorFlow's MirroredStrategy: one process, a device for each replica, on it the replica's own images."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from kb.verifier import Array, Cell, Unavailable
from models.pipelines import Batches


def strategy(tf: Any, cell: Cell) -> Any:
    """Return MirroredStrategy over `cell.processes` devices: GPUs, or the CPU as so many logical ones.

    Raises
    ------
    Unavailable
        With fewer GPUs than replicas.
    """
    count = cell.processes
    tf.config.threading.set_inter_op_parallelism_threads(count)  # with one, replicas would take turns
    if cell.device == "cpu":
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
        return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(count)])
    present = tf.config.list_physical_devices("GPU")
    if len(present) < count:
        message = f"needs {count} GPUs, one for each replica; this process may use {len(present)}"
        raise Unavailable(message, "no-hardware")
    tf.config.set_visible_devices(present[:count], "GPU")
    for device in present[:count]:
        tf.config.experimental.set_memory_growth(device, True)
    return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(count)])


def shared(tf: Any, strategy: Any, pixels: Array, labels: Array, size: int) -> Batches:
    """Return batches of which replica k gets its own, cut on its device from the k-th share of the images.

    Parameters
    ----------
    tf : module
        TensorFlow.
    strategy : tf.distribute.Strategy
        The replicas and their devices.
    pixels, labels : numpy.ndarray
        Images (images, height, width, channels) and classes (images,) of all replicas.
    size : int
        Images of one batch of each replica; first and last image are counted within a share.
    """
    devices = strategy.extended.worker_devices
    split = [np.split(each, len(devices)) for each in (pixels, labels)]
    shares = []
    for device, *share in zip(devices, *split, strict=True):
        with tf.device(device):
            shares.append([tf.constant(each) for each in share])

    def cut(span: slice, replica: Any) -> tuple[Any, Any]:
        number = replica.replica_id_in_sync_group
        images, classes = shares[number]
        with tf.device(devices[number]):
            return images[span], classes[span]

    def batches(start: int, stop: int) -> Iterator[tuple[Any, Any]]:
        for first in range(start, stop, size):
            span = slice(first, min(first + size, stop))
            yield strategy.experimental_distribute_values_from_function(partial(cut, span))

    return batches
