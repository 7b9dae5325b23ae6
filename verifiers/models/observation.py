"""What is in force for one arm, read off its weights, images and functions; `in_force` has what all share.

Where tensors differ among themselves in device, number type or layout, all that was found is named, joined by
a plus sign.
"""

from collections.abc import Iterable
from typing import Any

from models.places import named


def pytorch(tensors: Iterable[Any]) -> dict[str, str]:
    """Return what PyTorch's tensors say; layout is that of images and of convolution kernels alike."""
    import torch

    found = list(tensors)
    formats = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}
    layouts = [
        {name for name, order in formats.items() if tensor.is_contiguous(memory_format=order)} or {"strided"}
        for tensor in found
        if tensor.ndim == 4
    ]
    # A 1x1 kernel, or an image of one channel, is contiguous in either order and decides nothing.
    decided = [names for names in layouts if len(names) == 1]
    return {
        "device": _said(named("pytorch", tensor.device.type) for tensor in found),
        "dtype": _said(str(tensor.dtype).removeprefix("torch.") for tensor in found),
        "layout": _said(name for names in decided for name in names),
    }


def tensorflow(model: Any, *images: Any) -> dict[str, str]:
    """Return what a Keras model's weights and TensorFlow's tensors say; layout is Keras's setting."""
    from tensorflow import DeviceSpec

    # What is a property in Keras 3 is a method in Keras 2.
    values = (each.value() if callable(each.value) else each.value for each in model.variables)
    found = [*images, *values]
    kinds = {DeviceSpec.from_string(tensor.device).device_type for tensor in found}
    return {
        "device": _said(named("tensorflow", kind) for kind in kinds),
        "dtype": _said(tensor.dtype.name for tensor in found),
    }


def is_xla(function: Any, *inputs: Any) -> bool:
    """Tell whether the graph that a `tf.function` runs for inputs as these must be compiled by XLA."""
    graph = function.get_concrete_function(*inputs)
    return bool(graph.function_def.attr["_XlaMustCompile"].b)


def jax(arrays: Iterable[Any]) -> dict[str, str]:
    """Return what JAX's arrays say; their layout is what the architecture's functions take."""
    found = list(arrays)
    kinds = {device.platform for array in found for device in array.devices()}
    return {
        "device": _said(named("jax", kind) for kind in kinds),
        "dtype": _said(str(array.dtype) for array in found),
    }


def _said(words: Iterable[str]) -> str:
    return "+".join(sorted(set(words)))
