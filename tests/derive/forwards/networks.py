"""Networks of fully connected layers, as functions and as modules."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.derive.forwards.case import Case, collector, labels

CASES: list[Case] = []
case = collector(CASES)
Y = labels(0, 2, 1, 1, 0, 2)
MLP = ((6, 5), (4, 5), (4,), (3, 4), (3,))


@case(*MLP, Y)
def two_layers(x, W1, b1, W2, b2, y):
    a = torch.relu(x @ W1.T + b1)
    return F.cross_entropy(a @ W2.T + b2, y)


@case((6, 5), (4, 5), (4,), (4, 4), (4,), (3, 4), (3,), (6, 3))
def three_layers_tanh_mse(x, W1, b1, W2, b2, W3, b3, target):
    h = torch.tanh(F.linear(x, W1, b1))
    h = torch.tanh(F.linear(h, W2, b2))
    return F.mse_loss(F.linear(h, W3, b3), target)


@case((6, 5), (5, 4), (4, 1), (6, 1))
def sigmoid_without_biases(x, W, v, t):
    a = torch.sigmoid(x @ W)
    y = torch.sigmoid(a @ v)
    return ((y - t) ** 2).sum() / 2


def _activated(name, activation):
    def forward(x, W, b, V):
        z = x @ W + b
        return activation(z) @ V

    CASES.append(Case(f"mlp_{name}", forward, ((6, 5), (5, 4), (4,), (4, 2))))


for _name, _activation in {
    "elu": F.elu,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.1),
    "logsigmoid": F.logsigmoid,
    "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "relu6": F.relu6,
    "softmax": lambda z: F.softmax(z, dim=1),
    "log_softmax": lambda z: F.log_softmax(z, dim=-1),
}.items():
    _activated(_name, _activation)


@case((6, 5), (4, 5), (4,), (5,))
def tied_weights(x, W, b, c):
    code = torch.sigmoid(x @ W.T + b)
    return F.mse_loss(code @ W + c, x)


@case((6, 4), (4, 4), (4,), (4, 4), (4,))
def residual(x, W1, b1, W2, b2):
    h = x + torch.relu(x @ W1.T + b1)
    return h + torch.relu(h @ W2.T + b2)


@case((6, 4), (4, 4), (4, 4))
def dense_net(x, W, V):
    h = torch.tanh(x @ W)
    h = torch.tanh((x + h) @ V)
    return (h + x).square().mean()


@case((6, 5), (4, 5), (4, 5))
def gated_linear_unit(x, W, V):
    gate = torch.sigmoid(x @ V.T)
    return gate * (x @ W.T)


@case((6, 4), (4, 4), (4, 4), (4,))
def highway(x, W, V, b):
    t = torch.sigmoid(x @ V + b)
    return t * torch.relu(x @ W) + (1 - t) * x


@case((4, 5), (6, 5), (6, 5), (5, 6))
def swiglu(x, W, V, U):
    return (F.silu(x @ W.T) * (x @ V.T)) @ U.T


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(5, 4)
        self.fc2 = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.fc1(x))
        return self.fc2(h)


torch.manual_seed(0)
CASES += [
    Case("module", Classifier(), ((6, 5),)),
    Case("module_with_loss", (Classifier(), F.cross_entropy), ((6, 5), Y)),
    Case("module_with_loss_module", (Classifier(), nn.MSELoss()), ((6, 5), (6, 3))),
    Case(
        "sequential",
        nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 2)),
        ((6, 5),),
    ),
    Case(
        "sequential_with_loss",
        (
            nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)),
            nn.CrossEntropyLoss(label_smoothing=0.1),
        ),
        ((6, 2, 3), Y),
    ),
]
