"""Wrong answers to the exercises of “Loss functions”."""

from typing import Any

import torch
from torch import Tensor

TARGET = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1]]


def error(grad_output: Tensor, z: Tensor, T: Tensor) -> Tensor:
    return grad_output[:, None] * ((z / T).softmax(1) - TARGET)


def right_for_temperature(grad_output: Tensor, z: Tensor, T: Tensor) -> Tensor:
    return -(error(grad_output, z, T) * z).sum().reshape(1) / T**2


def no_inner_derivative(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    return error(grad_output, z, T), right_for_temperature(grad_output, z, T)


def wrong_sign(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    return error(grad_output, z, T) / T, -right_for_temperature(grad_output, z, T)


def not_summed(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    return error(grad_output, z, T) / T, -(error(grad_output, z, T) * z).sum(1) / T**2


def no_upstream(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    ones = torch.ones_like(grad_output)
    return error(ones, z, T) / T, right_for_temperature(ones, z, T)


def naive(z: Tensor, y: Tensor) -> Tensor:
    p = z.exp() / z.exp().sum(1, keepdim=True)
    return -p[range(len(y)), y].log().mean()


def softmax_first(z: Tensor, y: Tensor) -> Tensor:
    e = (z - z.amax(1, keepdim=True)).exp()
    return -(e / e.sum(1, keepdim=True))[range(len(y)), y].log().mean()


def one_maximum(z: Tensor, y: Tensor) -> Tensor:
    s = z - z.max()
    return (s.exp().sum(1).log() - s[range(len(y)), y]).mean()


def half_shifted(z: Tensor, y: Tensor) -> Tensor:
    m = z.amax(1, keepdim=True)
    return ((z - m).exp().sum(1).log() - z[range(len(y)), y]).mean()


def large_numbers(z: Tensor, y: Tensor) -> Tensor:
    m = z.amax(1)
    return (m + (z - m[:, None]).exp().sum(1).log() - z[range(len(y)), y]).mean()


def summed(z: Tensor, y: Tensor) -> Tensor:
    s = z - z.amax(1, keepdim=True)
    return (s.exp().sum(1).log() - s[range(len(y)), y]).sum()


WRONG: list[tuple[str, Any, str]] = [
    ("4.1", 6.4, "you multiplied by 64"),
    ("4.1", 0.1, "64 times that of the mean"),
    ("4.1", 0.1 / 640, "you divided by N C"),
    ("4.2", no_inner_derivative, "× 1.7"),
    ("4.2", wrong_sign, "with the wrong sign"),
    ("4.2", not_summed, "expected shape (1,), got (5,)"),
    ("4.2", no_upstream, "grad_output is not"),
    ("4.3", naive, "an exponential overflowed"),
    ("4.3", softmax_first, "the probabilities were formed"),
    ("4.3", one_maximum, "one maximum was taken for all rows"),
    ("4.3", half_shifted, "inside the sum only"),
    ("4.3", large_numbers, "rounded at the size of m"),
    ("4.3", summed, "that is the sum over the examples"),
]
