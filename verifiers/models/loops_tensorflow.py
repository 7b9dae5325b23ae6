"""Three custom training loops in TensorFlow, eager."""

import keras
import tensorflow as tf

from models.loops import PENALTY, RATE

cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
bce = keras.losses.BinaryCrossentropy(from_logits=True)


def accumulation(model, groups):
    optimizer = keras.optimizers.SGD(RATE)
    losses = []
    for group in groups:
        sums = [tf.zeros_like(weight) for weight in model.trainable_variables]
        for inputs, labels in group:
            with tf.GradientTape() as tape:
                loss = cross_entropy(labels, model(inputs)) / len(group)
            gradients = tape.gradient(loss, model.trainable_variables)
            sums = [one + other for one, other in zip(sums, gradients)]  # noqa: B905
            losses.append(float(loss))
        optimizer.apply(sums, model.trainable_variables)
    return losses


def gan(generator, discriminator, batches):
    generator_optimizer = keras.optimizers.SGD(RATE)
    discriminator_optimizer = keras.optimizers.SGD(RATE)
    losses = []
    for real, noise in batches:
        fake = generator(noise)
        with tf.GradientTape() as tape:
            real_scores, fake_scores = discriminator(real), discriminator(fake)
            real_loss = bce(tf.ones_like(real_scores), real_scores)
            discriminator_loss = real_loss + bce(tf.zeros_like(fake_scores), fake_scores)
        discriminator_optimizer.apply(
            tape.gradient(discriminator_loss, discriminator.trainable_variables),
            discriminator.trainable_variables,
        )
        with tf.GradientTape() as tape:
            scores = discriminator(generator(noise))
            generator_loss = bce(tf.ones_like(scores), scores)
        generator_optimizer.apply(
            tape.gradient(generator_loss, generator.trainable_variables), generator.trainable_variables
        )
        losses += [float(discriminator_loss), float(generator_loss)]
    return losses


def gradient_penalty(critic, batches):
    optimizer = keras.optimizers.SGD(RATE)
    losses = []
    for real, fake, mix in batches:
        with tf.GradientTape() as tape:
            between = mix * real + (1 - mix) * fake
            with tf.GradientTape() as inner:
                inner.watch(between)
                scores = critic(between)
            penalty = tf.reduce_mean((tf.norm(inner.gradient(scores, between), axis=1) - 1) ** 2)
            loss = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real)) + PENALTY * penalty
        optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)
        losses.append(float(loss))
    return losses
