"""Events for TensorBoard, from TensorFlow: tensorboard_tensorflow.py DATA.npz FOLDER."""

import sys

import numpy as np
import tensorflow as tf


def main(data: str, folder: str) -> None:
    """Write what `data` has to event files in `folder`, through TensorFlow's own `tf.summary`."""
    with np.load(data) as arrays:
        scalars, values = arrays["scalars"], arrays["values"]

    @tf.function
    def model(images: tf.Tensor) -> tf.Tensor:
        with tf.name_scope("encoder"):
            hidden = tf.nn.relu(tf.linalg.matmul(images, tf.ones((4, 3))))
        with tf.name_scope("decoder"):
            return tf.linalg.matmul(hidden, tf.ones((3, 2)))

    graph = model.get_concrete_function(tf.TensorSpec((1, 4), tf.float32)).graph
    writer = tf.summary.create_file_writer(folder)
    with writer.as_default():
        for step, scalar in enumerate(scalars):
            tf.summary.scalar("loss", scalar, step=step)
        tf.summary.histogram("weights", values, step=0)
        tf.summary.graph(graph)
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
