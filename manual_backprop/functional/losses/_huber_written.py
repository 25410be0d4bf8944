"""The Huber loss, as one writes it out: a parabola between two straight lines."""

from math import isinf
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.losses._written import reduced
from manual_backprop.functional.operation.written import summed_to


def written(x: Tensor, y: Tensor, weight: Tensor | None, reduction: str, delta: float, beta: float) -> Any:
    """The value, and the gradients, of h(x − y) / β."""
    d = x - y
    near = torch.abs(d) < delta
    slope = delta / beta  # of the straight lines
    losses = d**2 / (2 * beta)
    if not isinf(delta):
        losses = torch.where(near, losses, slope * (torch.abs(d) - delta / 2))
    loss, n, dweight = reduced(losses, weight, reduction, weighs=False)

    def backward(g: Tensor) -> tuple[Tensor | None, ...]:
        dlosses = g / n if weight is None else g * weight / n
        dx = dlosses * (d / beta if isinf(delta) else torch.where(near, d / beta, slope * torch.sign(d)))
        return summed_to(dx, x), summed_to(-dx, y), dweight(g)

    return loss, backward
