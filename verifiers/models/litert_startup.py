"""From a fresh process to a model's first output: litert_startup.py RUNTIME MODEL IMAGES.npy.

Prints the time of day at the first output, seconds, and the process's peak of memory, bytes.
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np


def litert(path: str, images: np.ndarray) -> None:
    """Answer with LiteRT's interpreter, as a program does that has nothing else."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    interpreter.set_tensor(given["index"], images.astype(given["dtype"]))
    interpreter.invoke()
    interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def tensorflow(path: str, images: np.ndarray) -> None:
    """Answer with TensorFlow, from its SavedModel."""
    import tensorflow as tf

    loaded = tf.saved_model.load(path)  # its variables live as long as it does
    loaded.serve(tf.constant(images)).numpy()


def peak() -> int:
    """Return this process's peak of resident memory in bytes.

    On Linux from /proc: getrusage there goes on counting what the parent had before the program was loaded.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    {"litert": litert, "tensorflow": tensorflow}[sys.argv[1]](sys.argv[2], np.load(sys.argv[3]))
    sys.stdout.write(f"\n{time.time()} {peak()}\n")
