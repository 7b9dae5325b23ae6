"""The small Transformer encoder in PyTorch, its attention by `scaled_dot_product_attention`."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from models.transformer import BLOCKS, CLASSES, EPSILON, HEADS, HIDDEN, PATCH, TOKENS, WIDTH


class Attention(nn.Module):
    """Self-attention over (batch, tokens, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.attention_output = nn.Linear(WIDTH, WIDTH)
        self.heads = HEADS

    def forward(self, x: Tensor) -> Tensor:
        """Return what each token takes from all."""
        query = self.query(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key = self.key(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        value = self.value(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        taken = scaled_dot_product_attention(query, key, value)
        return self.attention_output(taken.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then two dense layers, each added to what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, EPSILON)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH, EPSILON)
        self.dense1 = nn.Linear(WIDTH, HIDDEN)
        self.dense2 = nn.Linear(HIDDEN, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens after this block."""
        x = x + self.attention(self.norm1(x))
        return x + self.dense2(gelu(self.dense1(self.norm2(x))))


class Position(nn.Module):
    """Makes patches a row of tokens, and adds to each what is learnt of its position."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(TOKENS, WIDTH))

    def forward(self, patches: Tensor) -> Tensor:
        """Return the tokens with their positions added."""
        return patches.flatten(2).transpose(1, 2) + self.embedding


class Mean(nn.Module):
    """The mean over the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, width)."""
        return x.mean(1)


def transformer() -> nn.Sequential:
    """Return the network over (batch, 3, 32, 32)."""
    return nn.Sequential(
        OrderedDict(
            patch=nn.Conv2d(3, WIDTH, PATCH, PATCH),
            position=Position(),
            **{block: Block() for block in BLOCKS},
            mean=Mean(),
            norm=nn.LayerNorm(WIDTH, EPSILON),
            dense=nn.Linear(WIDTH, CLASSES),
        )
    )
