"""Serve models by an arm and say how it answers: served.py ARM MODELS PROTOCOLS BATCHES.

Prints one JSON line a cell: the largest difference from the model itself relative to its largest logit, what
is said to be in force, and the ids of the processes that serve. It is a program of its own, since frameworks
take their threads from the first who asks, and servers end with the process that started them.
"""

import itertools
import json
import os
import sys
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2] / "verifiers"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arm: str, models: str, protocols: str, batches: str) -> None:
    """Answer for every combination."""
    import numpy as np
    import serving_throughput

    from kb.verifier import Cell
    from models import served_models

    cells = itertools.product(models.split(","), protocols.split(","), map(int, batches.split(",")))
    for model, protocol, batch in cells:
        swept = {"model": model, "protocol": protocol, "clients": 3, "batch": batch}
        cell = Cell(arm, swept, threads=2, seed=11)
        step = serving_throughput.serving_throughput(cell)
        found, wanted = step.outputs()["logits"], served_models.answer(cell)
        step.run()
        line = {
            "cell": swept,
            "same_shape": found.shape == wanted.shape,
            "difference": float(np.abs(found - wanted).max() / np.abs(wanted).max()),
            "settings": step.settings(),
            "processes": [child.pid for child in psutil.Process().children(recursive=True)],
        }
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
