"""Nodes as Python with torch."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from manual_backprop.derive.primitives import UNARY, name_of
from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import (
    CALL,
    Expressions,
    Text,
    Written,
    as_list,
    brief,
    without_defaults,
)


class TorchCode(Expressions):
    """`torch.where(a > 0, da, 0)`."""

    module = "torch"
    copy = "clone"

    def forms(self) -> Mapping[str, Callable[..., str | Written]]:
        """How torch writes each primitive."""
        return FORMS

    def real(self, integers: Node) -> str:
        """`mask.to(z.dtype)`."""
        around, self.around = self.around, []
        written = self.text(integers, CALL)
        self.around = around
        return f"{written}.to({self.type_beside()})"

    @staticmethod
    def statements() -> Mapping[str, Callable[..., list[str]]]:
        """What is written over."""
        return {"setitem": _set}

    def constant(self, node: Node) -> Written:
        """A list in `torch.tensor`, or a number."""
        value = node.value
        if not value.dim() and value.dtype != torch.bool:
            return self.literal(value.item()), CALL
        typed = f", dtype={self.type_beside()}" if value.dtype == torch.float64 else ""
        return f"torch.tensor({self.text(as_list(value))}{typed})", CALL

    def other(self, node: Node) -> Written:
        """As PyTorch names it: a function of torch, of torch.nn.functional, or a method."""
        if node.op.endswith("_backward"):  # PyTorch's own, of what has no hand-written one
            return self.call(node.op, *node.args), CALL
        name = name_of(node.target)
        args, kwargs = without_defaults(node.target, node.args, node.kwargs)
        kwargs = {
            k: v for k, v in kwargs.items() if k not in ("device", "layout", "pin_memory", "requires_grad")
        }
        if name in TYPED and node.value.dtype == torch.float64:
            kwargs["dtype"] = Text(self.type_beside())
        if getattr(torch.nn.functional, name, None) is node.target:
            return self.call(f"F.{name}", *args, **kwargs), CALL
        if hasattr(torch, name) and not _is_method(node.target):
            return self.call(f"torch.{name}", *args, **kwargs), CALL
        if hasattr(torch.nn.functional, name) and not hasattr(torch.Tensor, name):
            return self.call(f"F.{name}", *args, **kwargs), CALL
        return self.method(args[0], name, *args[1:], **kwargs), CALL


def _is_method(target: Any) -> bool:
    return getattr(torch.Tensor, name_of(target), None) is target


def _reduction(name: str) -> Callable[..., str]:
    def write(w: Expressions, x: Any, dims: Any, keepdim: bool) -> str:
        if dims is None and not keepdim:
            return w.method(x, name)
        kept = {"keepdim": True} if keepdim else {}
        if dims is None:
            dims = tuple(range(len(x.shape)))
        return w.method(x, name, brief(dims), **kept)

    return write


def _transposed(w: Expressions, x: Node) -> str:
    return f"{w.text(x, CALL)}.{'T' if len(x.shape) == 2 else 'mT'}"


def _unsqueeze(w: Expressions, x: Node, dim: int) -> str:
    return f"{w.text(x, CALL)}[{new_axis(len(x.shape), dim)}]"


TYPED = ("zeros", "ones", "full", "eye", "empty", "linspace", "arange", "tensor", "as_tensor")
"""Functions whose numbers have PyTorch's default type if none is given."""


def _set(w: Expressions, name: str, base: Node, index: Any, value: Any) -> list[str]:
    return [*w.started(name, base), f"{name}[{w.index(index)}] = {w.text(unexpanded(value, w.names))}"]


def unexpanded(value: Any, names: Mapping[Node, str]) -> Any:
    """What is assigned is broadcast anyway."""
    while isinstance(value, Node) and value not in names and value.op == "expand":
        value = value.args[0]
    return value


def _expand(w: Expressions, x: Node, shape: tuple[int, ...]) -> str:
    if not _is_number(x):
        return w.method(x, "expand", *shape)
    return w.call("torch.ones", *shape) if float(x.value) == 1 else w.call("torch.full", shape, x)


def _is_number(x: Node) -> bool:
    """Whether it is made of numbers alone."""
    return x.op == "number" or (x.op in ("neg", "mul", "div") and all(map(_is_number, x.inputs)))


def new_axis(dims: int, dim: int) -> str:
    """The index that puts in a dimension of one."""
    if dim == dims and dims > 1:
        return "..., None"
    return ", ".join([":"] * dim + ["None"])


FORMS: dict[str, Callable[..., str]] = {
    **{op: (lambda w, x, op=op: w.call(f"torch.{op}", x)) for op in UNARY},
    "stop_gradient": lambda w, x: w.method(x, "detach"),
    "logical_not": lambda w, x: f"~{w.text(x, CALL)}",
    "minimum": lambda w, a, b: w.call("torch.minimum", a, b),
    "maximum": lambda w, a, b: w.call("torch.maximum", a, b),
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("amax"),
    "amin": _reduction("amin"),
    "where": lambda w, c, a, b: w.call("torch.where", c, a, b),
    "softmax": lambda w, x, dim: w.call("torch.softmax", x, dim),
    "log_softmax": lambda w, x, dim: w.call("torch.log_softmax", x, dim),
    "T": _transposed,
    "permute": lambda w, x, order: w.method(x, "permute", *order),
    "movedim": lambda w, x, source, destination, _: w.method(x, "movedim", source, destination),
    "reshape": lambda w, x, shape: w.method(x, "reshape", *shape) if shape else w.method(x, "reshape", ()),
    "unsqueeze": _unsqueeze,
    "index_put": lambda w, x, indices, values, accumulate: w.method(
        x, "index_put", indices, values, **({"accumulate": True} if accumulate else {})
    ),
    "expand": lambda w, x, shape: _expand(w, x, shape),
    "getitem": lambda w, x, index: f"{w.text(x, CALL)}[{w.index(index)}]",
    "stack": lambda w, tensors, dim: w.call("torch.stack", list(tensors), *([dim] if dim else [])),
    "cat": lambda w, tensors, dim: w.call("torch.cat", list(tensors), *([dim] if dim else [])),
    "zeros_like": lambda w, x, *_: w.call("torch.zeros_like", x),
    "ones_like": lambda w, x, *_: w.call("torch.ones_like", x),
    "part": lambda w, whole, i: f"{w.text(whole, CALL)}[{i}]",
}
