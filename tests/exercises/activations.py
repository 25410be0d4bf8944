"""Wrong answers to the exercises of “Activations and vanishing gradients”."""

from typing import Any

import torch
from torch import Tensor

Gradients = tuple[Tensor, Tensor]


def _of_z(grad_output: Tensor, z: Tensor, s: Tensor) -> Tensor:
    return torch.where(z > 0, grad_output, s * grad_output)


def without_sum(grad_output: Tensor, z: Tensor, s: Tensor) -> Gradients:
    return _of_z(grad_output, z, s), torch.where(z > 0, 0, grad_output * z)


def summed_over_units(grad_output: Tensor, z: Tensor, s: Tensor) -> Gradients:
    return _of_z(grad_output, z, s), torch.where(z > 0, 0, grad_output * z).sum(1)


def every_example(grad_output: Tensor, z: Tensor, s: Tensor) -> Gradients:
    return _of_z(grad_output, z, s), (grad_output * z).sum(0)


def without_upstream(grad_output: Tensor, z: Tensor, s: Tensor) -> Gradients:
    return torch.where(z > 0, torch.ones_like(z), s.expand_as(z)), torch.where(z > 0, 0, z).sum(0)


WRONG: list[tuple[str, Any, str]] = [
    ("8.1", "never", "What are the inputs of a unit in the second"),
    ("8.1", "always", "nothing pulls it back"),
    ("8.1", "yes", "one of 'always', 'never', 'sometimes'"),
    ("8.2", lambda a: (1 + a**2) ** -1.5, "with a put in for z"),
    ("8.2", lambda a: 1 - a * a, "tanh's slope"),
    ("8.2", lambda a: torch.sqrt(1 - a**2), "the quotient rule has a second term"),
    ("8.2", lambda a: a * (1 - a), "the sigmoid's slope"),
    ("8.2", lambda a: (1 - a**2) ** -1.5, "the inverse"),
    ("8.2", lambda a: (1 - a**2) ** 3, "the square of the right one"),
    ("8.2", lambda a: a / (1 + a**2) ** 0.5, "applied to a"),
    ("8.2", lambda a: (1 - a**2).mean(), "expected a result of shape"),
    ("8.3", without_sum, "not summed over dimension 0"),
    ("8.3", summed_over_units, "summed over dimension 1; summed over 0"),
    ("8.3", every_example, "with the second case everywhere"),
    ("8.3", without_upstream, "grad_output is not"),
]
