"""Nodes as Python with NumPy."""

from collections.abc import Callable, Mapping
from typing import Any

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import CALL, Expressions, Unwritable, Written, as_list, brief
from manual_backprop.derive.writing.torch_code import new_axis


class NumpyCode(Expressions):
    """`np.where(a > 0, da, 0)`."""

    def forms(self) -> Mapping[str, Callable[..., str]]:
        """How NumPy writes each primitive."""
        return FORMS

    def constant(self, node: Node) -> Written:
        """A list in `np.array`, or a number."""
        if not node.value.dim():
            return self.literal(node.value.item()), CALL
        return f"np.array({self.text(as_list(node.value))})", CALL

    def other(self, node: Node) -> Written:
        """NumPy has no such function."""
        raise Unwritable(f"{node.op} has no form in NumPy")

    def copy(self, x: Any) -> str:
        """A copy that may be written to."""
        return self.method(x, "copy")


def _reduction(name: str) -> Callable[..., str]:
    def write(w: Expressions, x: Any, dims: Any, keepdim: bool) -> str:
        if dims is None and not keepdim:
            return w.method(x, name)
        kept = {"keepdims": True} if keepdim else {}
        dims = tuple(range(len(x.shape))) if dims is None else dims
        return w.method(x, name, brief(dims), **kept)

    return write


FORMS: dict[str, Callable[..., str]] = {
    **{
        op: (lambda w, x, op=op: w.call(f"np.{op}", x))
        for op in ("exp", "log", "sqrt", "abs", "sign", "tanh")
    },
    "relu": lambda w, x: w.call("np.maximum", x, 0),
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("max"),
    "where": lambda w, c, a, b: w.call("np.where", c, a, b),
    "stop_gradient": lambda w, x: w.text(x, CALL),
    "T": lambda w, x: f"{w.text(x, CALL)}.T" if len(x.shape) == 2 else w.call("np.swapaxes", x, -1, -2),
    "permute": lambda w, x, order: w.method(x, "transpose", *order),
    "reshape": lambda w, x, shape: w.method(x, "reshape", *shape),
    "unsqueeze": lambda w, x, dim: f"{w.text(x, CALL)}[{new_axis(len(x.shape), dim)}]",
    "expand": lambda w, x, shape: w.call("np.broadcast_to", x, shape),
    "getitem": lambda w, x, index: f"{w.text(x, CALL)}[{w.index(index)}]",
}
