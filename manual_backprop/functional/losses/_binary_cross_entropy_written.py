"""Binary cross-entropy from scores, as one writes it out."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.losses._written import reduced
from manual_backprop.functional.operation.written import summed_to


def written(x: Tensor, t: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str) -> Any:
    """The value, and the gradients: of −t log σ(x), σ(x) − t is what is left of the logarithms."""
    softplus = torch.log(1 + torch.exp(-torch.abs(x)))
    if pos_weight is None:
        losses = torch.relu(x) - x * t + softplus
    else:
        surprise = torch.relu(-x) + softplus  # −log σ(x)
        losses = (1 - t) * x + (1 + (pos_weight - 1) * t) * surprise
    loss, n, _ = reduced(losses, weight, reduction, weighs=False)

    def backward(g: Tensor) -> tuple[Tensor | None, ...]:
        g = g if weight is None else g * weight
        p = torch.sigmoid(x)
        if pos_weight is None:
            return g * (p - t) / n, summed_to(-g * x / n, t), None, None
        dx = g * ((1 - t) * p - pos_weight * t * (1 - p)) / n
        return dx, summed_to(g * ((pos_weight - 1) * surprise - x) / n, t), None, None

    return loss, backward
