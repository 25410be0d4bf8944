"""Recurrent networks over four steps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.derive.forwards.case import Case, collector

CASES: list[Case] = []
case = collector(CASES)


@case((4, 3, 2), (2, 5), (5, 5), (5,))
def rnn(x, W, U, b):
    h = torch.zeros(3, 5)
    for step in x:
        h = torch.tanh(step @ W + h @ U + b)
    return h


@case((4, 3, 2), (2, 5), (5, 5), (5, 2))
def rnn_with_outputs(x, W, U, V):
    h = torch.zeros(3, 5)
    outputs = []
    for t in range(4):
        h = torch.tanh(x[t] @ W + h @ U)
        outputs.append(h @ V)
    return torch.stack(outputs)


@case((3, 4, 2), (20, 2), (20, 5), (20,))
def lstm(x, W, U, b):
    h = c = x.new_zeros(3, 5)
    for t in range(4):
        i, f, g, o = (x[:, t] @ W.T + h @ U.T + b).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return h.square().sum()


@case((4, 3, 2), (3, 5), (2, 5), (5, 5), (2, 5), (5, 5))
def gru(x, h, W_z, U_z, W_n, U_n):
    for step in x:
        z = torch.sigmoid(step @ W_z + h @ U_z)
        n = torch.tanh(step @ W_n + h @ U_n)
        h = (1 - z) * n + z * h
    return h


@case((3, 5), (5, 5))
def power_iteration(x, A):
    for _ in range(3):
        x = x @ A
        x = x / x.norm(dim=1, keepdim=True)
    return x


class Last(nn.Module):
    """The last output of a recurrent layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][-1]


class Outputs(Last):
    """All of its outputs."""

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


torch.manual_seed(0)
CASES += [
    Case("rnn_module", Outputs(nn.RNN(2, 3)), ((4, 3, 2),)),
    Case("rnn_relu_module", Last(nn.RNN(2, 3, nonlinearity="relu")), ((4, 3, 2),)),
    Case("lstm_module", Last(nn.LSTM(2, 3)), ((4, 3, 2),)),
    Case(
        "lstm_module_with_loss",
        (Outputs(nn.LSTM(2, 3, batch_first=True)), F.mse_loss),
        ((3, 4, 2), (3, 4, 3)),
    ),
]
