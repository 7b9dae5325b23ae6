"""The picture classifier in PyTorch, and its batches."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from models.pictures import BATCH, CLASSES, Split


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 3 * 3, CLASSES),
    )


def loader(split: Split) -> DataLoader:
    return DataLoader(TensorDataset(*map(torch.from_numpy, split)), BATCH)
