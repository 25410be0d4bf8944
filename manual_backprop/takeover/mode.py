"""The mode that sees every call of a torch function inside a block, and hands it to its twin."""

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from functools import cache
from types import FrameType, FunctionType
from typing import Any

import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, Node
from torch.overrides import TorchFunctionMode, resolve_name

from manual_backprop import functional
from manual_backprop.functional.in_place.setitem import setitem
from manual_backprop.functional.in_place.view import is_outdated, read_afresh
from manual_backprop.functional.operation import TWINS, computes_again, fused
from manual_backprop.functional.operation.torch_state import (
    base_of,
    function_modes,
    is_checkpointing,
    is_differentiating,
    overrides_torch_functions,
    tree_map,
)
from manual_backprop.takeover.coverage import (
    PLACE,
    Coverage,
    is_hand_written,
    name_of,
    nodes_behind,
    place_of_call,
    places_of,
)

BACKWARDS = {torch.autograd.backward, torch.autograd.grad, Tensor.backward}


class BuiltIn(RuntimeError):  # noqa: N818 - it is what was met, not a bug
    """With `strict=True`: a call that would have a built-in backward."""


class Takeover(TorchFunctionMode):
    """The mode that `use_manual_gradients` enters."""

    def __init__(self, strict: bool, is_fused: bool) -> None:
        super().__init__()
        self.strict = strict
        self.compiling = fused() if is_fused else nullcontext()
        self.coverage = Coverage()
        self.running: list[Any] = []  # functions written in Python: asked for again, PyTorch's own is called

    def __enter__(self) -> Coverage:
        super().__enter__()  # type: ignore[no-untyped-call]
        self.compiling.__enter__()
        return self.coverage

    def __exit__(self, *exception: Any) -> None:
        self.compiling.__exit__(*exception)
        super().__exit__(*exception)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What torch calls in the place of `func`."""
        kwargs = kwargs or {}
        if func in BACKWARDS:
            return self._backward(func, args, kwargs)
        if not torch.is_grad_enabled():  # as in a backward pass
            return func(*args, **kwargs)
        given = _tensors(*args, *kwargs.values())
        if torch.compiler.is_compiling():  # there is no graph to look at yet
            by_hand = func in TWINS and any(tensor.requires_grad for tensor in given)
            return (TWINS[func] if by_hand else func)(*args, **_without_out(kwargs))
        if not any(tensor.requires_grad for tensor in given) or _inside_an_operation():
            return func(*args, **kwargs)
        before = {_graph_of(tensor) for tensor in given} | _graphs_of(given)
        if not all(_is_plain(tensor) for tensor in given):
            result = func(*args, **kwargs)
        elif func in TWINS:
            result = _call_twin(TWINS[func], args, kwargs, given)
        elif isinstance(func, FunctionType) and func not in self.running:
            return self._inside(func, args, kwargs)
        else:
            result = func(*args, **kwargs)
        if result is None or isinstance(result, Tensor | list | tuple):
            new = [tensor for tensor in _tensors(result) if not any(tensor is old for old in given)]
            self._look_at(func, {tensor.grad_fn for tensor in new} | _graphs_of(given), before)
        return result

    def _backward(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Walks the graph, once: Tensor.backward calls torch.autograd.backward."""
        if func in self.running:
            return func(*args, **kwargs)
        if BACKWARDS.isdisjoint(self.running):
            roots, inputs = args[0] if args else next(iter(kwargs.values())), _inputs_of(func, args, kwargs)
            self.coverage.walk(*_edges(roots), until=_edges(inputs))
            if self.strict and self.coverage.built_in:
                raise BuiltIn(str(self.coverage))
        return self._inside(func, args, kwargs)

    def _inside(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Runs a function that torch has written in Python, and sees what it calls."""
        self.running.append(func)
        try:
            with self:
                return _never_overridden(func)(*args, **kwargs)
        finally:
            self.running.pop()

    def _look_at(self, func: Any, after: set[Node | None], before: set[Node | None]) -> None:
        """Note where the call has made a backward of PyTorch's own, or, with `strict`, raise."""
        made = {node for node in after if node is not None and node not in before}
        if made and is_checkpointing():
            for node in made:
                if is_hand_written(node):
                    node.register_prehook(_require_a_block)
                    computes_again(node)
        found = [node for node, _ in nodes_behind(made, before)] if self.strict else made
        built_in = [node for node in found if not is_hand_written(node)]
        if not built_in:
            return
        place = f"{resolve_name(func) or func.__name__} in {place_of_call()}"
        if self.strict:
            raise BuiltIn(f"{place} has no hand-written backward: {name_of(built_in[0])}")
        for node in built_in:
            places_of(node).setdefault(PLACE, place)


def _require_a_block(_: Any) -> None:
    """What was computed by hand is computed again by hand: other operations save other tensors."""
    if not any(isinstance(mode, Takeover) for mode in function_modes()):
        raise RuntimeError(
            "backward: torch.utils.checkpoint computes a part of the model again that was computed inside "
            "use_manual_gradients(): call backward() inside the block too, or inside another one"
        )


def _call_twin(twin: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
    """The twin's result, of arguments that are read afresh where they are views that were written over."""
    kwargs = _without_out(kwargs)
    if twin is setitem or not any(is_outdated(tensor) for tensor in given):
        return twin(*args, **kwargs)
    read: dict[int, tuple[Tensor, Tensor]] = {}  # by the id of what is read, that and what was given

    def afresh(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        fresh = read_afresh(value)
        read[id(fresh)] = fresh, value
        return fresh

    args, kwargs = tree_map(afresh, (args, kwargs))
    result = twin(*args, **kwargs)
    return read[id(result)][1] if id(result) in read else result  # in place, the tensor that was given


def _without_out(kwargs: dict[str, Any]) -> dict[str, Any]:
    """`out=None` says nothing, and twins have no `out`; any other `out` stays, and is an error."""
    return {name: value for name, value in kwargs.items() if name != "out" or value is not None}


def _is_plain(tensor: Tensor) -> bool:
    """Whether the operations handle such a tensor; sparse, nested, quantised and others are PyTorch's own."""
    return (
        tensor.layout is torch.strided
        and not tensor.is_nested
        and not tensor.is_quantized
        and (type(tensor) in (Tensor, nn.Parameter) or not overrides_torch_functions(tensor))
    )


def _inside_an_operation() -> bool:
    """Whether it is a hand-written formula that calls, to be differentiated as it stands.

    What torch.utils.checkpoint computes again for it is the model's.
    """
    if not is_differentiating():
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == torch.utils.checkpoint.__name__:
            return False
        if module.startswith(functional.__name__):
            return True
        frame = frame.f_back
    return False


def _graph_of(tensor: Tensor) -> Node | None:
    """The node that made it; none of a view that may be read no more, which PyTorch says where it is."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def _graphs_of(tensors: Iterable[Tensor]) -> set[Node | None]:
    """The nodes that made them; of a view, what made the tensor that it shows, since both change together."""
    return {base_of(tensor).grad_fn for tensor in tensors}


def _inputs_of(func: Any, args: Any, kwargs: Any) -> Any:
    """What is differentiated with respect to, where it is said."""
    if "inputs" in kwargs:
        return kwargs["inputs"]
    at = {torch.autograd.grad: 1, torch.autograd.backward: 5, Tensor.backward: 4}[func]
    return args[at] if len(args) > at else None


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


def _edges(value: Any) -> list[Tensor | GradientEdge]:
    """The tensors, and edges of the graph, that a backward pass begins or ends with."""
    if isinstance(value, GradientEdge):
        return [value]
    if isinstance(value, list | tuple):
        return [edge for part in value for edge in _edges(part)]
    return [*_tensors(value)]


def _tensors(*values: Any) -> list[Tensor]:
    """The tensors among arguments or results: by themselves, or in lists, tuples and dictionaries."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(*value)
        elif isinstance(value, dict):
            found += _tensors(*value.values())
    return found
