"""What variance and standard deviation are called with, and the slope of the variance as a loop."""

from typing import Any

import torch
from torch import Tensor

from tests.functional.samples import Mistake, Sample, indices, inf, nan, randn, transposed

DEVIATIONS = (
    Sample("of everything", (randn(5, 3),)),
    Sample("of the last dimension", (randn(5, 3),), {"dim": -1}),
    Sample("of two, kept", (transposed(randn(2, 3, 5)),), {"dim": (0, 2), "keepdim": True}),
    Sample("of one of two equal ones", (randn(3, 3),), {"dim": 0, "unbiased": False}),
    Sample("without correction", (randn(5, 3),), {"dim": 1, "correction": 0}),
    Sample("corrected by a fraction", (randn(5, 3),), {"dim": 0, "correction": 1.5}),
    Sample("expanded", (randn(3, 1).expand(3, 5) + randn(5),), {"dim": 1}, smooth=False),
    Sample("of one dimension", (randn(5),), {"dim": 0, "keepdim": True}),
    Sample("far from 0", (1e4 + randn(7),), {"correction": 0}, smooth=False),
    Sample(
        "infinities and NaN",
        (torch.tensor([[inf, 1.0, 2.0], [nan, 1.0, 2.0], [3.0, 1.0, 2.0]]).double(),),
        {"dim": 1},
        smooth=False,
        finite=False,
    ),
)


def dims_of(x: Tensor, dim: Any) -> list[int]:
    named = () if dim is None else (dim,) if isinstance(dim, int) else dim
    return [d % x.dim() for d in named or range(x.dim())]


def gradients_of_variance(
    grad_output: Tensor,
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    correction: float | None = None,
) -> tuple[Tensor]:
    """Step 2 of the derivation: the sum over the differences, the way through the mean taken too."""
    dims = dims_of(x, dim)
    grad = torch.zeros_like(x)
    for at in indices(x):
        alike = [
            other for other in indices(x) if all(other[d] == at[d] for d in set(range(x.dim())) - {*dims})
        ]
        n = len(alike)
        mean = sum(float(x[j]) for j in alike) / n
        through = sum(2 * (float(x[j]) - mean) * ((j == at) - 1 / n) for j in alike)
        place = tuple(0 if d in dims else i for d, i in enumerate(at) if keepdim or d not in dims)
        grad[at] = grad_output[place] * through / (n - (unbiased if correction is None else correction))
    return (grad,)


def mistakes_of(name: str) -> tuple[Mistake, ...]:
    return (
        (lambda f: getattr(f, name)(torch.zeros(5, 3), 2), r"from -2 to 1 for input \(5, 3\), got 2"),
        (lambda f: getattr(f, name)(torch.zeros(5, 3), (0, -2)), r"appears multiple times in \(0, -2\)"),
        (lambda f: getattr(f, name)(torch.zeros(5, 3), "a"), "an int or a tuple of them, got 'a'"),
        (lambda f: getattr(f, name)(torch.zeros(5).long()), "floating-point numbers, got torch.int64"),
        (lambda f: getattr(f, name)([1.0, 2.0]), "input must be a Tensor, got list"),
    )
