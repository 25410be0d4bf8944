"""Cross-entropy of scores, as one writes it out: p − t, from the scores to the loss and back."""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses._classes import class_dimension
from manual_backprop.functional.losses._targets import averaged, counted_by, labels_of, number_of, target_of


def written(
    z: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, epsilon: float
) -> Any:
    """The value, and the gradient of the scores."""
    dim = class_dimension(z)
    counted = counted_by(y, ignore_index)
    plain = weight is None and counted is None and epsilon == 0
    labels = labels_of(y, counted)
    target = target_of(z, labels, counted, weight, epsilon)
    n = number_of(labels, counted, weight) if reduction == "mean" else 1
    if plain:
        loss = T.cross_entropy(z, y, reduction=reduction)
    else:
        loss = averaged(target * torch.log_softmax(z, dim), dim, reduction, n)

    def backward(g: Tensor) -> tuple[Tensor, ...]:
        p = torch.softmax(z, dim)
        if weight is not None:
            p = p * target.sum(dim, keepdim=True)
        elif counted is not None:
            p = p * counted.unsqueeze(dim)
        dlosses = g.unsqueeze(dim) if reduction == "none" else g
        return (dlosses * (p - target) / n,)

    return loss, backward
