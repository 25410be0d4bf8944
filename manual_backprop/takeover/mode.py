"""The mode that sees every call of a torch function inside a block, and hands it to its twin."""

from collections.abc import Iterator
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from manual_backprop import functional  # noqa: F401 - the operations register their twins
from manual_backprop.functional.operation import TWINS
from manual_backprop.takeover.coverage import PLACE, Coverage, is_hand_written, place_of_call, places_of

BACKWARDS = {torch.autograd.backward, torch.autograd.grad, Tensor.backward}


class BuiltIn(RuntimeError):  # noqa: N818 - it is what was met, not a bug
    """With `strict=True`: a call that would have a built-in backward."""


class Takeover(TorchFunctionMode):
    """The mode that `use_manual_gradients` enters."""

    def __init__(self, strict: bool) -> None:
        super().__init__()
        self.strict = strict
        self.coverage = Coverage()
        self.running: list[Any] = []  # functions written in Python: asked for again, PyTorch's own is called

    def __enter__(self) -> Coverage:
        super().__enter__()  # type: ignore[no-untyped-call]
        return self.coverage

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What torch calls in the place of `func`."""
        kwargs = kwargs or {}
        if func in BACKWARDS:
            return self._backward(func, args, kwargs)
        if not _needs_gradient(args, kwargs):
            return func(*args, **kwargs)
        if func in TWINS:
            return TWINS[func](*args, **_without_out(kwargs))
        if isinstance(func, FunctionType) and func not in self.running:
            return self._inside(func, args, kwargs)
        return self._built_in(func, args, kwargs)

    def _backward(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Walks the graph, once: Tensor.backward calls torch.autograd.backward."""
        if func in self.running:
            return self._built_in(func, args, kwargs)
        if BACKWARDS.isdisjoint(self.running):
            self.coverage.walk(*_tensors(args[:1] or tuple(kwargs.values())[:1]))
        return self._inside(func, args, kwargs)

    def _inside(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Runs a function that torch has written in Python, and sees what it calls."""
        self.running.append(func)
        try:
            with self:
                return _never_overridden(func)(*args, **kwargs)
        finally:
            self.running.pop()

    def _built_in(self, func: Any, args: Any, kwargs: Any) -> Any:
        """PyTorch's own function; a backward of its own is noted, or with `strict` an error."""
        result = func(*args, **kwargs)
        if any(t.grad_fn is not None and not is_hand_written(t.grad_fn) for t in _tensors(result)):
            self._note(func, result)
        return result

    def _note(self, func: Any, result: Any) -> None:
        place = f"{resolve_name(func) or func.__name__} in {place_of_call()}"
        if self.strict:
            raise BuiltIn(f"{place} has no hand-written backward")
        for tensor in _tensors(result):
            if tensor.grad_fn is not None:
                places_of(tensor.grad_fn).setdefault(PLACE, place)


def _needs_gradient(args: Any, kwargs: Any) -> bool:
    """Whether the call builds a graph."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in _tensors((args, kwargs)))


def _without_out(kwargs: dict[str, Any]) -> dict[str, Any]:
    """`out=None` says nothing, and twins have no `out`; any other `out` stays, and is an error."""
    return {name: value for name, value in kwargs.items() if name != "out" or value is not None}


@cache
def _never_overridden(func: FunctionType) -> FunctionType:
    """A copy of a Python function of torch's that takes itself not to be overridden and runs its own code.

    Each such function begins with `if has_torch_function(…): return handle_torch_function(…)`. In the copy,
    the answer to that question is no.
    """
    answers = {name: _no for name in func.__globals__ if name.startswith("has_torch_function")}
    copy = FunctionType(
        func.__code__, func.__globals__ | answers, func.__name__, func.__defaults__, func.__closure__
    )
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def _no(*_: Any) -> bool:
    return False


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in an argument or a result: by itself, or in lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))
