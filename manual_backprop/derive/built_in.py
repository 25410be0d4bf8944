"""Steps that PyTorch differentiates itself, as functions of their tensors alone."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map, without_torch_functions


def tensors_of(value: Any) -> list[Tensor]:
    """The tensors among arguments or results."""
    return [x for x in tree_leaves(value) if isinstance(x, Tensor)]


def part_of(func: Any, args: Any, kwargs: Any, at: int) -> Callable[..., Any]:
    """The output `at` of a function, of its tensors alone."""

    def part(*tensors: Tensor) -> Any:
        rest = iter(tensors)
        filled = tree_map(lambda a: next(rest) if isinstance(a, Tensor) else a, (args, kwargs))
        return tensors_of(func(*filled[0], **filled[1]))[at]

    return part


def gradient_of(func: Any, args: Any, kwargs: Any, at: int, which: list[int]) -> Callable[..., Any]:
    """The gradient of tensor `at`, by PyTorch, from the tensors and the upstream gradients behind them."""
    count = len(tensors_of((args, kwargs)))

    def gradient(*values: Tensor) -> Tensor:
        leaves = [x.detach().clone() for x in values[:count]]
        leaf = leaves[at].requires_grad_()
        rest = iter(leaves)
        with without_torch_functions(), torch.enable_grad():
            filled = tree_map(lambda a: next(rest) if isinstance(a, Tensor) else a, (args, kwargs))
            outputs = tensors_of(func(*filled[0], **filled[1]))
            used = [
                (outputs[i], g)
                for i, g in zip(which, values[count:], strict=True)
                if outputs[i].requires_grad
            ]
            if not used:
                return torch.zeros_like(leaf)
            ends, starts = [o for o, _ in used], [g.expand(o.shape) for o, g in used]
            found: Any = torch.autograd.grad(ends, leaf, starts, allow_unused=True)[0]
        if found is None:
            return torch.zeros_like(leaf)
        dense: Tensor = found.to_dense() if found.is_sparse else found
        return dense

    return gradient
