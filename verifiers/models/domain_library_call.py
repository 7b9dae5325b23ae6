"""Calls a library beside TensorFlow: domain_library_call.py LIBRARY OUT.json [--without-tf-keras].

Writes down what came out, what is right, and whether the library brought Keras 2 (tf-keras) with it.
"""

import json
import math
import sys
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import numpy as np

Outcome = tuple[list[Any], list[Any]]


def tf_image() -> Outcome:
    """Shrink four pixels to one: their mean, by bilinear interpolation."""
    import tensorflow as tf

    pixels = np.array([0.0, 1.0, 2.0, 3.0], np.float32).reshape(1, 2, 2, 1)
    return tf.image.resize(pixels, (1, 1)).numpy().ravel().tolist(), [1.5]


def tensorflow_text() -> Outcome:
    """Split a sentence at white space."""
    import tensorflow_text as text

    tokens = text.WhitespaceTokenizer().tokenize(["the cat  sat"]).to_list()
    return [token.decode() for token in tokens[0]], ["the", "cat", "sat"]


def tensorflow_probability() -> Outcome:
    """Take the log density of a normal distribution one standard deviation from its mean."""
    import tensorflow_probability as tfp

    density = tfp.distributions.Normal(loc=1.0, scale=2.0).log_prob(3.0)
    return [float(density)], [-0.5 - math.log(2.0 * math.sqrt(2.0 * math.pi))]


def keras_cv() -> Outcome:
    """Take the intersection over union of two squares of side 2 that share one of side 1."""
    import keras_cv

    one, other = np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 1, 3, 3]], np.float32)
    overlap = keras_cv.bounding_box.compute_iou(one, other, bounding_box_format="xyxy")
    return np.asarray(overlap).ravel().tolist(), [1.0 / 7.0]


def keras_hub() -> Outcome:
    """Run a small BERT backbone, whose last step normalises each token to mean 0 and deviation 1."""
    import keras_hub

    model = keras_hub.models.BertBackbone(
        vocabulary_size=10,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=6,
    )
    ids = np.arange(6).reshape(1, 6)
    tokens = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": np.ones_like(ids)}
    hidden = np.asarray(model(tokens)["sequence_output"])
    means, deviations = hidden.mean(-1).ravel().tolist(), hidden.std(-1).ravel().tolist()
    return [*means, *deviations], [0.0] * 6 + [1.0] * 6


LIBRARIES = {
    "tf.image": ("tensorflow", tf_image),
    "TensorFlow Text": ("tensorflow-text", tensorflow_text),
    "TensorFlow Probability": ("tensorflow-probability", tensorflow_probability),
    "KerasCV": ("keras-cv", keras_cv),
    "KerasHub": ("keras-hub", keras_hub),
}


def main(library: str, path: str, *options: str) -> None:
    """Call the library and write the outcome to `path`."""
    if "--without-tf-keras" in options:
        sys.modules["tf_keras"] = None  # type: ignore[assignment]
    package, call = LIBRARIES[library]
    import keras
    import tensorflow as tf

    found, expected = call()
    asks = [each for each in requires(package) or [] if "tensorflow" in each or "keras" in each]
    outcome = {
        "found": found,
        "expected": expected,
        "version": version(package),
        "asks_for": [each for each in asks if "datasets" not in each and "tests" not in each],
        "brought_tf_keras": bool(sys.modules.get("tf_keras")),
        "tensorflow_version": tf.__version__,
        "keras_version": keras.__version__,
    }
    Path(path).write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
