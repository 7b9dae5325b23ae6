"""Between the layout common to all frameworks and each framework's own.

Common: convolution kernels (height, width, in, out), depthwise ones (height, width, 1, channels), dense
kernels (in, out), inputs of a dense layer after flattening in the order height, width, channel; names
`<layer>/<kind>`, of a layer inside a layer `<layer>.<inner>/<kind>`. A layer bears one name everywhere. Keras
keeps its weights so already, but for depthwise kernels (height, width, channels, 1) and attention, whose
kernels have heads apart. PyTorch has (out, in, height, width), (out, in), and flattens channel, height,
width, so a module that flattens says by `flattened = {layer: (height, width, channels)}` where.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kb.verifier import Array

_WEIGHTED = {"kernel": "weight", "bias": "bias"}
_SCALED = {"gamma": "weight", "beta": "bias"}
_TORCH = {
    "Conv2d": _WEIGHTED,
    "Linear": _WEIGHTED,
    "BatchNorm2d": {**_SCALED, "mean": "running_mean", "variance": "running_var"},
    "LayerNorm": _SCALED,
    "Position": {"embedding": "embedding"},
}
_KERAS = {"moving_mean": "mean", "moving_variance": "variance"}


def torch_tensors(model: Any) -> dict[str, Any]:
    """Return a module's parameters and moving statistics by their common names."""
    return {
        f"{path}/{kind}": getattr(module, own)
        for path, module in model.named_modules()
        for kind, own in _TORCH.get(type(module).__name__, {}).items()
        if getattr(module, own) is not None
    }


def keras_variables(model: Any) -> dict[str, Any]:
    """Return a Keras model's parameters and moving statistics by their common names."""
    return {_common_name(layer, variable): variable for layer in model.layers for variable in layer.weights}


def _common_name(layer: Any, variable: Any) -> str:
    """Return `<layer>/<kind>`, or `<layer>.<inner>/<kind>` of what a layer inside the layer holds."""
    path = getattr(variable, "path", None) or variable.name.partition(":")[0]  # Keras 3, or 2
    *_, inside = path.rpartition(f"{layer.name}/")
    *inner, kind = inside.split("/")
    return ".".join([layer.name, *inner]) + f"/{_KERAS.get(kind, kind)}"


def load_torch(model: Any, weights: Mapping[str, Array]) -> None:
    """Copy common weights into a module.

    Raises
    ------
    ValueError
        Where names or shapes differ from the module's.
    """
    import torch

    tensors = torch_tensors(model)
    _refuse_difference(set(tensors), set(weights))
    with torch.no_grad():
        for name, tensor in tensors.items():
            own = _to_torch(name, weights[name], _flattened(model, name))
            _refuse_difference({tuple(tensor.shape)}, {own.shape}, name)
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(own)))


def load_keras(model: Any, weights: Mapping[str, Array]) -> None:
    """Copy common weights into a Keras model.

    Raises
    ------
    ValueError
        Where names or shapes differ from the model's.
    """
    variables = keras_variables(model)
    _refuse_difference(set(variables), set(weights))
    for name, variable in variables.items():
        own = _to_keras(weights[name], variable.shape)
        _refuse_difference({tuple(variable.shape)}, {own.shape}, name)
        variable.assign(own)


def from_keras(name: str, value: Array, architecture: Any) -> Array:
    """Return a Keras weight, or its gradient, in the common layout.

    Parameters
    ----------
    name : str
        Its common name.
    value : numpy.ndarray
        In Keras's layout.
    architecture : Architecture
        Knows the common shape.
    """
    return value.reshape(architecture.SHAPES[name])


def from_torch(model: Any, values: Mapping[str, Any]) -> dict[str, Array]:
    """Return tensors named as the module's weights (weights, or their gradients) in the common layout."""
    return {
        name: _from_torch(name, value.detach().cpu().numpy(), _flattened(model, name))
        for name, value in values.items()
    }


def _flattened(model: Any, name: str) -> tuple[int, int, int] | None:
    return getattr(model, "flattened", {}).get(name.rpartition("/")[0])


def _to_keras(value: Array, shape: tuple[int, ...]) -> Array:
    """Part the heads of an attention, or the channels of a depthwise kernel; all else stays as it is.

    Both keep the order of the elements: heads lie side by side, and the axis that moves has length 1.
    """
    parted = len(shape) == value.ndim + 1
    depthwise = value.ndim == 4 and value.shape[2:] == (1, shape[2])
    return value.reshape(shape) if parted or depthwise else value


def _to_torch(name: str, value: Array, flattened: tuple[int, int, int] | None) -> Array:
    if not name.endswith("/kernel"):
        return value
    if value.ndim == 2 and flattened:
        return value.reshape(*flattened, -1).transpose(3, 2, 0, 1).reshape(value.shape[1], -1)
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T


def _from_torch(name: str, value: Array, flattened: tuple[int, int, int] | None) -> Array:
    if not name.endswith("/kernel"):
        return value
    if value.ndim == 2 and flattened:
        height, width, channels = flattened
        return value.reshape(-1, channels, height, width).transpose(2, 3, 1, 0).reshape(-1, value.shape[0])
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _refuse_difference(model: set[Any], given: set[Any], of: str = "weights") -> None:
    if model != given:
        message = f"{of}: the model has {sorted(model - given)}, given were {sorted(given - model)} instead"
        raise ValueError(message)
