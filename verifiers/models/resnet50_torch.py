"""ResNet-50 v1.5 in PyTorch."""

from collections import OrderedDict

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
        self.conv0 = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if block.projects else nn.Identity()
        self.norm0 = _norm(outputs) if block.projects else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's outputs."""
        past = self.norm0(self.conv0(x))
        x = self.relu(self.norm1(self.conv1(x)))
        x = self.relu(self.norm2(self.conv2(x)))
        return self.relu(self.norm3(self.conv3(x)) + past)


class Mean(nn.Module):
    """The mean over height and width."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels)."""
        return x.mean((2, 3))


def resnet50() -> nn.Sequential:
    """Return the network over (batch, 3, 224, 224)."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            norm1=_norm(64),
            relu=nn.ReLU(inplace=True),
            pool=nn.MaxPool2d(3, stride=2, padding=1),
            **{block.name: Bottleneck(block) for block in BLOCKS},
            mean=Mean(),
            dense=nn.Linear(2048, CLASSES),
        )
    )
