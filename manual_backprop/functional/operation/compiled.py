"""`fused()`: the written-out backwards, compiled.

A formula stays as it is written; torch.compile makes one pass over memory of its many. Each is compiled once,
when it is first met, for tensors of any size, and PyTorch keeps what it has compiled on disk, where the next
process finds it. Small tensors are computed as ever: a compiled call has a price of its own.
"""

import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.rows import Gradients, Kept, as_tuple
from manual_backprop.functional.operation.torch_state import WithoutFunctionModes

FUSED: ContextVar[bool] = ContextVar("fused", default=False)
"""Whether what is computed now will have a compiled backward."""
COMPILED_FROM = 2**16
"""Numbers of the input."""
_formulas: dict[Any, "_Formula"] = {}
"""By operation and by what the compiled code depends on."""
_NO_COMPILER = ("InvalidCxxCompiler", "TritonMissing")
"""Errors of PyTorch's after which no other formula need be tried."""
_unavailable: set[str] = set()
"""The kinds of devices for which there is no compiler."""


class fused(ContextDecorator):  # noqa: N801 - as torch.no_grad
    """Inside, the backwards of hand-written operations are compiled where that pays.

    An operation that is called inside has a compiled backward, wherever `backward()` is called. The first of
    its kind takes some seconds. Where PyTorch finds no compiler, a warning says so, and all is computed as it
    is outside. Under torch.func, in forward mode, and where a backward is differentiated, nothing is
    compiled; inside a torch.compile of your own, everything is already. Like `torch.no_grad()`, it can also
    stand over a function.
    """

    def __init__(self) -> None:
        self.outside: list[Token[bool]] = []

    def __enter__(self) -> None:
        self.outside.append(FUSED.set(True))

    def __exit__(self, *exception: object) -> None:
        FUSED.reset(self.outside.pop())


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
    device = tensors[-1].device.type  # type: ignore[union-attr]  # an upstream gradient
    of_tensors = tuple(None if t is None else (t.dtype, t.dim()) for t in tensors)
    values = tuple(options.values())
    key = operation, needs, device, of_tensors, tuple(zip(options, map(type, values), strict=True))
    if key not in _formulas:
        _formulas[key] = _Formula(operation, "backward", _backward(operation, outputs, needs, tuple(options)))
    return as_tuple(_formulas[key](device, tensors, values))


def compiled_forward(operation: Any, inputs: tuple[Any, ...]) -> Any:
    """`operation.forward`, compiled."""
    device = inputs[0].device.type
    given = tuple(x.detach() if isinstance(x, Tensor) else x for x in inputs)
    kinds = tuple((x.dtype, x.dim()) if isinstance(x, Tensor) else type(x) for x in given)
    key = operation, device, kinds
    if key not in _formulas:
        written = operation.forward

        def forward(*inputs: Any) -> Any:
            return written(*inputs)

        _formulas[key] = _Formula(operation, "forward", forward)
    return _formulas[key](device, *given)


def _backward(operation: Any, outputs: int, needs: tuple[bool, ...], names: tuple[str, ...]) -> Any:
    """The backward as a function of tensors and options."""
    written = operation.backward  # of the class itself, Dynamo would make a Function

    def backward(tensors: tuple[Tensor | None, ...], values: tuple[Any, ...]) -> Any:
        kept = Kept(tensors[:-outputs], needs, zip(names, values, strict=True))
        return written(kept, *tensors[-outputs:])

    return backward


class _Formula:
    """A forward or a backward, compiled where it can be."""

    def __init__(self, operation: Any, direction: str, written: Any) -> None:
        # Dynamo keeps what it has compiled with the code: each has a copy of its own.
        code = written.__code__.replace(co_name=f"{operation.__name__}_{direction}")
        own = FunctionType(code, written.__globals__, code.co_name, None, written.__closure__)
        self.name, self.written = f"{direction} of {operation.formula.name}", written
        self.compiled: Callable[..., Any] | None = torch.compile(own, fullgraph=True, dynamic=True)

    def __call__(self, device: str, *given: Any) -> Any:
        if self.compiled is not None and device not in _unavailable:
            try:
                with WithoutFunctionModes():
                    return self.compiled(*given)
            except Exception as error:  # the compiler's; one of the formula's own comes again below
                self.compiled = None
                _tell(self.name, device, error)
        return self.written(*given)


def _tell(name: str, device: str, error: Exception) -> None:
    """Say once what is not compiled, and why."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    which = f"the {name} runs as it is"
    if reason.startswith(_NO_COMPILER):
        _unavailable.add(device)
        which = f"there is no compiler for {device}, so that formulas run as they are"
    warnings.warn(f"fused: {which} written: {reason}", stacklevel=5)
