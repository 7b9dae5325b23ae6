"""The list of `onnx_layers` in PyTorch; images are (channels, height, width), sequences (steps, features)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from kb.verifier import Cell
from models import conversion
from models.architecture import drawn, named
from models.onnx_layers import Input, floats, is_layer, weight, whole

WIDTH = 16


class Op(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)


class Outputs(nn.Module):
    """A recurrent layer's outputs at every step, without its last state."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class Attention(nn.Module):
    """Self-attention with 4 heads."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class ResidualCnn(nn.Module):
    """A convolution, a residual block, and a classifier over the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.conv1, self.norm1 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.dense = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        inner = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        return self.dense((x + inner).relu().mean((2, 3)))


class LstmClassifier(nn.Module):
    """Tokens, embedded, through an LSTM; a classifier over its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.lstm = nn.LSTM(8, WIDTH, batch_first=True)
        self.dense = nn.Linear(WIDTH, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.dense(self.lstm(self.embedding(tokens))[0][:, -1])


class TransformerBlock(nn.Module):
    """Attention, then two dense layers, each normalised before and added to what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.dense1, self.dense2 = nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.dense2(gelu(self.dense1(self.norm2(x))))


def _gathered(x: Tensor, index: Tensor) -> Tensor:
    return torch.gather(x, 1, index[..., None].expand(-1, -1, x.shape[2]))


def _branched(x: Tensor) -> Tensor:
    return torch.cond(x.mean() > 0, lambda x: 2 * x, lambda x: x.tanh(), (x,))


IMAGE, STEPS, TOKENS = floats(3, 12, 12), floats(6, 8), floats(6, WIDTH)
MAKE: dict[str, tuple[Callable[[], nn.Module], tuple[Input, ...]]] = {
    "dense": (lambda: nn.Linear(8, 5), (floats(8),)),
    "conv1d_strided": (lambda: nn.Conv1d(4, 6, 3, stride=2), (floats(4, 16),)),
    "conv2d": (lambda: nn.Conv2d(3, 8, 3, padding=1), (IMAGE,)),
    "conv2d_dilated": (lambda: nn.Conv2d(3, 8, 3, dilation=2), (IMAGE,)),
    "conv2d_depthwise": (lambda: nn.Conv2d(3, 6, 3, groups=3), (IMAGE,)),
    "conv2d_transpose": (lambda: nn.ConvTranspose2d(3, 8, 3, stride=2), (IMAGE,)),
    "max_pool": (lambda: nn.MaxPool2d(2), (IMAGE,)),
    "average_pool": (lambda: nn.AvgPool2d(2), (IMAGE,)),
    "global_average_pool": (lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), (IMAGE,)),
    "batch_norm_inference": (lambda: nn.BatchNorm2d(3), (IMAGE,)),
    "batch_norm_training": (lambda: nn.BatchNorm2d(3), (IMAGE,)),
    "layer_norm": (lambda: nn.LayerNorm(8), (STEPS,)),
    "group_norm": (lambda: nn.GroupNorm(2, 4), (floats(4, 6, 6),)),
    "rms_norm": (lambda: nn.RMSNorm(8), (STEPS,)),
    "embedding": (lambda: nn.Embedding(20, 8), (whole(20, 6),)),
    "lstm": (lambda: Outputs(nn.LSTM(8, WIDTH, batch_first=True)), (STEPS,)),
    "gru": (lambda: Outputs(nn.GRU(8, WIDTH, batch_first=True)), (STEPS,)),
    "bidirectional_lstm": (
        lambda: Outputs(nn.LSTM(8, WIDTH, batch_first=True, bidirectional=True)),
        (STEPS,),
    ),
    "multi_head_attention": (Attention, (TOKENS,)),
    "softmax": (lambda: nn.Softmax(-1), (STEPS,)),
    "gelu": (nn.GELU, (STEPS,)),
    "dropout_inference": (lambda: nn.Dropout(0.5), (STEPS,)),
    "einsum": (
        lambda: Op(lambda x, y: torch.einsum("bij,bjk->bik", x, y)),
        (floats(4, 5), floats(5, 6)),
    ),
    "gather": (lambda: Op(_gathered), (STEPS, whole(6, 3))),
    "top_k": (lambda: Op(lambda x: tuple(torch.topk(x, 3))), (STEPS,)),
    "resize_bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (IMAGE,)),
    "cumsum": (lambda: Op(lambda x: torch.cumsum(x, 1)), (STEPS,)),
    "argsort": (lambda: Op(lambda x: torch.argsort(x, -1)), (STEPS,)),
    "boolean_mask": (lambda: Op(lambda x: x[x > 0]), (STEPS,)),
    "real_fft": (lambda: Op(lambda x: torch.fft.rfft(x).abs()), (floats(16),)),
    "branch_on_data": (lambda: Op(_branched), (STEPS,)),
    "residual_cnn": (ResidualCnn, (IMAGE,)),
    "lstm_classifier": (LstmClassifier, (whole(20, 6),)),
    "transformer_block": (TransformerBlock, (TOKENS,)),
}


def build(name: str) -> tuple[nn.Module, tuple[Input, ...]]:
    """Return a module with drawn weights, in the mode in which it is exported, and its inputs."""
    if not is_layer(name):
        return _architecture(name)
    make, inputs = MAKE[name]
    module = make().train(name == "batch_norm_training")
    random = np.random.default_rng(0)
    with torch.no_grad():
        for path, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(weight(path, tensor.shape, random)))
    return module, inputs


def _architecture(name: str) -> tuple[nn.Module, tuple[Input, ...]]:
    architecture = named(name)
    module = architecture.pytorch().eval()
    conversion.load_torch(module, drawn(architecture, Cell("pytorch/eager"), 1)[0])
    *places, channels = architecture.IMAGE
    return module, (Input((channels, *places), from_last=True),)
