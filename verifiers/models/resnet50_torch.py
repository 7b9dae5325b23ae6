"""ResNet-50 v1.5 in PyTorch."""

import torch
from torch import Tensor, nn

from models.resnet50 import BLOCKS, CLASSES, EPSILON, MOMENTUM, Block


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=1 - MOMENTUM)


class Bottleneck(nn.Module):
    """One bottleneck block over (batch, channels, height, width)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        _, inputs, width, outputs, stride, _ = block
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.norm1 = _norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = _norm(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.norm3 = _norm(outputs)
        self.projects = block.projects
        if self.projects:
            self.conv0 = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.norm0 = _norm(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's outputs."""
        past = self.norm0(self.conv0(x)) if self.projects else x
        x = self.relu(self.norm1(self.conv1(x)))
        x = self.relu(self.norm2(self.conv2(x)))
        return self.relu(self.norm3(self.conv3(x)) + past)


class ResNet50(nn.Module):
    """The network over (batch, 3, 224, 224)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.norm1 = _norm(64)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        for block in BLOCKS:
            self.add_module(block.name, Bottleneck(block))
        self.dense = nn.Linear(2048, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (batch, 1000)."""
        x = self.pool(self.relu(self.norm1(self.conv1(x))))
        for block in BLOCKS:
            x = getattr(self, block.name)(x)
        return self.dense(torch.mean(x, dim=(2, 3)))
