"""An operation: a function f with its derivative written out twice.

    backward    Jᵀ v    the upstream gradient v = ∂L/∂out pulled back to the inputs (reverse mode)
    jvp         J u     a tangent u of the inputs pushed forward to the output (forward mode)

J is the Jacobian ∂out/∂in. It is never built: both products are written as formulas. That they come from the
same J is what the adjoint identity ⟨v, J u⟩ = ⟨Jᵀ v, u⟩ says, and the tests hold each operation to it.

What `backward` may use
    Only inputs and outputs of the operation are kept for it. PyTorch knows how these depend on the inputs, so
    that `backward`, made of differentiable functions, can itself be differentiated. A saved intermediate
    would be a constant to PyTorch: right first derivatives, silently wrong second ones.

Known limit
    PyTorch turns forward mode off while a `jvp` runs, so forward mode over forward mode (`jacfwd(jacfwd(f))`)
    loses a term for every custom Function. `hessian`, which is `jacfwd(jacrev(f))`, is right.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from manual_backprop.functional.operation.formula import FORMULAS, Formula, bare


class Operation(torch.autograd.Function):
    """A forward with its hand-written derivative.

    A subclass says in `formula` what it computes, in one line of mathematics each way, and writes four static
    methods:

    - `forward(*inputs)`: the value.
    - `setup_context(ctx, inputs, output)`: what is kept for the derivative, with `keep`.
    - `backward(ctx, grad_output)`: ∂L/∂input for each input, in order; None for what is not a Tensor.
    - `jvp(ctx, *tangents)`: the tangent of the output; a tangent is None where its input has none.

    Where the call can be wrong, `check(*inputs)` raises before anything is computed.

    What a person would write on paper and in code is its `written` form, which `derive` prints: no options
    but those of the call, no precision, no speed. `elementary` is the value, taken apart into arithmetic.
    """

    formula: ClassVar[Formula]
    generate_vmap_rule = True
    overwrites = False
    """Whether it writes its output over its input."""
    views = False
    """Whether its outputs may be views of its input, made of it and of nothing else."""

    has_several_passes = False
    """Whether `backward` passes over its numbers several times, so that a large one is made by blocks."""

    forward_has_several_passes = False
    """Whether `forward` does too, where no kernel of PyTorch's is as good, so that it is compiled as well."""

    def __init_subclass__(cls) -> None:
        """Make the formula known; a class that says none, and inherits none, has its bare name."""
        super().__init_subclass__()
        if not hasattr(cls, "formula"):
            cls.formula = bare(cls.__name__)
        FORMULAS[cls.formula.name] = cls.formula
        if "formula" in vars(cls) and cls.formula.kind == "activation":
            cls.has_several_passes = True

    @staticmethod
    def check(*inputs: Any) -> None:
        """Raise, in the exception type of the torch.nn.functional twin, if these inputs do not fit."""

    @classmethod
    def written(cls, *inputs: Any) -> Any:
        """The value, and the function that makes the gradients of the inputs from that of the value.

        NotImplemented where these arguments are not written out. Of an elementwise function of one tensor,
        the slope says all.
        """
        slope = cls.formula.slope
        if slope is None:
            return NotImplemented
        a = cls.forward(*inputs)
        return a, lambda da: da * slope(inputs[0], a)

    elementary: ClassVar[Callable[..., Any] | None] = None
    """The value, made of arithmetic; None where the operation is arithmetic itself."""

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Any:
        """`forward` and `setup_context` in one, where nothing transforms the operation."""
        output = cls.forward(*inputs)
        cls.setup_context(ctx, inputs, output)
        return output

    @classmethod
    def row_dims(cls, *inputs: Any) -> int | None:
        """How many of the last dimensions of the input make a row, which has its gradient to itself.

        None where there is no such thing. It is 0 for an elementwise function: each number is a row.
        """
        return 0 if cls.formula.kind == "activation" else None

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        """The dtype that torch.autocast gives to the inputs; None where it leaves them as they are."""
        return None


def keep(ctx: Any, *tensors: Tensor | None) -> None:
    """Keep inputs or outputs for `backward` and `jvp`, which find them in `ctx.saved_tensors`."""
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)
