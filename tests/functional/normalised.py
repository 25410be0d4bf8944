"""What the rows of the normalisations share: the derivation number by number, and a twin to compare with."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def normalised(x: Sequence[Tensor], eps: float, centred: bool = True) -> tuple[list[Tensor], Tensor]:
    """x̂ and s of the numbers x, which are normalised together."""
    mu = sum(x) / len(x) if centred else torch.zeros(()).double()
    s = (sum((v - mu) ** 2 for v in x) / len(x) + eps) ** 0.5
    return [(v - mu) / s for v in x], torch.as_tensor(s)


def pulled_back(
    g: Sequence[Tensor], x: Sequence[Tensor], eps: float, centred: bool = True
) -> tuple[list[Tensor], list[Tensor]]:
    """Σᵢ gᵢ (1/s) ([i = j] − 1/n − x̂ᵢ x̂ⱼ/n) for each j, without 1/n where no mean is subtracted; and x̂."""
    hat, s = normalised(x, eps, centred)
    n = len(x)
    pulled = [
        torch.as_tensor(sum(g[i] / s * ((i == j) - centred / n - hat[i] * hat[j] / n) for i in range(n)))
        for j in range(n)
    ]
    return pulled, hat


def at_features(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` with what is differentiated first, and the normalized shape by name."""

    def called(x: Tensor, *parameters: Tensor, shape: tuple[int, ...], **options: Any) -> Tensor:
        return function(x, shape, *parameters, **options)

    return called


def features_derived(
    grad_output: Tensor,
    x: Tensor,
    w: Tensor | None,
    b: Tensor | None,
    shape: tuple[int, ...],
    eps: float,
    centred: bool = True,
) -> tuple[Tensor, ...]:
    """The gradients of x, w and b, those of the three that there are; each row is normalised by itself."""
    grad_x = torch.zeros(x.shape).double()
    grad_w, grad_b = torch.zeros(shape).double().view(-1), torch.zeros(shape).double().view(-1)
    scale = torch.ones(shape).double().view(-1) if w is None else w.reshape(-1)
    size = grad_w.numel()
    for row in range(x.numel() // size if size else 0):
        at = slice(row * size, (row + 1) * size)
        g = grad_output.reshape(-1)[at]
        pulled, hat = pulled_back([*(g * scale)], [*x.reshape(-1)[at]], eps, centred)
        grad_x.view(-1)[at] = torch.stack(pulled)
        grad_w += g * torch.stack(hat)
        grad_b += g
    gradients = grad_x, grad_w.view(shape), grad_b.view(shape)
    return tuple(due for due, given in zip(gradients, (x, w, b), strict=True) if given is not None)


def right_under_vmap(twin: Callable[..., Tensor], composed: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The twin; under torch.func the same made of simple functions.

    There torch 2.14's second derivatives ∂²L/∂w∂x are wrong: they are not the transpose of ∂²L/∂x∂w.
    """

    def called(*args: Any, **options: Any) -> Tensor:
        in_func = torch._C._functorch.maybe_current_level() is not None
        return (composed if in_func else twin)(*args, **options)

    return called
