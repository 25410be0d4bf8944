"""An elementwise operation in place: its output is written over its input.

Given   a = f(z), written into the memory of z, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  The chain rule is the same as ever:

        ∂L/∂zᵢ = ∂L/∂aᵢ · f′(zᵢ)

2.  But z is gone. Where the slope can be told from a, nothing is missing. That is so for ReLU and its
    relatives, which never fall: the output says on which side of a corner z was. It alone is kept, and the
    next layer keeps it anyway.

3.  Where two z have the same output but not the same slope, as in silu and hardswish, which fall before they
    rise, a copy of z is made, the output computed, and z overwritten with it (overwrite.py). The copy takes
    the memory that was to be saved.

The trap: another operation may have kept z for its own backward, and would find other numbers there.
PyTorch counts the changes of a tensor that it is told of (`mark_dirty`), and raises in such a backward.

Shapes: input, output and gradient (*), all alike.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.in_place.view import overwriting_views
from manual_backprop.functional.operation import Operation, function_of


def overwriting(operation: type[Operation]) -> Callable[..., Tensor]:
    """The function that applies `operation` in place; its backward must need its output alone."""

    def forward(input: Tensor, *options: Any) -> Tensor:
        input.copy_(operation.forward(input, *options))
        return input  # which torch.compile has to recognise

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.mark_dirty(inputs[0])
        operation.setup_context(ctx, inputs, output)

    def jvp(ctx: Any, input_tangent: Tensor, *options: None) -> Tensor:
        tangent: Tensor = operation.jvp(ctx, input_tangent, *options)
        return input_tangent.copy_(tangent)  # z is overwritten, so its tangent is too

    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int | None]:
        return apply(*inputs), in_dims[0]

    methods = {f.__name__: staticmethod(f) for f in (forward, setup_context, jvp, vmap)}
    in_place: Any = type(
        operation.__name__, (operation,), {"generate_vmap_rule": False, "overwrites": True, **methods}
    )
    apply = overwriting_views(function_of(in_place))

    def apply_in_place(input: Tensor, *options: Any) -> Tensor:
        operation.check(input, *options)
        if not torch.is_grad_enabled():
            return forward(input, *options)
        return apply(input, *options)

    return apply_in_place
