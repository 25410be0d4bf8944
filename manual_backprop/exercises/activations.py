"""The exercises of “Activations and vanishing gradients”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, choice, derivation, same_numbers


def outputs_of_softplus() -> list[tuple[Tensor]]:
    """Outputs a > 0, small and large."""
    return [(torch.tensor([0.05, 0.3, 0.7, 1.0, 2.5, 6.0], dtype=torch.float64),)]


def prelu(z: Tensor, s: Tensor) -> Tensor:
    """ReLU with a slope of its own for negative numbers, one for each unit."""
    return torch.where(z > 0, z, s * z)


EXERCISES: dict[str, Judge] = {
    "8.1": choice(
        "sometimes",
        "It gets no gradient, but its inputs change.",
        {
            "never": "that holds in the first layer, whose inputs are the examples. "
            "What are the inputs of a unit in the second, and do they stay as they are?",
            "always": "its own weights get no gradient, so nothing pulls it back. "
            "Whatever wakes it up was learned for the sake of other units.",
        },
    ),
    "8.2": same_numbers(
        lambda a: 1 - torch.exp(-a),
        outputs_of_softplus,
        {
            "that is the slope as a function of z, σ(z), with a put in for z.": torch.sigmoid,
            "that is 1 minus the slope: σ(z) = 1/(1 + e⁻ᶻ) is near 1 where a is large.": lambda a: torch.exp(
                -a
            ),
            "that is the sigmoid's slope; softplus has another, which is itself a sigmoid of z.": (
                lambda a: a * (1 - a)
            ),
            "that is e^z, from a = ln(1 + e^z); the chain rule divides it by 1 + e^z.": lambda a: a.exp() - 1,
            "that is [a > 0], ReLU's slope; a is positive everywhere here.": lambda a: (a > 0).double(),
        },
    ),
    "8.3": derivation(prelu, (5, 3), (3,)),
}
