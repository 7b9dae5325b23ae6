"""Gradient accumulation by Keras' own optimiser, eager: its loop where nothing is written out."""

import keras
import tensorflow as tf

from models.loops import RATE

cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def accumulation(model, groups):
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=len(groups[0]))
    losses = []
    for group in groups:
        for inputs, labels in group:
            with tf.GradientTape() as tape:
                loss = cross_entropy(labels, model(inputs))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            losses.append(float(loss) / len(group))
    return losses
