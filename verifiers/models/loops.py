"""Data, networks and first weights of three custom training loops: loops.py LOOPS OUT.json.

LOOPS is one of the modules beside this one; each of its functions takes networks and data of its framework.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

STEPS, ACCUMULATED, BATCH, FEATURES, HIDDEN, CLASSES, NOISE = 4, 3, 8, 6, 16, 4, 5
RATE, PENALTY = 0.1, 10.0
NETWORKS = {
    "accumulation": [(FEATURES, CLASSES)],
    "gan": [(NOISE, FEATURES), (FEATURES, 1)],
    "gradient_penalty": [(FEATURES, 1)],
}
"""Inputs and outputs of each loop's networks, which have one hidden layer."""


def data(loop: str) -> list[Any]:
    """Return what a loop goes through: nested lists of float32 arrays (8, n), and int64 labels (8,)."""
    random = np.random.default_rng(0)

    def normal(width: int) -> np.ndarray:
        return random.normal(size=(BATCH, width)).astype(np.float32)

    def labelled() -> list[np.ndarray]:
        return [normal(FEATURES), random.integers(0, CLASSES, BATCH)]

    def mixed() -> list[np.ndarray]:
        return [normal(FEATURES) + 1, normal(FEATURES), random.random((BATCH, 1)).astype(np.float32)]

    batches = {
        "accumulation": lambda: [labelled() for _ in range(ACCUMULATED)],
        "gan": lambda: [normal(FEATURES) + 1, normal(NOISE)],
        "gradient_penalty": mixed,
    }
    return [batches[loop]() for _ in range(STEPS)]


def weights(ends: tuple[int, int]) -> list[np.ndarray]:
    """Return first weights of one network: matrices (inputs, outputs) and biases, layer by layer."""
    random = np.random.default_rng(sum(ends))
    shapes = [(ends[0], HIDDEN), (HIDDEN,), (HIDDEN, ends[1]), (ends[1],)]
    return [random.normal(0.0, 0.5, shape).astype(np.float32) for shape in shapes]


class PyTorch:
    """Networks and data in PyTorch."""

    def __init__(self) -> None:
        import torch

        self.torch = torch

    def network(self, ends: tuple[int, int]) -> Any:
        nn = self.torch.nn
        model = nn.Sequential(nn.Linear(ends[0], HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, ends[1]))
        with self.torch.no_grad():
            for parameter, array in zip(model.parameters(), weights(ends), strict=True):
                parameter.copy_(self.torch.from_numpy(array.T))
        return model

    def tensor(self, array: np.ndarray) -> Any:
        return self.torch.from_numpy(array)

    def weights_of(self, model: Any) -> list[np.ndarray]:
        return [parameter.detach().numpy().T for parameter in model.parameters()]


class TensorFlow:
    """Networks and data in TensorFlow."""

    def __init__(self) -> None:
        import keras
        import tensorflow as tf

        self.keras, self.tf = keras, tf

    def network(self, ends: tuple[int, int]) -> Any:
        dense = self.keras.layers.Dense
        model = self.keras.Sequential(
            [self.keras.Input((ends[0],)), dense(HIDDEN, activation="tanh"), dense(ends[1])]
        )
        model.set_weights(weights(ends))
        return model

    def tensor(self, array: np.ndarray) -> Any:
        return self.tf.constant(array)

    def weights_of(self, model: Any) -> list[np.ndarray]:
        return list(model.get_weights())


def main(name: str, path: str) -> None:
    """Run the loops of a module and write each one's losses and last weights, layers one after another."""
    module = importlib.import_module(f"models.{name}")
    framework = PyTorch() if name == "loops_pytorch" else TensorFlow()

    def tensors(nested: Any) -> Any:
        return [tensors(each) for each in nested] if isinstance(nested, list) else framework.tensor(nested)

    results = {}
    for loop in (each for each in NETWORKS if hasattr(module, each)):
        networks = [framework.network(ends) for ends in NETWORKS[loop]]
        losses = getattr(module, loop)(*networks, tensors(data(loop)))
        last = np.concatenate([array.ravel() for model in networks for array in framework.weights_of(model)])
        results[loop] = {"losses": losses, "weights": last.tolist()}
    Path(path).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
