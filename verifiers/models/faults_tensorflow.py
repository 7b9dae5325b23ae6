"""A user's program, each function with a fault on one line; faults_pytorch.py has the same."""

from types import SimpleNamespace

import keras
import tensorflow as tf

TABLE_ROW = 29
AXIS = "rows"
SHAPE = (17, 2)
SETTINGS = SimpleNamespace(width=2.0)
DENSE = keras.layers.Dense(5)
DENSE.build((None, 17))


def matmul_shapes(images, weight):
    scaled = images * 2.0
    hidden = scaled @ weight  # fault
    return tf.nn.relu(hidden)


def matmul_types(images, counts):
    scaled = images * 2.0
    hidden = scaled @ counts  # fault
    return tf.nn.relu(hidden)


def layer_input(images):
    scaled = images * 2.0
    hidden = DENSE(scaled)  # fault
    return tf.nn.relu(hidden)


def broadcast(images, bias):
    scaled = images * 2.0
    hidden = scaled + bias  # fault
    return tf.nn.relu(hidden)


def reshape(images):
    scaled = images * 2.0
    hidden = tf.reshape(scaled, SHAPE)  # fault
    return tf.nn.relu(hidden)


def fixed_index(table):
    scaled = table * 2.0
    row = scaled[TABLE_ROW]  # fault
    return tf.nn.relu(row)


def computed_index(table, rows):
    scaled = table * 2.0
    chosen = tf.gather(scaled, rows)  # fault
    return tf.nn.relu(chosen)


def integer_division(counts, parts):
    doubled = counts * 2
    each = doubled // parts  # fault
    return each + 1


def argument_type(images):
    scaled = images * 2.0
    shares = tf.nn.softmax(scaled, AXIS)  # fault
    return tf.nn.relu(shares)


def missing_attribute(images):
    scaled = images * SETTINGS.width
    deeper = scaled * SETTINGS.depth  # fault
    return tf.nn.relu(deeper)


def none_operand(images):
    scaled = forgets_to_return(images)
    hidden = images + scaled  # fault
    return tf.nn.relu(hidden)


def forgets_to_return(images):
    images * 2.0


def run(fault, inputs):
    tensors = [tf.constant(array) for array in inputs]
    return fault(*tensors)


def run_function(fault, inputs):
    return run(tf.function(fault), inputs)


def run_fit(fault, inputs):
    class Model(keras.Model):
        def train_step(self, batch):
            return {"loss": tf.reduce_sum(tf.cast(fault(*batch), tf.float32))}

    model = Model()
    model.compile()
    return model.fit(tf.data.Dataset.from_tensors(tuple(inputs)), verbose=0)


MODES = {"eager": run, "function": run_function, "fit": run_fit}
