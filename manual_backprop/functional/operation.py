"""What every operation shares: how a forward and its hand-written backward become one function of tensors.

An operation is a function f with its derivative written out twice:

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
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
HALF_PRECISION = (torch.float16, torch.bfloat16)
WATCH: ContextVar[Callable[..., Tensor] | None] = ContextVar("watch", default=None)
"""Who is called in an operation's place, with the operation, what computes it, and the inputs."""
TWINS: dict[Any, Callable[..., Any]] = {}
"""The functions of torch that have a hand-written twin, and that twin."""


class Operation(torch.autograd.Function):
    """A forward with its hand-written derivative.

    A subclass writes four static methods:

    - `forward(*inputs)`: the value.
    - `setup_context(ctx, inputs, output)`: what is kept for the derivative, with `keep`.
    - `backward(ctx, grad_output)`: ∂L/∂input for each input, in order; None for what is no tensor.
    - `jvp(ctx, *tangents)`: the tangent of the output; a tangent is None where its input has none.

    Where the call can be wrong, `check(*inputs)` raises before anything is computed.
    """

    generate_vmap_rule = True
    overwrites = False
    """Whether it writes over an input, so that a call of it cannot be tried twice."""

    @staticmethod
    def check(*inputs: Any) -> None:
        """Raise, in the exception type of the torch.nn.functional twin, if these inputs do not fit."""

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Any:
        """`forward` and `setup_context` in one, where nothing transforms the operation."""
        output = cls.forward(*inputs)
        cls.setup_context(ctx, inputs, output)
        return output

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        """The dtype that torch.autocast gives to the inputs; None where it leaves them as they are."""
        return None


def function_of(operation: type[Operation]) -> Callable[..., Any]:
    """The function that applies `operation`: casts under autocast, checks, computes.

    PyTorch is given the same formulas in the form that the occasion needs:

    - plain: where nothing transforms the function, without a `jvp`, and with `setup_context` called at the
      end of `forward`. PyTorch takes 40 to 60 µs less for a call and its backward than with both.
    - operation: under torch.func, which asks for `setup_context`, and in forward mode, for `jvp`. What the
      mode is shows when the plain form refuses, so what overwrites its input always takes this form.
    - traced: under torch.compile, which refuses a Function that has its own `jvp`, and needs none: what it
      traces is not differentiated in forward mode.
    """
    parts: dict[str, Any] = {
        name: part for base in reversed(operation.__mro__) for name, part in vars(base).items()
    }

    def variant(**own: Any) -> Any:
        return type(operation.__name__, (torch.autograd.Function,), own)

    plain = variant(forward=staticmethod(operation.forward_and_keep), backward=parts["backward"])
    traced = variant(**{name: parts[name] for name in _TRACED})

    overwrites, name = operation.overwrites, operation.__name__  # Dynamo cannot look at the class for them

    def apply(*inputs: Any) -> Any:
        device_type = next(x for x in inputs if isinstance(x, Tensor)).device.type
        if torch.is_autocast_enabled(device_type):
            dtype = operation.autocast_dtype(device_type)
            if dtype is not None:
                with torch.autocast(device_type, enabled=False):
                    return apply(*(autocast(value, dtype) for value in inputs))
        operation.check(*inputs)
        if overwrites:
            require_overwritable(name, inputs[0])
        if torch.compiler.is_compiling():
            if any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
                return traced.apply(*inputs)
            return operation.forward(*inputs)  # Dynamo would hand a `forward(*inputs)` the ctx as well
        watch = WATCH.get()
        if watch is not None:
            return watch(operation, operation.apply, inputs)
        if overwrites:
            return operation.apply(*inputs)
        try:
            return plain.apply(*inputs)
        except RuntimeError as error:
            if not any(word in str(error) for word in ("setup_context", "jvp")):
                raise
            return operation.apply(*inputs)  # torch.func or forward mode is at work

    return apply


def twin_of(*functions: Any) -> Callable[[Function], Function]:
    """Says of a function which functions and methods of torch it stands for; their arguments are its own."""

    def register(function: Function) -> Function:
        TWINS.update(dict.fromkeys(functions, function))
        return function

    return register


_TRACED = ("forward", "setup_context", "backward", "generate_vmap_rule")


def autocast(value: Any, dtype: torch.dtype) -> Any:
    """As torch.autocast does it: floating-point tensors are cast, but never float64 ones."""
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != torch.float64:
        return value.to(dtype)
    return value


def keep(ctx: Any, *tensors: Tensor | None) -> None:
    """Keep inputs or outputs for `backward` and `jvp`, which find them in `ctx.saved_tensors`."""
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def widen(tensor: Tensor) -> Tensor:
    """float16 and bfloat16 are computed in float32 and rounded once, at the end; the others as they are."""
    return tensor.float() if tensor.dtype in HALF_PRECISION else tensor


def narrow(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The rounding at the end.

    A cast that changes nothing is left out: at the end of a forward, torch.compile of torch 2.11 makes a
    gradient of zeros of it.
    """
    return tensor if tensor.dtype == dtype else tensor.to(dtype)


def require_tensor(operation: str, **arguments: Any) -> None:
    """Raise a TypeError that names the argument if one of them is no tensor."""
    for name, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{operation}: {name} must be a Tensor, not {type(value).__name__}")


def require_overwritable(operation: str, input: Tensor) -> None:
    """Raise for a leaf that requires a gradient, or a view of one, before anything is written over it."""
    if torch.is_grad_enabled() and not torch.compiler.is_compiling():
        owner = input if input._base is None else input._base
        if owner.is_leaf and owner.requires_grad:
            raise RuntimeError(f"{operation}: in place, a leaf that requires a gradient would be overwritten")


def broadcasts(shape: torch.Size, to: torch.Size) -> bool:
    """Whether a tensor of the one shape can be expanded to the other."""
    return len(shape) <= len(to) and all(
        size in (1, due) for size, due in zip(reversed(shape), reversed(to), strict=False)
    )
