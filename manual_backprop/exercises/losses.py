"""The exercises of “Loss functions”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, derivation, number, same_numbers


def _at_temperature(z: Tensor, T: Tensor) -> Tensor:
    """−log softmax(z / T) of the right class, (N,); the page's labels."""
    target = torch.eye(3, dtype=z.dtype)[[0, 1, 2, 0, 1]]
    return -(target * (z / T).log_softmax(1)).sum(1)


def _cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """The mean cross-entropy, computed with room to spare."""
    return torch.nn.functional.cross_entropy(z.double(), y)


def _of_right_class(values: Tensor, y: Tensor) -> Tensor:
    return values.gather(1, y[:, None])


def _softmax_first(z: Tensor, y: Tensor) -> Tensor:
    return -_of_right_class(z.softmax(1), y).log().mean()


def _overflowing(z: Tensor, y: Tensor) -> Tensor:
    return (z.exp().sum(1, keepdim=True).log() - _of_right_class(z, y)).mean()


def _one_maximum(z: Tensor, y: Tensor) -> Tensor:
    shifted = z - z.max()
    return (shifted.exp().sum(1, keepdim=True).log() - _of_right_class(shifted, y)).mean()


def _large_numbers(z: Tensor, y: Tensor) -> Tensor:
    return (z.logsumexp(1, keepdim=True) - _of_right_class(z, y)).mean()


def _half_shifted(z: Tensor, y: Tensor) -> Tensor:
    shifted = z - z.amax(1, keepdim=True)
    return (shifted.exp().sum(1, keepdim=True).log() - _of_right_class(z, y)).mean()


def _logits() -> list[tuple[Any, ...]]:
    """Float32 logits that each trap in turn catches, and classes."""
    generator = torch.Generator().manual_seed(0)
    plain = torch.randn(7, 5, generator=generator)
    y = torch.randint(5, (7,), generator=generator)
    large = torch.tensor([[95.0, 0.0, 20.0], [95.0, 20.0, 95.0]])  # e⁹⁵ is inf, e⁻⁹⁵ is not 0
    far = torch.tensor([[1000.0, 0.0, 0.0], [-1000.0, -2000.0, -1000.0]])
    rows = torch.tensor([[1000.0, 999.0, 998.0], [0.0, 1.0, 2.0]])  # with maxima that are far apart
    high = 1e6 + torch.tensor([[0.0, 1.0, 2.0], [2.0, 0.5, 1.0], [0.125, 0.25, 2.0]])
    return [
        (plain, y),
        (large, torch.tensor([1, 1])),
        (far, torch.tensor([1, 1])),
        (rows, torch.tensor([1, 1])),
        (high, torch.tensor([0, 1, 2])),
    ]


EXERCISES: dict[str, Judge] = {
    "4.1": number(
        lambda: 0.1 / 64,
        {
            0.1: "the gradient of the sum is 64 times that of the mean, and so would every step be.",
            6.4: "you multiplied by 64. The sum's gradient is already 64 times longer.",
            0.1 / 640: "you divided by N C. The mean of cross_entropy divides by N, the number of losses.",
        },
    ),
    "4.2": derivation(_at_temperature, (5, 3), torch.tensor([1.7], dtype=torch.float64)),
    "4.3": same_numbers(
        _cross_entropy,
        _logits,
        {
            "that is minus the right one: the loss is log-sum-exp minus z_y.": lambda z, y: (
                -_cross_entropy(z, y)
            ),
            "that is the sum over the examples; the mean is asked for.": lambda z, y: (
                _cross_entropy(z, y) * len(y)
            ),
            "m was subtracted inside the sum only. What is taken out there has to be taken from z_y too.": (
                _half_shifted
            ),
            "one maximum was taken for all rows. In a row far below it every exponential is 0, and so is the "
            "sum: each row needs its own m.": _one_maximum,
            "the probabilities were formed, and one that is below float32's range is 0, whose logarithm is "
            "−inf. Take the logarithm on paper first.": _softmax_first,
            "an exponential overflowed: from about z = 89 on, e^z is inf in float32. Subtract each row's "
            "maximum first.": _overflowing,
            "right until m is large: m + log Σ and z_y are both rounded at the size of m, and their "
            "difference keeps that error. Leave m out of both.": _large_numbers,
        },
    ),
}
