"""Events for TensorBoard, from PyTorch: tensorboard_pytorch.py DATA.npz FOLDER."""

import sys

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter


class Model(torch.nn.Module):
    """Two layers whose names TensorBoard's graph should show."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Linear(4, 3)
        self.decoder = torch.nn.Linear(3, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return two numbers for each row of images (n, 4)."""
        return self.decoder(torch.relu(self.encoder(images)))


def main(data: str, folder: str) -> None:
    """Write what `data` has to event files in `folder`, through PyTorch's own `SummaryWriter`."""
    with np.load(data) as arrays:
        scalars, values = arrays["scalars"], arrays["values"]
    with SummaryWriter(folder) as writer:
        for step, scalar in enumerate(scalars):
            writer.add_scalar("loss", scalar, step)
        writer.add_histogram("weights", values, 0)
        writer.add_graph(Model(), torch.ones(1, 4))


if __name__ == "__main__":
    main(*sys.argv[1:])
