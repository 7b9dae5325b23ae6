"""Runs one training of the picture classifier: pictures_run.py keras|pytorch OUT.json."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from models import pictures

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def with_keras() -> dict[str, Any]:
    """Return the losses and accuracies of Keras' training."""
    from models.pictures_keras import train
    from models.pictures_keras_model import network

    model = network()
    model.set_weights(pictures.weights([weight.shape for weight in model.get_weights()]))
    curves, test = train(model, *pictures.splits(channels_last=True).values())
    return {
        "epochs": [list(row) for row in zip(*(curves[name] for name in CURVES), strict=True)],
        "test": test,
    }


def with_pytorch() -> dict[str, Any]:
    """Return the losses and accuracies of PyTorch's training, from Keras' weights."""
    import torch

    from models.pictures_pytorch import train
    from models.pictures_pytorch_model import loader, network

    model = network()
    shapes = [tuple(np.transpose(tensor.numpy()).shape) for tensor in model.state_dict().values()]
    # A convolution is (h, w, in, out) in Keras; PyTorch's reversed shape has w before h, and both are 3.
    first = dict(zip(model.state_dict(), map(_as_torch, pictures.weights(shapes)), strict=True))
    model.load_state_dict({name: torch.tensor(array, dtype=torch.float32) for name, array in first.items()})
    curves, test = train(model, *map(loader, pictures.splits(channels_last=False).values()))
    return {"epochs": [list(row) for row in curves], "test": list(test)}


def _as_torch(weight: np.ndarray) -> np.ndarray:
    """Return a kernel (h, w, in, out) or matrix (in, out) of Keras in PyTorch's order."""
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)
    if (
        weight.ndim == 2
    ):  # Keras flattens a picture (3, 3, 16) with channels last, PyTorch with channels first
        return weight.reshape(3, 3, 16, -1).transpose(3, 2, 0, 1).reshape(weight.shape[1], -1)
    return weight


if __name__ == "__main__":
    result = {"keras": with_keras, "pytorch": with_pytorch}[sys.argv[1]]()
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")
