"""What two ways of writing a training share: data, network, loss and metric; one blob of points a class.

The batches come in one order in every epoch: a shuffling loader draws from its random numbers as often as
somebody makes an iterator of it, which would make two trainings differ in their data.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

CLASSES, FEATURES = 4, 8
TRAINING, VALIDATION, BATCH = 256, 64, 32
EPOCHS, RATE = 6, 2.0

loss_of = cross_entropy


def loaders() -> tuple[DataLoader, DataLoader]:
    """Return the batches of points (32, 8), float32, and labels for training, and those for validation."""
    random = torch.Generator().manual_seed(0)
    labels = torch.randint(0, CLASSES, (TRAINING + VALIDATION,), generator=random)
    centres = torch.randn(CLASSES, FEATURES, generator=random)
    points = centres[labels] + torch.randn(len(labels), FEATURES, generator=random)
    training = TensorDataset(points[:TRAINING], labels[:TRAINING])
    validation = TensorDataset(points[TRAINING:], labels[TRAINING:])
    return DataLoader(training, BATCH), DataLoader(validation, BATCH)


def network() -> nn.Module:
    """Return the network with the seed's weights; its batch norm tells training from validation."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, CLASSES))


def accuracy_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the share of right answers."""
    return (logits.argmax(1) == labels).float().mean()
