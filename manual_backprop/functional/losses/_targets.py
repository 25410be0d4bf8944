"""The target of cross-entropy as probabilities, one for each class: one-hot, weighted, smoothed."""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses._classes import class_dimension


def counted_by(y: Tensor, ignore_index: int) -> Tensor | None:
    """Which examples count; None where none can be ignored, or none has the default of `ignore_index`."""
    if ignore_index >= 0 or bool((y == ignore_index).any()):
        return y != ignore_index
    return None


def labels_of(y: Tensor, counted: Tensor | None) -> Tensor:
    """The classes as int64, any one for what does not count."""
    y = y if y.dtype == torch.int64 else y.long()
    return y if counted is None else torch.where(counted, y, 0)


def target_of(
    z: Tensor, labels: Tensor, counted: Tensor | None, weight: Tensor | None, epsilon: float
) -> Tensor:
    """Weights wₖ ((1 − ε) [k = y] + ε/C), 0 for what does not count; of the shape of the scores z."""
    dim = class_dimension(z)
    classes = z.shape[dim]
    t = T.one_hot(labels, classes)
    t = t if z.dim() < 3 else t.movedim(-1, 1)
    if epsilon:
        t = (1 - epsilon) * t.type_as(z) + epsilon / classes
    if weight is not None:
        t = weight.reshape(classes, *(1,) * (z.dim() - 1 - dim)) * t
    return t if counted is None else t * counted.unsqueeze(dim)


def number_of(labels: Tensor, counted: Tensor | None, weight: Tensor | None) -> Any:
    """How many examples count, each with the weight of its class."""
    if weight is None:
        return labels.numel() if counted is None else counted.sum()
    return weight[labels].sum() if counted is None else (weight[labels] * counted).sum()


def averaged(terms: Tensor, dim: int, reduction: str, n: Any) -> Tensor:
    """Terms, one for each class, added up to minus the losses, their sum, or that over n."""
    if reduction == "none":
        return -terms.sum(dim)
    return -terms.sum() / n if reduction == "mean" else -terms.sum()
