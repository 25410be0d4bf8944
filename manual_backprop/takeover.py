"""`use_manual_gradients`: a model runs on the hand-written backwards, and not a line of it is changed.

    with use_manual_gradients() as coverage:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
    print(coverage)

How: a `torch.overrides.TorchFunctionMode`, PyTorch's own way to see every call of its functions. A call that
builds a graph goes to the function's hand-written twin if it has one; any other goes to PyTorch as it was. A
mode belongs to the thread that entered it, and nothing of it is left on exit.

A function that torch has written in Python, such as `multi_head_attention_forward`, asks first whether it is
overridden, and is not asked again inside. A copy that does not ask is run in its place, so that what it calls
is seen too.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import FrameType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode, resolve_name

from manual_backprop import functional  # noqa: F401 - the operations register their twins
from manual_backprop.functional.operation import TWINS

PLACE = "manual_backprop: where it was called"
ACCUMULATE = "torch::autograd::AccumulateGrad"  # what adds up a leaf's gradient, and no operation
BACKWARDS = {torch.autograd.backward, torch.autograd.grad, Tensor.backward}


class BuiltIn(RuntimeError):  # noqa: N818 - it is what was met, not a bug
    """With `strict=True`: a call that would have a built-in backward."""


@dataclass
class Coverage:
    """What the last backward graph is made of.

    Attributes:
        hand_written: how many nodes of the backward graph each hand-written operation has.
        built_in: how many each backward of PyTorch's own has, with the place in the model that it came from.
    """

    hand_written: Counter[str] = field(default_factory=Counter)
    built_in: Counter[tuple[str, str]] = field(default_factory=Counter)

    def walk(self, *roots: Tensor) -> None:
        """Walk the graph from these tensors, usually a loss, to the leaves; `backward` does it itself."""
        self.hand_written.clear()
        self.built_in.clear()
        for node, place in nodes_behind(roots):
            if _is_hand_written(node):
                self.hand_written[node.name().removesuffix("Backward")] += 1
            else:
                self.built_in[node.name(), place] += 1

    def __bool__(self) -> bool:
        """Whether there is a graph, and all of it is hand-written."""
        return self.hand_written.total() > 0 and not self.built_in

    def __str__(self) -> str:
        own, others = self.hand_written.total(), self.built_in.total()
        if not own + others:
            return "no backward yet: the graph is walked when backward() is called, or by walk(loss)"
        lines = [f"{own + others} nodes in the backward graph, {own} hand-written"]
        for (name, place), count in sorted(self.built_in.items()):
            lines.append(f"    {count} × {name}, built in: {place}")
        return "\n".join(lines)


def use_manual_gradients(*, strict: bool = False) -> "Takeover":
    """Inside the `with` block, every torch function that has a hand-written twin uses it.

    Autocast, torch.func.functional_call, torch.utils.checkpoint (with the backward inside the block too) and
    DistributedDataParallel work as ever. What needs no gradient is left to PyTorch.

    Args:
        strict: raise at the first call that would have a built-in backward.

    Returns:
        What the `with` statement takes; it hands out the `Coverage`.

    Raises:
        BuiltIn: with `strict`, inside the block.
        RuntimeError: inside the block, where a view that was made in it is written over, as in `x[0] += y`:
            PyTorch allows that for views of its own only.
    """
    return Takeover(strict)


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
        if any(t.grad_fn is not None and not _is_hand_written(t.grad_fn) for t in _tensors(result)):
            self._note(func, result)
        return result

    def _note(self, func: Any, result: Any) -> None:
        place = f"{resolve_name(func) or func.__name__} in {_place()}"
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


def nodes_behind(roots: tuple[Tensor, ...]) -> Iterator[tuple[Node, str]]:
    """Each node of the graph but the leaves' accumulation, and the place that it or one after it is from."""
    found: set[Node] = set()
    waiting: list[tuple[Node | None, str]] = [(root.grad_fn, "the loss") for root in roots]
    while waiting:
        node, place = waiting.pop()
        if node is None or node in found or node.name() == ACCUMULATE:
            continue
        found.add(node)
        place = places_of(node).get(PLACE, place)
        yield node, place
        waiting += [(before, place) for before, _ in node.next_functions]


def _is_hand_written(node: Any) -> bool:
    return isinstance(node, torch.autograd.function.BackwardCFunction)


def places_of(node: Node) -> dict[str, str]:
    """Where a node keeps what is to be known of it, for as long as the graph is there."""
    metadata: Any = node.metadata
    return metadata


def _place() -> str:
    """The module that is computing, by its name in the outermost one, and the line of code."""
    frame: FrameType | None = sys._getframe(1)
    modules: list[nn.Module] = []
    line = ""
    while frame is not None:
        package = frame.f_globals.get("__name__", "").split(".")[0]
        if not line and package not in ("torch", "manual_backprop"):
            line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and (not modules or modules[-1] is not owner):
            modules.append(owner)
        frame = frame.f_back
    if not modules:
        return line
    name = next((name for name, module in modules[-1].named_modules() if module is modules[0]), "")
    kind = type(modules[0]).__name__
    return f"{name or 'the model'} ({kind}), {line}"
