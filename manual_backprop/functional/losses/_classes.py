"""Classes and their weights, as the losses of a classifier read them from `target` and `weight`.

The classes lie along dimension 1 of the scores, (N, C, d1, …), or along dimension 0 of a single example (C,).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.functional.operation import widen
from manual_backprop.functional.operation.torch_state import may_look_at


class Labels(NamedTuple):
    """What the class indices say about each example."""

    column: Tensor  # (N, 1, …): yₙ along the class dimension, to gather and scatter with
    ignored: Tensor | None  # (N, …) bool; None where it is known that none is
    weight: Tensor | None  # (N, …): w_{yₙ}; None for 1

    def clear(self, values: Tensor) -> Tensor:
        """The values, (N, …) or one for all, 0 put in where ignored."""
        if self.ignored is None:
            return values
        return values.expand(self.ignored.shape).masked_fill(self.ignored, 0)

    def weigh(self, values: Tensor) -> Tensor:
        """The values, (N, …) or one for all, times w_{yₙ}; 0 put in where ignored."""
        return self.clear(values if self.weight is None else values * self.weight)

    def minus_divisor(self) -> Tensor | float:
        """−Σₙ w_{yₙ} over the examples that count, which the mean divides by."""
        examples = self.column.numel()
        if self.weight is not None:
            return -self.clear(self.weight).sum()
        return -examples if self.ignored is None else self.ignored.sum() - examples


def class_dimension(input: Tensor) -> int:
    """The classes lie along dimension 1, or 0 for a single example (C,)."""
    return 1 if input.dim() > 1 else 0


def labels_of(target: Tensor, weight: Tensor | None, ignore_index: int, dtype: torch.dtype) -> Labels:
    """The labels of `target`, with its weights in that type."""
    y = target.long()
    bounds = _bounds(y) or ((0, 255) if target.dtype == torch.uint8 else None)
    ignored = None if bounds and not bounds[0] <= ignore_index <= bounds[1] else y == ignore_index
    if ignored is not None:
        y = y.masked_fill(ignored, 0)  # any valid class: what is ignored is put to 0 later
    w = None if weight is None else weight.to(dtype).index_select(0, y.reshape(-1)).reshape(y.shape)
    return Labels(y.unsqueeze(1 if y.dim() else 0), ignored, w)


def all_count(divisor: Tensor, target: Tensor) -> bool:
    """Whether it is known of an unweighted loss that no example is ignored.

    The divisor of the mean is the number of those that count. On a GPU to look at it would be a wait, and
    float32 counts no further than to 2²⁴.
    """
    return may_look_at(divisor) and 0 < target.numel() <= 2**24 and divisor.item() == target.numel()


def _bounds(y: Tensor) -> tuple[int, int] | None:
    """The lowest and the highest class; None where looking costs a wait (on a GPU) or cannot be done."""
    if y.device.type != "cpu" or y.numel() == 0 or torch.compiler.is_compiling():
        return None
    lowest, highest = y.aminmax()
    try:
        return int(lowest), int(highest)
    except RuntimeError:
        return None  # inside vmap no value can be looked at


def class_weights(weight: Tensor, like: Tensor) -> Tensor:
    """wₖ as (C, 1, …), which broadcasts against scores `like` (N, C, d1, …)."""
    dim, w = class_dimension(like), widen(weight)
    return w.reshape(w.shape + (1,) * (like.dim() - 1 - dim))


def check_classes(
    operation: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int
) -> None:
    """Raise as torch.nn.functional does if (N, C, …) scores and (N, …) class indices do not fit.

    Whether these are classes is told by `check_labels`.
    """
    fit = input.dim() == 2 and target.shape == input.shape[:1] and target.dtype == torch.int64
    if fit and weight is None and input.is_floating_point():
        return  # the usual case
    check_scores(operation, input)
    dim = class_dimension(input)
    due = input.shape[:dim] + input.shape[dim + 1 :]
    if input.dim() > 1 and input.shape[:1] != target.shape[:1]:
        raise ValueError(f"{operation}: expected as many targets as inputs, got {_given(input, target)}")
    if target.shape != due:
        raise RuntimeError(
            f"{operation}: expected target {tuple(due)} for classes, got {_given(input, target)}"
        )
    if target.dtype not in (torch.int64, torch.uint8):
        raise RuntimeError(f"{operation}: expected class indices in int64 or uint8, got {target.dtype}")
    classes = input.shape[dim]
    if weight is not None:
        check_weight(operation, weight, classes)
        if weight.dtype != input.dtype:
            raise RuntimeError(f"{operation}: weight is {weight.dtype}, but input is {input.dtype}")
        if weight.requires_grad:
            raise RuntimeError(f"{operation}: weight is a constant here and cannot require a gradient")


def check_labels(operation: str, target: Tensor, classes: int, ignore_index: int) -> None:
    """Raise an IndexError for a target that is not a class, where that can be seen."""
    bounds = _bounds(target)
    if bounds and (bounds[0] < 0 or bounds[1] >= classes):
        outside = ((target < 0) | (target >= classes)) & (target.long() != ignore_index)
        for first in target[outside][:1].tolist():
            raise IndexError(
                f"{operation}: target {first} is out of bounds for {classes} classes, 0 to {classes - 1}"
            )


def _given(input: Tensor, target: Tensor) -> str:
    return f"input {tuple(input.shape)} and target {tuple(target.shape)}"


def check_scores(operation: str, input: Tensor) -> None:
    """Raise if `input` has no class dimension or no floating-point type."""
    if input.dim() == 0:
        raise ValueError(f"{operation}: input needs at least the class dimension, got shape ()")
    if not input.is_floating_point():
        raise NotImplementedError(f"{operation}: expected a floating-point input, got {input.dtype}")


def check_weight(operation: str, weight: Tensor, classes: int) -> None:
    """Raise if there is not one weight for each class."""
    if weight.shape != (classes,):
        raise RuntimeError(
            f"{operation}: expected one weight for each of the {classes} classes, got weight "
            f"{tuple(weight.shape)}"
        )
