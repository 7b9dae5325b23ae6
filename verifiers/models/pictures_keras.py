"""The training of a picture classifier by Keras' compile, fit and evaluate."""

import keras

from models.pictures import BATCH, EPOCHS, RATE


def train(model, training, validation, test):
    model.compile(
        optimizer=keras.optimizers.SGD(RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    run = model.fit(*training, batch_size=BATCH, epochs=EPOCHS, validation_data=validation, shuffle=False)
    return run.history, model.evaluate(*test, batch_size=BATCH)
