"""The value of a cross-entropy for class indices, from the log-probabilities, with every option."""

from math import prod

import torch
from torch import Tensor

from manual_backprop.functional.losses._classes import class_dimension, class_weights, labels_of
from manual_backprop.functional.losses._reduction import REDUCTIONS


def expected(
    log_p: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, epsilon: float
) -> tuple[Tensor, Tensor]:
    """−Σₖ tₖ log pₖ for class indices, reduced; and the divisor of the mean, where it is not "none"."""
    weight = None if weight is None else weight.to(log_p.dtype)
    if epsilon == 0:
        return at_labels(log_p, target.long(), weight, reduction, ignore_index)
    each = reduction == "none"
    at_y, divisor = at_labels(log_p, target.long(), weight, "none" if each else "sum", ignore_index)
    smoothing, _ = smoothing_of(weight, epsilon, log_p)
    everywhere = (smoothing * log_p).sum(class_dimension(log_p))
    everywhere = labels_of(target, None, ignore_index, log_p.dtype).clear(everywhere)
    losses = (1 - epsilon) * at_y - (everywhere if each else everywhere.sum())
    return losses / divisor if reduction == "mean" else losses, divisor


def at_labels(
    log_p: Tensor, y: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """−w_{yₙ} log pₙ,yₙ, reduced, and Σₙ w_{yₙ}, by PyTorch's primitive, which picks and counts in one."""
    options = (weight, REDUCTIONS[reduction], ignore_index)
    if log_p.dim() < 3:
        return torch.ops.aten.nll_loss_forward(log_p, y, *options)
    N, C, *image = log_p.shape
    H, W = image if len(image) == 2 else (1, prod(image))  # the primitive knows images of two dimensions
    losses, divisor = torch.ops.aten.nll_loss2d_forward(
        log_p.reshape(N, C, H, W), y.reshape(N, H, W), *options
    )
    if reduction == "none" and len(image) != 2:
        losses = losses.reshape(y.shape).clone()  # a view could not be overwritten
    return losses, divisor


def smoothing_of(
    weight: Tensor | None, epsilon: float, like: Tensor
) -> tuple[Tensor, Tensor] | tuple[float, float]:
    """wₖ ε/C, what smoothing adds to t at every class, (C, 1, …) or one for all; and the sum of these."""
    share = epsilon / max(like.shape[class_dimension(like)], 1)
    if weight is None:
        return share, epsilon
    smoothing = class_weights(weight, like) * share
    return smoothing, smoothing.sum()
