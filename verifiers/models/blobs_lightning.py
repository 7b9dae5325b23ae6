"""The same training with Lightning: blobs_lightning.py FOLDER, which gets metrics.csv and best.ckpt."""

import sys

import lightning as L  # noqa: N812
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from models.blobs import EPOCHS, RATE, accuracy_of, loaders, loss_of, network


class Classifier(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = network()

    def training_step(self, batch, batch_idx):
        points, labels = batch
        loss = loss_of(self.model(points), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        points, labels = batch
        logits = self.model(points)
        self.log("val_loss", loss_of(logits, labels), prog_bar=True)
        self.log("val_accuracy", accuracy_of(logits, labels), prog_bar=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), RATE)


trainer = L.Trainer(
    max_epochs=EPOCHS,
    log_every_n_steps=1,
    logger=CSVLogger(sys.argv[1], name="", version=""),
    callbacks=ModelCheckpoint(sys.argv[1], "best", monitor="val_loss"),
)
trainer.fit(Classifier(), *loaders())
