"""Which form of an operation runs: PyTorch is given the same formulas as the occasion needs them."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.checks import require_overwritable
from manual_backprop.functional.operation.operation import Operation
from manual_backprop.functional.operation.precision import autocast

WATCH: ContextVar[Callable[..., Tensor] | None] = ContextVar("watch", default=None)
"""Who is called in an operation's place, with the operation, what computes it, and the inputs."""
_TRACED = ("forward", "setup_context", "backward", "generate_vmap_rule")


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
