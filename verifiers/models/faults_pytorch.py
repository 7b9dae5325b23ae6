"""A user's program, each function with a fault on one line; faults_tensorflow.py has the same."""

from types import SimpleNamespace

import torch

TABLE_ROW = 29
AXIS = "rows"
SHAPE = (17, 2)
SETTINGS = SimpleNamespace(width=2.0)
DENSE = torch.nn.Linear(17, 5)


def matmul_shapes(images, weight):
    scaled = images * 2.0
    hidden = scaled @ weight  # fault
    return torch.relu(hidden)


def matmul_types(images, counts):
    scaled = images * 2.0
    hidden = scaled @ counts  # fault
    return torch.relu(hidden)


def layer_input(images):
    scaled = images * 2.0
    hidden = DENSE(scaled)  # fault
    return torch.relu(hidden)


def broadcast(images, bias):
    scaled = images * 2.0
    hidden = scaled + bias  # fault
    return torch.relu(hidden)


def reshape(images):
    scaled = images * 2.0
    hidden = torch.reshape(scaled, SHAPE)  # fault
    return torch.relu(hidden)


def fixed_index(table):
    scaled = table * 2.0
    row = scaled[TABLE_ROW]  # fault
    return torch.relu(row)


def computed_index(table, rows):
    scaled = table * 2.0
    chosen = scaled[rows]  # fault
    return torch.relu(chosen)


def integer_division(counts, parts):
    doubled = counts * 2
    each = doubled // parts  # fault
    return each + 1


def argument_type(images):
    scaled = images * 2.0
    shares = torch.softmax(scaled, AXIS)  # fault
    return torch.relu(shares)


def missing_attribute(images):
    scaled = images * SETTINGS.width
    deeper = scaled * SETTINGS.depth  # fault
    return torch.relu(deeper)


def none_operand(images):
    scaled = forgets_to_return(images)
    hidden = images + scaled  # fault
    return torch.relu(hidden)


def forgets_to_return(images):
    images * 2.0


def run(fault, inputs):
    tensors = [torch.from_numpy(array) for array in inputs]
    return fault(*tensors)


def run_compiled(fault, inputs):
    # Dynamo alone: it captures the Python and makes the errors; what generates code comes after.
    return run(torch.compile(fault, backend="eager"), inputs)


MODES = {"eager": run, "compile": run_compiled}
