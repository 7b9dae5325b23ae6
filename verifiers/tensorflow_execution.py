# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "tensorflow"]
# ///
"""Whether TensorFlow runs operations at once, and where a graph comes into being."""

from typing import Any

from kb.verifier import Unavailable, probes

CALLS = 3


@probes(
    fields=(
        "executing_eagerly",
        "value_at_once",
        "python_runs_per_call",
        "python_runs_under_function",
        "graph_needs_opt_in",
        "graph_operations",
        "tensorflow_version",
    )
)
def tensorflow_execution() -> dict[str, Any]:
    """Call one Python function on tensors, plainly and under `tf.function`, and observe both.

    Returns
    -------
    dict
        `executing_eagerly` is what TensorFlow says before anything else was asked of it; `value_at_once` is
        true where a sum's number can be read directly after it. `python_runs_per_call` and
        `python_runs_under_function` are how often the function's Python body ran in three calls, plain and
        wrapped. `graph_needs_opt_in` is true where no plain call and every wrapped trace handled symbolic
        tensors. `graph_operations` counts the operations in the traced graph.

    Raises
    ------
    Unavailable
        Where TensorFlow is not installed.
    """
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        message = "needs tensorflow; install it with: pip install tensorflow==2.21.0"
        raise Unavailable(message) from error
    eager = tf.executing_eagerly()
    symbolic: list[bool] = []

    def square_plus_one(value: Any) -> Any:
        square = value * value
        symbolic.append(bool(tf.is_symbolic_tensor(square)))
        return square + 1.0

    for number in range(CALLS):
        square_plus_one(tf.constant(float(number)))
    plain = list(symbolic)
    symbolic.clear()
    traced = tf.function(square_plus_one)
    for number in range(CALLS):
        traced(tf.constant(float(number)))
    wrapped = list(symbolic)
    graph = traced.get_concrete_function(tf.TensorSpec((), tf.float32)).graph
    return {
        "executing_eagerly": bool(eager),
        "value_at_once": _number(tf.constant(2.0) + tf.constant(3.0)) == 5.0,
        "python_runs_per_call": len(plain),
        "python_runs_under_function": len(wrapped),
        "graph_needs_opt_in": not any(plain) and all(wrapped),
        "graph_operations": len(graph.get_operations()),
        "tensorflow_version": tf.__version__,
    }


def _number(tensor: Any) -> float | None:
    try:
        return float(tensor.numpy())
    except (AttributeError, NotImplementedError):  # what a symbolic tensor raises, depending on the release
        return None
