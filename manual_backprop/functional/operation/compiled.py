"""`fused()`: the written-out backwards, compiled.

A formula stays as it is written; torch.compile makes one pass over memory of its many. Each is compiled once,
when it is first met, for tensors of any size, and PyTorch keeps what it has compiled on disk, where the next
process finds it. Small tensors are computed as ever: a compiled call has a price of its own.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.rows import Gradients, Kept, as_tuple
from manual_backprop.functional.operation.torch_state import without_torch_functions

FUSED: ContextVar[bool] = ContextVar("fused", default=False)
"""Whether what is computed now will have a compiled backward."""
COMPILED_FROM = 2**16
"""Numbers of the input."""
_compiled: dict[Any, Callable[..., Any] | None] = {}
"""By operation and by what its code depends on; None where it cannot be compiled."""


@contextmanager
def fused() -> Iterator[None]:
    """Inside, the backwards of hand-written operations are compiled where that pays.

    An operation that is called inside has a compiled backward, wherever `backward()` is called. The first one
    of its kind takes some seconds. Where PyTorch finds no compiler, a warning says so, and all is computed as
    it is outside. Under torch.func, in forward mode, and where a backward is differentiated, nothing is
    compiled; inside a torch.compile of your own, everything is already.
    """
    token = FUSED.set(True)
    try:
        yield
    finally:
        FUSED.reset(token)


def compiled_backward(
    operation: Any,
    tensors: tuple[Tensor | None, ...],
    outputs: int,
    needs: tuple[bool, ...],
    options: dict[str, Any],
) -> Gradients:
    """`operation.backward`, compiled.

    Args:
        operation: the class.
        tensors: what was kept, and the upstream gradients.
        outputs: how many these are.
        needs: whether each input's gradient is asked for.
        options: what else the backward finds in its `ctx`.
    """
    of_tensors = tuple(None if t is None else (t.dtype, t.dim(), t.device.type) for t in tensors)
    of_options = tuple((name, type(value)) for name, value in options.items())
    key = operation, needs, of_tensors, of_options
    backward = _formula(operation, outputs, needs, tuple(options))
    if key not in _compiled:
        _compiled[key] = torch.compile(backward, fullgraph=True, dynamic=True)
    compiled = _compiled[key]
    if compiled is not None:
        try:
            with without_torch_functions():
                return as_tuple(compiled(tensors, tuple(options.values())))
        except Exception as error:
            _compiled[key] = None
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            name = operation.formula.name
            warnings.warn(f"fused: the backward of {name} runs as it is written: {reason}", stacklevel=2)
    return as_tuple(backward(tensors, tuple(options.values())))


def _formula(operation: Any, outputs: int, needs: tuple[bool, ...], names: tuple[str, ...]) -> Any:
    """The backward as a function of tensors and options."""
    written = operation.backward  # of the class itself, Dynamo would make a Function

    def backward(tensors: tuple[Tensor | None, ...], values: tuple[Any, ...]) -> Any:
        kept = Kept(tensors[:-outputs], needs, zip(names, values, strict=True))
        return written(kept, *tensors[-outputs:])

    # Dynamo keeps what it has compiled with the code: each has a copy of its own.
    code = backward.__code__.replace(co_name=f"{operation.__name__}_backward")
    return FunctionType(code, backward.__globals__, code.co_name, None, backward.__closure__)
