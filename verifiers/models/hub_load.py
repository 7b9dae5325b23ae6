"""Loads a local SavedModel through TensorFlow Hub and writes down what came out: hub_load.py OUT.json.

What Hub raises is written down; what fails outside it ends the script.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ERROR_LENGTH = 300


def main(path: str) -> None:
    """Export a small Keras model, load it by `hub.load`, and try `hub.KerasLayer` in Keras 3 and Keras 2."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3)])
    inputs = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        outcome = {
            "hub_version": version("tensorflow-hub"),
            "tensorflow_version": tf.__version__,
            "keras_version": keras.__version__,
            "tf_keras_version": version("tf-keras"),
            "expected": keras.ops.convert_to_numpy(model(inputs)).tolist(),
            "loaded": _outputs(_loaded, folder, inputs),
            "keras_layer": {
                "Keras 3": _outputs(_layer, folder, inputs, "keras"),
                "Keras 2": _outputs(_layer, folder, inputs, "tf_keras"),
            },
        }
    Path(path).write_text(json.dumps(outcome), encoding="utf-8")


def _outputs(way: Callable[..., Any], *given: Any) -> list[list[float]] | str:
    """Return the outputs that come this way, or the error that was raised on it."""
    try:
        outputs: list[list[float]] = np.asarray(way(*given)).tolist()
    except (MemoryError, OSError):
        raise  # the machine's fault, or a folder's
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    return outputs


def _loaded(folder: str, inputs: Any) -> Any:
    import tensorflow_hub as hub

    model = hub.load(folder)  # bound to a name: the function alone does not keep its variables
    return model.serve(inputs)


def _layer(folder: str, inputs: Any, keras_package: str) -> Any:
    import tensorflow_hub as hub

    keras = import_module(keras_package)
    layer = hub.KerasLayer(folder, signature="serving_default", output_key="output_0")
    return keras.Sequential([keras.layers.InputLayer((4,)), layer])(inputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
