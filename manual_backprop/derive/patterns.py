"""Steps that are one function to whoever wrote them: a sigmoid or a softmax made of its exponentials.

The forward stays as it is written. The way back is that of the function: σ (1 − σ), not a quotient's,
a sum's and an exponential's.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.book import Book
from manual_backprop.derive.program import Call, Node
from manual_backprop.functional.operation.torch_state import tree_leaves
from manual_backprop.functional.shapes._getitem_written import written as picked


def recognised(book: Book, calls: Sequence[Call], outputs: Sequence[Node]) -> list[Call]:
    """The calls of a forward, with one in the place of those that make up a function."""
    return _Patterns(book, calls, outputs).calls


class _Patterns:
    def __init__(self, book: Book, calls: Sequence[Call], outputs: Sequence[Node]) -> None:
        self.book = book
        self.maker = {call.outputs[0]: call for call in calls if len(call.outputs) == 1}
        self.uses = Counter(node for call in calls for node in _nodes(call))
        self.uses.update(outputs)
        self.softmax: dict[Node, tuple[Node, Any]] = {}  # what it is of, and over which dimensions
        self.instead: dict[Node, Call] = {}
        self.gone: set[int] = set()  # by their ids
        found = [self._found(call) or call for call in calls]
        self.calls = [call for call in found if id(call) not in self.gone]

    def _found(self, call: Call) -> Call | None:
        if call.operation == "div":
            return self._sigmoid(call) or self._softmax(call)
        return self._log_softmax(call) if call.operation == "log" else None

    def _made_by(self, value: Any, operation: str, uses: int = 1) -> Call | None:
        """The call that makes a value, which nothing else uses."""
        call = self.maker.get(value) if isinstance(value, Node) else None
        alone = call is not None and call.operation == operation and self.uses[value] == uses
        return call if alone else None

    def _sigmoid(self, call: Call) -> Call | None:
        """1 / (1 + e⁻ᶻ)."""
        one, below = call.inputs[:2]
        total = self._made_by(below, "add") if _is_one(one) else None
        e = next((self._made_by(x, "exp") for x in total.inputs if not _is_one(x)), None) if total else None
        minus = self._made_by(e.inputs[0], "neg") if e else None
        if total is None or e is None or minus is None or not any(map(_is_one, total.inputs)):
            return None
        self.gone |= {id(total), id(e), id(minus)}
        return self._instead(call, "sigmoid", "activation", minus.inputs[0], lambda g, y: g * y * (1 - y))

    def _softmax(self, call: Call) -> Call | None:
        """e / Σ e, where e is an exponential."""
        above, below = call.inputs[:2]
        total = self._made_by(below, "sum")
        if total is None or len(total.outputs[0].shape) != len(total.inputs[0].shape):
            return None
        same = total.inputs[0] is above
        e = self._made_by(above, "exp", 2 if same else 1)
        other = e if same else self._made_by(total.inputs[0], "exp")
        if e is None or other is None or e.inputs[0] is not other.inputs[0]:
            return None
        z = e.inputs[0]
        dims = tuple(d for d, n in enumerate(below.shape) if n != z.shape[d])
        if not dims:
            return None
        self.gone |= {id(total), id(e), id(other)}
        if not same:
            self.uses[z] -= 1
        self.softmax[call.outputs[0]] = z, dims

        def backward(g: Tensor, p: Tensor) -> Tensor:
            return p * (g - (g * p).sum(dims, keepdim=True))

        return self._instead(call, "softmax", "normalisation", z, backward, "p")

    def _log_softmax(self, call: Call) -> Call | None:
        """log p, or the logarithm of one p in each row."""
        pick = self._made_by(call.inputs[0], "getitem")
        p = pick.inputs[0] if pick else call.inputs[0]
        if p not in self.softmax or self.uses[p] != 1:
            return None
        z, dims = self.softmax[p]
        if pick is None:
            backward = lambda g, _: g - p.value * g.sum(dims, keepdim=True)  # noqa: E731
        elif dims == (1,) and _is_one_of_each_row(pick.inputs[1], p):
            backward = lambda g, _: self._through_picked(g, p, pick)  # noqa: E731
        else:
            return None
        self.gone |= {id(self.instead[p]), id(pick)}
        return self._instead(call, "log_softmax", call.kind, z, backward)

    def _through_picked(self, g: Tensor, p: Node, pick: Call) -> Tensor:
        """(p − onehot y) times what comes back, written over: the picked ones get 1 less."""
        index = tuple(x.value if isinstance(x, Node) else x for x in pick.inputs[1])
        parts = [self.book.node(x) for x in (-g.unsqueeze(1) * p.value, picked(p.value, index, g))]
        found: Tensor = self.book.add("total", lambda a, b: a + b, parts).value
        return found

    def _instead(
        self, call: Call, operation: str, kind: str, z: Node, backward: Callable[..., Any], name: str = ""
    ) -> Call:
        (out,) = call.outputs
        if name and not out.name:
            out.name = name
        made = Call(call.number, operation, kind, (z,), [out], None, call.place, call.part_of)
        made.backward = lambda g: backward(g, out.value)
        self.instead[out] = made
        return made


def _nodes(call: Call) -> list[Node]:
    return [leaf for leaf in tree_leaves(call.inputs) if isinstance(leaf, Node)]


def _is_one(value: Any) -> bool:
    if isinstance(value, Node):
        return value.op in ("number", "constant") and value.value.numel() == 1 and float(value.value) == 1
    return isinstance(value, int | float) and value == 1


def _is_one_of_each_row(index: Any, p: Node) -> bool:
    """Whether it is (0, 1, …, N − 1) and a class for each."""
    if not (isinstance(index, tuple) and len(index) == 2 and all(isinstance(x, Node) for x in index)):
        return False
    rows, classes = (x.value for x in index)
    counts = torch.equal(rows, torch.arange(p.shape[0])) if rows.shape == (p.shape[0],) else False
    return counts and rows.shape == classes.shape and not classes.is_floating_point() and len(p.shape) == 2
