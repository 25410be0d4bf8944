"""Functions that several entries have in common."""

import torch
import torch.nn.functional as T
from torch import Tensor

y = torch.tensor([0, 2, 1, 1, 0])
one_hot = T.one_hot(y, 3).double()


def linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return x @ W.T + b


def softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


def log_softmax(x: Tensor) -> Tensor:
    return x.log_softmax(1)


def cross_entropy(z: Tensor) -> Tensor:
    return T.cross_entropy(z, y)


def mse(x: Tensor, t: Tensor) -> Tensor:
    return ((x - t) ** 2).mean()


def layer_norm(x: Tensor) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()


def rms_norm(x: Tensor) -> Tensor:
    return x / (x.square().mean(1, keepdim=True) + 1e-5).sqrt()


def normalise(x: Tensor) -> Tensor:
    return x / x.norm(dim=1, keepdim=True)


def sigma(x: Tensor) -> Tensor:
    return 1 / (1 + (-x).exp())


def p(z: Tensor) -> Tensor:
    return z.softmax(1)
