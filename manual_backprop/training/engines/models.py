"""The networks that a run can train: each takes flat images (N, D) and gives logits (N, C).

mlp            linear layers with a non-linearity between them; the only one that the engine `explicit` trains
cnn            two convolutions of 5×5, each followed by ReLU and a maximum over 2×2; then a linear layer
rnn            reads an image row by row, as 28 steps of 28 numbers; its last state gives the logits
transformer    takes the rows as 28 tokens and adds a learned position to each; their mean gives the logits

All but the first are written with torch.nn alone, as anyone would write them: the engine `functions` trains
them by `use_manual_gradients(strict=True)`, which raises if a single backward is PyTorch's own.

Sources: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86 (1998), for the convolutions; Elman, "Finding structure in time", Cognitive Science
14 (1990), for the recurrence; Vaswani et al., "Attention is all you need", NeurIPS 2017, for the transformer.
"""

from itertools import pairwise
from math import isqrt
from types import ModuleType

import torch
from torch import Tensor, nn

from manual_backprop.training.config import Failure, TrainingConfig


def build_model(config: TrainingConfig, features: int, classes: int, layers: ModuleType) -> nn.Sequential:
    """The network that `config` names, of `features` pixels and C `classes`.

    Args:
        config: `model` and `dtype`, and for the multilayer perceptron `hidden` and `activation`.
        features: D.
        classes: C.
        layers: the module of the perceptron's layers, torch.nn or manual_backprop.nn.

    Raises:
        Failure: images that are not square, for a network that needs rows and columns.
    """
    dtype = getattr(torch, config.dtype)
    if config.model == "mlp":
        return mlp([features, *config.hidden, classes], config.activation, layers, dtype)
    side = isqrt(features)
    if side * side != features:
        raise Failure(f"--model {config.model} needs square images; these have {features} pixels")
    return {"cnn": cnn, "rnn": rnn, "transformer": transformer}[config.model](side, classes).to(dtype)


def shapes_of(config: TrainingConfig, features: int, classes: int) -> list[dict[str, tuple[int, ...]]]:
    """The shapes of the parameters by name, layer by layer, of a network that is not allocated."""
    with torch.device("meta"):
        model = build_model(config, features, classes, nn)
    layers = [
        {f"{at}.{name}": tuple(p.shape) for name, p in layer.named_parameters()}
        for at, layer in enumerate(model)
    ]
    return [shapes for shapes in layers if shapes]


def mlp(sizes: list[int], activation: str, layers: ModuleType, dtype: torch.dtype) -> nn.Sequential:
    """The last layer's output is the logits."""
    between = {"relu": layers.ReLU, "sigmoid": layers.Sigmoid, "tanh": layers.Tanh}[activation]
    modules: list[nn.Module] = []
    for features_in, features_out in pairwise(sizes):
        modules += [layers.Linear(features_in, features_out, dtype=dtype), between()]
    return nn.Sequential(*modules[:-1])


def cnn(side: int, classes: int) -> nn.Sequential:
    """For 28×28 pixels and ten classes, 28,938 parameters."""
    return nn.Sequential(
        nn.Unflatten(1, (1, side, side)),
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        nn.Linear(32 * (side // 4) ** 2, classes),
    )


def rnn(side: int, classes: int) -> nn.Sequential:
    """For 28 rows of 28 pixels and ten classes, 21,514 parameters."""
    return nn.Sequential(
        nn.Unflatten(1, (side, side)), LastState(nn.RNN(side, 128, batch_first=True)), nn.Linear(128, classes)
    )


def transformer(side: int, classes: int) -> nn.Sequential:
    """For 28 rows of 28 pixels and ten classes, 71,370 parameters."""
    layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True, norm_first=True)
    return nn.Sequential(
        nn.Unflatten(1, (side, side)),
        nn.Linear(side, 64),
        LearnedPositions(side, 64),
        nn.TransformerEncoder(layer, 2, nn.LayerNorm(64), enable_nested_tensor=False),
        Mean(),
        nn.Linear(64, classes),
    )


class LastState(nn.Module):
    """The last output of a recurrent network: (N, T, D) → (N, H)."""

    def __init__(self, recurrent: nn.RNN) -> None:
        super().__init__()
        self.recurrent = recurrent
        nn.init.orthogonal_(
            recurrent.get_parameter("weight_hh_l0")
        )  # preserves the norms of gradients over the 28 steps

    def forward(self, input: Tensor) -> Tensor:
        """(N, T, D) → (N, H)."""
        states, _ = self.recurrent(input)
        last: Tensor = states[:, -1]
        return last


class LearnedPositions(nn.Module):
    """Adds a learned position to each token: (N, T, D) → (N, T, D)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(length, width))

    def forward(self, input: Tensor) -> Tensor:
        """(N, T, D) → (N, T, D)."""
        return input + self.places


class Mean(nn.Module):
    """The mean over the tokens: (N, T, D) → (N, D)."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, T, D) → (N, D)."""
        return input.mean(1)
