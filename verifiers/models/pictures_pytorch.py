"""The training of a picture classifier by a loop in PyTorch."""

import torch
from torch import nn

from models.pictures import EPOCHS, RATE

loss_fn = nn.CrossEntropyLoss()


def train_epoch(model, batches, optimizer):
    model.train()
    total = correct = 0
    for images, labels in batches:
        logits = model(images)
        loss = loss_fn(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
    return total / len(batches.dataset), correct / len(batches.dataset)


@torch.no_grad()
def evaluate(model, batches):
    model.eval()
    total = correct = 0
    for images, labels in batches:
        logits = model(images)
        total += loss_fn(logits, labels).item() * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
    return total / len(batches.dataset), correct / len(batches.dataset)


def train(model, training, validation, test):
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    history = []
    for _ in range(EPOCHS):
        history.append((*train_epoch(model, training, optimizer), *evaluate(model, validation)))
    return history, evaluate(model, test)
