"""The TensorFlow execution probe, on the real library and on one that was changed beforehand."""

import pytest
from probe import observe


def test_tensorflow_as_installed_runs_python_each_call_and_builds_a_graph_only_under_function() -> None:
    found = observe("tensorflow_execution")
    assert found["executing_eagerly"] is True
    assert found["value_at_once"] is True
    assert found["python_runs_per_call"] == 3
    assert found["python_runs_under_function"] == 1
    assert found["graph_needs_opt_in"] is True
    # The argument, the product, the constant, the sum, and the identity on what is returned.
    assert found["graph_operations"] == 5
    assert found["tensorflow_version"].startswith("2.")


def test_without_eager_execution_no_value_is_there_and_a_graph_needs_no_opt_in() -> None:
    found = observe("tensorflow_execution", "import tensorflow as tf; tf.compat.v1.disable_eager_execution()")
    assert found["executing_eagerly"] is False
    assert found["value_at_once"] is False
    assert found["graph_needs_opt_in"] is False


def test_a_function_that_is_told_to_run_eagerly_runs_its_python_on_every_call() -> None:
    found = observe("tensorflow_execution", "import tensorflow as tf; tf.config.run_functions_eagerly(True)")
    assert found["executing_eagerly"] is True
    assert found["python_runs_under_function"] == 3
    assert found["graph_needs_opt_in"] is False


def test_without_tensorflow_the_probe_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match=r"Unavailable: needs tensorflow; install it with: pip install"):
        observe("tensorflow_execution", "import sys; sys.modules['tensorflow'] = None")
