"""The concatenation: tensors one behind the other.

Given   y = (x¹, x², …) along one dimension: place k of y is place k − sⁿ of xⁿ, where sⁿ is the sum of the
        sizes before it, and the upstream gradient ∂L/∂y.
Want    ∂L/∂xⁿ for each n.

1.  Each element of y is one of one xⁿ, so the chain rule has one term, with slope 1:

        ∂L/∂xⁿₖ = ∂L/∂y at place sⁿ + k

2.  So each input gets the stretch of the upstream gradient that stands where it stood:

        (∂L/∂x¹, ∂L/∂x², …) = split(∂L/∂y, the sizes of x¹, x², …)

The concatenation and the split are each other's backward. Copies forward, views backward.

Shapes: inputs (…, dⁿ, …), alike but for that dimension; output (…, Σ dⁿ, …).
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import are_tensors, integer, with_numpys_names
from manual_backprop.functional.operation import Formula, Operation, example, function_of, public


class Cat(Operation):
    """y = (x¹, x², …), and ∂L/∂xⁿ its stretch of ∂L/∂y."""

    formula = Formula("cat", "shape", "{all}, one behind the other", ("its part of {g}",))

    @staticmethod
    def written(*inputs: Any) -> Any:
        *tensors, dim = inputs
        y = torch.cat(tensors, dim)

        def backward(g: Tensor) -> tuple[Tensor, ...]:
            start, parts = 0, []
            for x in tensors:
                if x.dim() < g.dim():  # an empty vector, which goes with everything
                    parts.append(torch.zeros_like(x))
                    continue
                parts.append(g.narrow(dim, start, x.shape[dim]))
                start += x.shape[dim]
            return tuple(parts)

        return y, backward

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        *tensors, dim = inputs
        return torch.cat(tensors, dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, dim = inputs  # no number is kept
        ctx.dim, ctx.shapes, ctx.dtypes = dim, [x.shape for x in tensors], [x.dtype for x in tensors]
        ctx.shape = output.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        sizes = [shape[ctx.dim] if len(shape) == len(ctx.shape) else 0 for shape in ctx.shapes]
        stretches = grad_output.split(sizes, ctx.dim)
        grads = [
            stretch.reshape(shape).to(dtype) if needed else None
            for stretch, shape, dtype, needed in zip(
                stretches, ctx.shapes, ctx.dtypes, ctx.needs_input_grad[:-1], strict=True
            )
        ]
        return (*grads, None)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        example = next(t for t in tangents[:-1] if t is not None)
        parts = [
            example.new_zeros(shape, dtype=dtype) if t is None else t
            for t, shape, dtype in zip(tangents[:-1], ctx.shapes, ctx.dtypes, strict=True)
        ]
        return torch.cat(parts, ctx.dim)


_cat = function_of(Cat)


@public(
    torch.cat,
    torch.concat,
    torch.concatenate,
    example=example((2, 3), (5, 3), call=lambda cat, *tensors: cat(tensors)),
)
@with_numpys_names
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """The tensors one behind the other along a dimension; as torch.cat, with a hand-written gradient.

    Args:
        tensors: xⁿ, alike in all sizes but that of `dim`; an empty vector (0,) may stand among them.
        dim: the dimension.

    Returns:
        y, whose size there is the sum of theirs.

    Raises:
        TypeError: what was given is not a sequence of tensors.
        RuntimeError: sizes that do not fit.
        IndexError: no such dimension.
    """
    if not are_tensors(tensors):
        return torch.cat(tensors, dim)  # which raises
    return _cat(*tensors, integer("cat", "dim", dim))
