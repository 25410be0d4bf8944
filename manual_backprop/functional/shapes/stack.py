"""Stacking: tensors of one shape, side by side along a new dimension.

Given   yₙₖ = xⁿₖ, n counting the tensors, and the upstream gradient ∂L/∂y.
Want    ∂L/∂xⁿ for each n.

1.  Each element of y is one of one xⁿ, so the chain rule has one term, with slope 1:

        ∂L/∂xⁿₖ = ∂L/∂yₙₖ

2.  So each input gets the slice of the upstream gradient that is its own:

        (∂L/∂x¹, ∂L/∂x², …) = unbind(∂L/∂y)

Stacking and unbinding are each other's backward.

Shapes: N inputs (*), all alike; output (*) with a further dimension of size N.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import are_tensors, integer, with_numpys_names
from manual_backprop.functional.operation import Formula, Operation, example, function_of, public


class Stack(Operation):
    """yₙ = xⁿ, and ∂L/∂xⁿ = ∂L/∂yₙ."""

    formula = Formula("stack", "shape", "{all}, side by side", ("its slice of {g}",))

    @staticmethod
    def written(*inputs: Any) -> Any:
        *tensors, dim = inputs
        return torch.stack(tensors, dim), lambda g: tuple(g.select(dim, i) for i in range(len(tensors)))

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        *tensors, dim = inputs
        return torch.stack(tensors, dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, ctx.dim = inputs  # no number is kept
        ctx.dtypes = [x.dtype for x in tensors]

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        slices = zip(grad_output.unbind(ctx.dim), ctx.dtypes, ctx.needs_input_grad[:-1], strict=True)
        return (*(part.to(dtype) if needed else None for part, dtype, needed in slices), None)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        example = next(t for t in tangents[:-1] if t is not None)
        return torch.stack([torch.zeros_like(example) if t is None else t for t in tangents[:-1]], ctx.dim)


_stack = function_of(Stack)


@public(torch.stack, example=example((5, 3), (5, 3), call=lambda stack, *tensors: stack(tensors)))
@with_numpys_names
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """The tensors side by side along a new dimension; as torch.stack, with a hand-written gradient.

    Args:
        tensors: xⁿ, of one shape (*).
        dim: where the new dimension stands.

    Returns:
        y, whose size there is their number.

    Raises:
        TypeError: what was given is not a sequence of tensors.
        RuntimeError: no tensors, or tensors of different shapes.
        IndexError: no such place for a dimension.
    """
    if not are_tensors(tensors):
        return torch.stack(tensors, dim)  # which raises
    return _stack(*tensors, integer("stack", "dim", dim))
