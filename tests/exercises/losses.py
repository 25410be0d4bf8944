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


def not_squared(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    return error(grad_output, z, T) / T, right_for_temperature(grad_output, z, T) * T


def not_softened(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    e = error(grad_output, z, torch.ones_like(T))
    return e / T, -(e * z).sum().reshape(1) / T**2


def no_upstream(grad_output: Tensor, z: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    ones = torch.ones_like(grad_output)
    return error(ones, z, T) / T, right_for_temperature(ones, z, T)


def others_of(z: Tensor, y: Tensor) -> Tensor:
    others = z.clone()
    others[range(len(y)), y] = -torch.inf
    return others


def naive(z: Tensor, y: Tensor) -> Tensor:
    p = z.exp() / z.exp().sum(1, keepdim=True)
    return -(1 - p[range(len(y)), y]).log()


def others_naive(z: Tensor, y: Tensor) -> Tensor:
    return z.exp().sum(1).log() - others_of(z, y).exp().sum(1).log()


def one_maximum(z: Tensor, y: Tensor) -> Tensor:
    return others_naive(z - z.max(), y)


def sum_of_probabilities(z: Tensor, y: Tensor) -> Tensor:
    return -others_of(z, y).isfinite().mul(z.softmax(1)).sum(1).log()


def shifted_by_all(z: Tensor, y: Tensor) -> Tensor:
    return others_naive(z - z.amax(1, keepdim=True), y)


def distance(z: Tensor, y: Tensor) -> Tensor:
    others = others_of(z, y)
    m = others.amax(1)
    return z[range(len(y)), y] - m - (others - m[:, None]).exp().sum(1).log()


def overflowing(z: Tensor, y: Tensor) -> Tensor:
    return (1 + distance(z, y).exp()).log()


def half_shifted(z: Tensor, y: Tensor) -> Tensor:
    m = others_of(z, y).amax(1)
    return torch.nn.functional.softplus(distance(z, y) + m)


def large_numbers(z: Tensor, y: Tensor) -> Tensor:
    return z.logsumexp(1) - others_of(z, y).logsumexp(1)


def large_distance(z: Tensor, y: Tensor) -> Tensor:
    d = z[range(len(y)), y] - others_of(z, y).logsumexp(1)
    return d.clamp(min=0) + (1 + (-d.abs()).exp()).log()


def zeroed(z: Tensor, y: Tensor) -> Tensor:
    others = z.clone()
    others[range(len(y)), y] = 0
    return z.logsumexp(1) - others.logsumexp(1)


def ordinary(z: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(z, y, reduction="none")


WRONG: list[tuple[str, Any, str]] = [
    ("4.1", 16, "you multiplied by 160"),
    ("4.1", 0.1, "is a multiple of that of the mean"),
    ("4.1", 0.1 / 640, "the mean over the old batches"),
    ("4.1", 0.1 / 64, "divided by the old N"),
    ("4.1", 0.1 / 16, "N times 10"),
    ("4.1", 0.4, "the ratio of the batches"),
    ("4.2", no_inner_derivative, "1/T, is missing"),
    ("4.2", wrong_sign, "∂L/∂T has the wrong sign"),
    ("4.2", not_summed, "expected shape (1,), got (5,)"),
    ("4.2", no_upstream, "grad_output is not"),
    ("4.2", not_squared, "divided by T only once"),
    ("4.2", not_softened, "that of z/T, not of z"),
    ("4.2", lambda g, z, T: (error(g, z, T) * T, right_for_temperature(g, z, T)), "you multiplied by T"),
    ("4.2", lambda g, z, T: (g[:, None] * (z / T).softmax(1) / T, torch.ones(1)), "t is missing"),
    ("4.3", lambda z, y: -(1 - z.softmax(1)[range(len(y)), y] + 1e-9).log(), "a small number"),
    ("4.3", naive, "Sum over the others alone"),
    ("4.3", others_naive, "an exponential overflowed"),
    ("4.3", one_maximum, "one maximum was taken for all rows"),
    ("4.3", sum_of_probabilities, "a maximum of their own"),
    ("4.3", shifted_by_all, "a maximum of their own"),
    ("4.3", overflowing, "log(1 + e^d) overflows"),
    ("4.3", half_shifted, "inside the sum of the others only"),
    ("4.3", large_numbers, "rounded at the size of m"),
    ("4.3", large_distance, "Subtract m from z_y first"),
    ("4.3", zeroed, "0 is a logit like others"),
    ("4.3", ordinary, "the ordinary cross-entropy"),
    ("4.3", lambda z, y: -ordinary(z, y), "for the logits"),
    ("4.3", lambda z, y: large_numbers(z, y).mean(), "expected a result of shape (7,), got ()"),
]
