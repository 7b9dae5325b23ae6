"""A training written in PyTorch alone: blobs_pytorch.py FOLDER, which gets metrics.csv and best.pt."""

import csv
import sys
from pathlib import Path

import torch

from models.blobs import EPOCHS, RATE, accuracy_of, loaders, loss_of, network

folder = Path(sys.argv[1])
device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
training, validation = loaders()
model = network().to(device)
optimizer = torch.optim.SGD(model.parameters(), RATE)
best = float("inf")
with (folder / "metrics.csv").open("w", newline="") as file:
    log = csv.DictWriter(file, ["train_loss", "val_loss", "val_accuracy"])
    log.writeheader()
    for epoch in range(EPOCHS):
        model.train()
        for points, labels in training:
            points, labels = points.to(device), labels.to(device)
            loss = loss_of(model(points), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            log.writerow({"train_loss": loss.item()})
        model.eval()
        val_loss = val_accuracy = 0.0
        with torch.no_grad():
            for points, labels in validation:
                points, labels = points.to(device), labels.to(device)
                logits = model(points)
                val_loss += loss_of(logits, labels).item() / len(validation)
                val_accuracy += accuracy_of(logits, labels).item() / len(validation)
        log.writerow({"val_loss": val_loss, "val_accuracy": val_accuracy})
        print(f"epoch {epoch}: val_loss {val_loss:.4f}, val_accuracy {val_accuracy:.2f}")  # noqa: T201
        if val_loss < best:
            best = val_loss
            torch.save(model.state_dict(), folder / "best.pt")
