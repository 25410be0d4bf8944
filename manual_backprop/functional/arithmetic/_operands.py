"""Two operands, each a tensor or a number: what the sum, the difference, the product and the quotient share.

Operands of different shapes are broadcast to one, and operands of different types are taken to the type that
holds both: float32 and float64 give float64. On the way back, each gets a gradient of its own shape and type
(`back_to` in broadcast_to.py): summed over its uses and rounded to its type. A number gets none.

A number stays a number. As a tensor of half precision it would be rounded before it is used.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from manual_backprop.functional.operation import Operation, function_of, keep
from manual_backprop.functional.shapes.broadcast_to import like


def function_of_operands(operation: type[Operation]) -> Callable[..., Any]:
    """As `function_of`; of two numbers there is a value, but no gradient."""
    apply = function_of(operation)

    def apply_to(input: Any, other: Any, *options: Any) -> Any:
        if isinstance(input, Tensor) or isinstance(other, Tensor):
            return apply(input, other, *options)
        return operation.forward(input, other, *options)

    return apply_to


def remember_operands(ctx: Any, output: Tensor, input: Any, other: Any) -> None:
    """Shapes and types; no number is kept."""
    ctx.like = like(input), like(other)
    ctx.shape, ctx.dtype = output.shape, output.dtype


def keep_operands(ctx: Any, *operands: Any) -> None:
    """Keep these operands; None for one that is not needed."""
    ctx.numbers = [None if isinstance(x, Tensor) else x for x in operands]
    keep(ctx, *(x if isinstance(x, Tensor) else None for x in operands))


def kept_operands(ctx: Any) -> list[Any]:
    """The operands; None for one that was not kept."""
    return [
        number if tensor is None else tensor
        for tensor, number in zip(ctx.saved_tensors, ctx.numbers, strict=True)
    ]


def conj(value: Any) -> Any:
    """The complex conjugate, by which autograd's gradients go back; a real number is its own."""
    if isinstance(value, Tensor):
        return value.conj()
    return value.conjugate() if isinstance(value, complex) else value
