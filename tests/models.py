"""Models that know nothing of this package: torchvision's, torch.nn's, and a small GPT."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn

LABELS = torch.tensor([3, 1])


class OverRows(nn.Module):
    """A classifier over the rows of an image, by a recurrent network."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.recurrent = kind(28, 16, num_layers=2, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        states, _ = self.recurrent(images)
        return self.head(states[:, -1])


class Encoder(nn.Module):
    """A classifier over the rows of an image, by a transformer."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(28, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(28, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.encoder(images).mean(1))


class Block(nn.Module):
    """Causal self-attention and a multilayer perceptron, spelled out."""

    def __init__(self, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x: Tensor) -> Tensor:
        N, S, D = x.size()
        q, k, v = self.qkv(self.norm1(x)).split(D, dim=2)
        q, k, v = (t.view(N, S, self.heads, D // self.heads).transpose(1, 2) for t in (q, k, v))
        scores = (q @ k.transpose(-2, -1)) * (1.0 / (D // self.heads) ** 0.5)
        scores = scores.masked_fill(self.mask[:, :, :S, :S] == 0, float("-inf"))
        y = T.softmax(scores, dim=-1) @ v
        x = x + self.out(y.transpose(1, 2).contiguous().view(N, S, D))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """A small language model in plain torch.nn, its loss included."""

    def __init__(self, words: int = 11, length: int = 7, width: int = 12, heads: int = 3) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
        self.drop = nn.Dropout(0.1)
        self.blocks = nn.Sequential(Block(width, heads, length), Block(width, heads, length))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, text: Tensor) -> Tensor:
        x = self.drop(self.word(text) + self.place(torch.arange(text.shape[1])))
        return self.head(self.norm(self.blocks(x))).transpose(1, 2)


def torchvision_model(name: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        models = pytest.importorskip("torchvision.models")
        model: nn.Module = getattr(models, name)(num_classes=10, **options)
        return model

    return build


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, Tensor]]]] = {
    "resnet18": (torchvision_model("resnet18"), lambda: (torch.randn(2, 3, 32, 32).double(), LABELS)),
    "mobilenet_v3_small": (
        torchvision_model("mobilenet_v3_small"),
        lambda: (torch.randn(2, 3, 64, 64).double(), LABELS),
    ),
    "vit_b_16": (
        torchvision_model("vit_b_16", image_size=32),
        lambda: (torch.randn(2, 3, 32, 32).double(), LABELS),
    ),
    "TransformerEncoder": (Encoder, lambda: (torch.randn(2, 28, 28).double(), LABELS)),
    "LSTM": (lambda: OverRows(nn.LSTM), lambda: (torch.randn(2, 28, 28).double(), LABELS)),
    "RNN": (lambda: OverRows(nn.RNN), lambda: (torch.randn(2, 28, 28).double(), LABELS)),
    "GPT": (GPT, lambda: (torch.randint(11, (2, 7)), torch.randint(11, (2, 7)))),
}

LARGER: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, Tensor]]]] = {
    name: (
        torchvision_model(name, **options),
        lambda: (torch.rand(2, 3, 64, 64).double(), torch.tensor([1, 3])),
    )
    for name, options in {
        "efficientnet_b0": {},
        "swin_v2_t": {},
        "googlenet": {"aux_logits": False, "init_weights": False},
    }.items()
}

COARSE = {"mobilenet_v3_small": 1e-7}
"""Where autograd's own gradient is not known to rounding: T.hardsigmoid's slope is a float32's 1/6."""
