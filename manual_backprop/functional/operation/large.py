"""How the backward of a large input is made: compiled, block by block, or in one piece as it is written."""

from typing import Any, NamedTuple

from torch import Tensor

from manual_backprop.functional.operation.blocks import BLOCKS_FROM, by_blocks
from manual_backprop.functional.operation.compiled import COMPILED_FROM, FUSED, compiled_backward
from manual_backprop.functional.operation.rows import Gradients, as_tuple, rows_of

LARGE_FROM = min(BLOCKS_FROM, COMPILED_FROM)
"""Numbers of the input from which on there may be another way."""


class Large(NamedTuple):
    """What is known of a large input when its operation is called.

    Attributes:
        shape: of the input.
        row_dims: how many of its last dimensions make a row; None where it has no rows.
        is_fused: whether the backward is to be compiled.
    """

    shape: tuple[int, ...]
    row_dims: int | None
    is_fused: bool


def large(input: Tensor, row_dims: int | None) -> Large | None:
    """None for what is small, or gains nothing."""
    is_fused = FUSED.get()
    if input.numel() < (COMPILED_FROM if is_fused else BLOCKS_FROM):
        return None
    if not is_fused and (row_dims is None or input.device.type != "cpu"):
        return None
    return Large(input.shape, row_dims, is_fused)


def large_backward(operation: Any, ctx: Any, grad_outputs: tuple[Tensor, ...], input: Large) -> Gradients:
    """`operation.backward(ctx, *grad_outputs)`."""
    shape, row_dims, is_fused = input
    needs = ctx.needs_input_grad
    kept_tensors = (None if tensor is None else tensor.detach() for tensor in ctx.saved_tensors)
    tensors = (*kept_tensors, *grad_outputs)  # which know nothing of the graph, as the compiler asks
    options = {name: value for name, value in vars(ctx).items() if value is not input}
    rows = None if row_dims is None else rows_of(tensors, shape, row_dims)
    if is_fused:
        given = tensors if rows is None else rows.tensors
        gradients = compiled_backward(operation, given, len(grad_outputs), needs, options)
    elif rows is not None and rows.count > 1:
        gradients = by_blocks(operation, rows, needs, options)
    else:
        return as_tuple(operation.backward(ctx, *grad_outputs))
    if rows is None:
        return gradients
    return tuple(
        x.view(shape) if x is not None and x.shape == (rows.count, *rows.row) else x for x in gradients
    )
