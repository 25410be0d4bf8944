"""Wrong answers to the exercises of “Where it came from”."""

from typing import Any

import torch
from torch import Tensor

T = torch.tensor([0.0, 1.0, 1.0, 0.0])


S = 2 * T - 1
Parts = tuple[Tensor, Tensor, Tensor, Tensor]


def or_and_nand() -> Parts:
    w1 = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]])
    return w1, torch.tensor([-0.5, 2.5]), torch.tensor([[1.0, 1.0]]), torch.tensor([-1.5])


def exactly_one() -> Parts:
    w2 = torch.tensor([[1.0, -1.0]])
    return torch.ones(2, 3), torch.tensor([-0.5, -1.5]), w2, torch.tensor([-0.5])


def at_the_threshold() -> Parts:
    w2 = torch.tensor([[1.0, -1.0, 1.0]])
    return torch.ones(3, 3), torch.tensor([-1.0, -2.0, -3.0]), w2, torch.tensor([-1.0])


def columns() -> Parts:
    w2 = torch.tensor([[1.0, -1.0]])
    return torch.ones(3, 2), torch.tensor([-0.5, -1.5]), w2, torch.tensor([-0.5])


WRONG: list[tuple[str, Any, str]] = [
    ("1.1", 16, "not XOR"),
    ("1.1", 15, "Turn its targets over"),
    ("1.1", 12, "weights may be 0"),
    ("1.1", 6, "negative weights"),
    ("1.1", 13, "only two"),
    ("1.1", 10, "depend on one input"),
    ("1.1", 2, "cannot compute"),
    ("1.1", 8, "eight already"),
    ("1.1", "XOR", "a number is asked for"),
    ("1.2", lambda grad_output, z: grad_output * -S, "its slope is 0"),
    ("1.2", lambda grad_output, z: grad_output * (torch.sigmoid(z) - T), "has no sigmoid"),
    ("1.2", lambda grad_output, z: grad_output * -S * (S * z > 0), "where the answer is right"),
    ("1.2", lambda grad_output, z: grad_output * -T * (z < 0), "s is −1 and not 0"),
    ("1.2", lambda grad_output, z: grad_output * (-S * z).clamp(min=0), "times grad_output"),
    ("1.2", lambda grad_output, z: grad_output * S * (S * z < 0), "with the wrong sign"),
    ("1.2", lambda grad_output, z: grad_output * (S * z < 0), "1 or −1"),
    ("1.2", lambda grad_output, z: grad_output * -S * (z < 0), "targets 1 only"),
    ("1.2", lambda grad_output, z: grad_output * (z > 0), "slope of max(0, z)"),
    ("1.2", lambda grad_output, z: (grad_output * -S * (S * z < 0)).sum(), "of shape (4,)"),
    ("1.2", lambda grad_output, z: -S * (S * z < 0), "grad_output is not"),
    ("1.2", lambda grad_output, z: grad_output * -S * (S * z < 0) / 4, "divided by 4"),
    ("1.3", or_and_nand, "not all alike"),
    ("1.3", exactly_one, "three ones are odd too"),
    ("1.3", at_the_threshold, "exactly 0"),
    ("1.3", columns, "one row for each hidden neuron"),
    ("1.3", lambda: (torch.ones(1, 3), torch.tensor([-0.5]), torch.ones(2), torch.zeros(1)), "W² 1"),
    ("1.3", (torch.ones(1, 3), [-0.5], [[1.0]], [-0.5]), "'at least one'"),
    ("1.3", (torch.ones(1, 3), [-1.5], [[1.0]], [-0.5]), "the majority"),
    ("1.3", (torch.ones(1, 3), [-2.5], [[1.0]], [-0.5]), "'all three'"),
    ("1.3", (torch.ones(3, 3), [-0.5, -1.5, -2.5], [[-1.0, 1.0, -1.0]], [0.5]), "is even"),
    ("1.3", (torch.ones(3, 3), [-0.5, -1.5, -2.5], [[1.0, -1.0, 1.0]], [-1.5]), "always says 0"),
    ("1.3", "XOR twice", "four tensors are asked for"),
]
