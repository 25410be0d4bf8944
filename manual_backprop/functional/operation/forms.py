"""Which form of an operation runs: PyTorch is given the same formulas as the occasion needs them."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.checks import require_overwritable
from manual_backprop.functional.operation.compiled import compiled_forward
from manual_backprop.functional.operation.large import LARGE_FROM, large, large_backward
from manual_backprop.functional.operation.operation import Operation
from manual_backprop.functional.operation.registry import TWINS
from manual_backprop.functional.operation.torch_state import (
    WithoutFunctionModes,
    base_of,
    has_function_modes,
    is_forward_mode,
    is_ordinary,
    is_transformed,
    is_view,
    loses_views,
    may_overwrite_own,
    view_as_built_in,
)

WATCH: ContextVar[Callable[..., Tensor] | None] = ContextVar("watch", default=None)
"""Who is called in an operation's place, with the operation, what computes it, and the inputs."""

COMPUTES_AGAIN = "computes_again"


def function_of(operation: type[Operation]) -> Callable[..., Any]:
    """The function that applies `operation`: casts under autocast, checks, computes.

    PyTorch is given the same formulas in the form that the occasion needs:

    - of large inputs: plain, with the backward made as large.py says.
    - plain: where nothing transforms the function, without a `jvp`, and with `setup_context` called at the
      end of `forward`. PyTorch takes 40 to 60 µs less for a call and its backward than with both.
    - operation: under torch.func, which asks for `setup_context`, in forward mode, for `jvp`, and where it
      overwrites its input.
    - `forward` alone: a view under torch.func.grad, so that it is one, and has PyTorch's own backward.
    - traced: under torch.compile, which refuses a Function that has its own `jvp`, and needs none: what it
      traces is not differentiated in forward mode.
    """
    plain, traced = _plain(operation), _traced(operation)
    of_large = _of_large(operation) if operation.has_several_passes else None
    overwrites, views, name = operation.overwrites, operation.views, operation.__name__  # Dynamo cannot look

    def apply(*inputs: Any) -> Any:
        if is_ordinary() and not overwrites and WATCH.get() is None:  # as it mostly is: leave early
            operation.check(*inputs)
            if of_large is not None and inputs[0].numel() >= LARGE_FROM:
                return of_large.apply(*inputs)
            output = plain.apply(*inputs)
            if views:
                view_as_built_in(output)
            return output
        device_type = next(x for x in inputs if isinstance(x, Tensor)).device.type
        if is_autocasting(device_type):
            dtype = operation.autocast_dtype(device_type)
            if dtype is not None:
                with torch.autocast(device_type, enabled=False):
                    return apply(*(autocast(value, dtype) for value in inputs))
        operation.check(*inputs)
        if overwrites:
            require_overwritable(name, inputs[0])
        if torch.compiler.is_compiling():
            if any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
                return traced.apply(*_distinct(inputs))
            return operation.forward(*inputs)  # Dynamo would hand a `forward(*inputs)` the ctx as well
        if views and is_transformed() and loses_views():
            output = operation.forward(*inputs)
            if _is_view_of(output[0] if isinstance(output, tuple) else output, inputs):
                return output
        watch = WATCH.get()
        if watch is not None:
            output = watch(operation, operation.apply, inputs)
        elif overwrites or is_transformed() or is_forward_mode():
            output = operation.apply(*inputs)
        else:
            output = (of_large or plain).apply(*inputs)
        if views:
            view_as_built_in(output)
        return output

    return apply


def computes_again(node: Any) -> None:
    """Say of a backward that what it has kept is computed again, by calls that modes have to see."""
    setattr(node, COMPUTES_AGAIN, True)


def _distinct(inputs: tuple[Any, ...]) -> list[Any]:
    """The inputs, a tensor that was given before as a view of itself: Dynamo takes no tensor twice."""
    found: list[Any] = []
    for x in inputs:
        again = isinstance(x, Tensor) and any(x is other for other in found)
        found.append(x.view_as(x) if again else x)
    return found


def _is_view_of(output: Tensor, inputs: tuple[Any, ...]) -> bool:
    bases = [base_of(x) for x in inputs if isinstance(x, Tensor)]
    return is_view(output) and any(base_of(output) is base for base in bases)


def is_autocasting(device_type: str) -> bool:
    """Whether torch.autocast is on for a device; meta has none."""
    return device_type != "meta" and torch.is_autocast_enabled(device_type)


def autocast(value: Any, dtype: torch.dtype) -> Any:
    """As torch.autocast does it: floating-point tensors are cast, but never float64 ones."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.dtype == torch.float64:
        return value
    cast = torch.Tensor.to if torch.compiler.is_compiling() else TWINS[torch.Tensor.to]  # clone.py
    return cast(value, dtype)


def _plain(operation: type[Operation]) -> Any:
    """`forward_and_keep` and `backward`, and nothing else."""
    forward, backward = operation.forward_and_keep, _unseen(operation.backward)
    return _function(operation, forward=staticmethod(forward), backward=staticmethod(backward))


def _of_large(operation: type[Operation]) -> Any:
    """`forward_and_keep`, and a backward that is compiled or made by blocks where that pays."""
    forward_and_keep, written = operation.forward_and_keep, operation.backward

    def forward(ctx: Any, *inputs: Any) -> Any:
        found = large(inputs[0], operation.row_dims(*inputs))
        if found is not None and found.is_fused and operation.forward_has_several_passes:
            output = compiled_forward(operation, inputs)
            operation.setup_context(ctx, inputs, output)
        else:
            output = forward_and_keep(ctx, *inputs)
        ctx.large = found
        return output

    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        if ctx.large is None or not may_overwrite_own(grad_outputs[0]):
            return written(ctx, *grad_outputs)
        return large_backward(operation, ctx, grad_outputs, ctx.large)

    return _function(operation, forward=staticmethod(forward), backward=staticmethod(_unseen(backward)))


def _unseen(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A backward whose calls no mode sees where nothing is recorded, so that there is nothing to see."""

    def run(ctx: Any, *grad_outputs: Tensor) -> Any:
        if not has_function_modes() or torch.is_grad_enabled() or hasattr(ctx, COMPUTES_AGAIN):
            return backward(ctx, *grad_outputs)
        with WithoutFunctionModes():
            return backward(ctx, *grad_outputs)

    return run


def _traced(operation: type[Operation]) -> Any:
    """All but `jvp`."""
    names = ("forward", "setup_context", "backward", "generate_vmap_rule")
    return _function(operation, **{name: _static(operation, name) for name in names})


def _function(operation: type[Operation], **parts: Any) -> Any:
    """A Function of the same name that has these parts only."""
    return type(operation.__name__, (torch.autograd.Function,), parts)


def _static(operation: type[Operation], name: str) -> Any:
    """A part of the operation as the class has it, with `staticmethod` around it."""
    return next(vars(base)[name] for base in operation.__mro__ if name in vars(base))
