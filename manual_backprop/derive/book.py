"""Where a program is written down: nodes by the tensors that they stand for, and the mode that makes them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from manual_backprop.derive.code_names import HERE, seen_from
from manual_backprop.derive.primitives import TARGETS, primitive
from manual_backprop.derive.program import Call, Node, Place
from manual_backprop.derive.simplify import simplified
from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map, without_torch_functions
from manual_backprop.functional.operation.written import BROADCAST

SHARED_IN_FORWARD = ("T",)
OF_RULES = str(Path(HERE) / "derive" / "rules")


class Book:
    """The nodes of a program.

    Attributes:
        nodes: all of them, in the order in which they were made.
        known: the node that a tensor stands for, by the tensor's id.
        alive: these tensors, so that no id is used twice.
        literal: whether nothing is simplified.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.known: dict[int, Node] = {}
        self.alive: list[Tensor] = []
        self.made: dict[Any, Node] = {}
        self.sharing = False
        self.literal = False
        self.writing: Writing | None = None

    def know(self, tensor: Tensor, node: Node) -> None:
        """A tensor of the run is this node's."""
        self.known[id(tensor)] = node
        self.alive.append(tensor)

    def node(self, tensor: Any) -> Node:
        """The node of a tensor; a constant if it has none."""
        if id(tensor) not in self.known:
            self.know(tensor, constant_of(tensor))
        return self.known[id(tensor)]

    def make(self, op: str, *args: Any) -> Node:
        """A node of the alphabet, or one that is the same and simpler."""
        if self.literal and op != "alias":
            return self.add(op, TARGETS[op], args)
        simpler = simplified(self, op, args)
        if isinstance(simpler, Node):
            return simpler
        op, args = simpler
        return self.add(op, TARGETS[op], args)

    def add(self, op: str, target: Callable[..., Any], args: Sequence[Any], kwargs: Any = None) -> Node:
        """A node as it is; one that was made before of the same arguments is taken again."""
        kwargs = kwargs or {}
        key = (op, _key((args, kwargs))) if op in TARGETS or op.endswith("_backward") else None
        share = self.sharing or op in SHARED_IN_FORWARD
        if key is not None and share and key in self.made:
            return self.made[key]
        values = tree_map(lambda a: a.value if isinstance(a, Node) else a, (tuple(args), kwargs))
        with without_torch_functions():
            value = target(*values[0], **values[1])
        node = Node(op, tuple(args), kwargs, value, target)
        if self.writing is not None:
            self.writing.sign(node)
        self.nodes.append(node)
        if isinstance(value, Tensor):
            self.know(value, node)
        if key is not None:
            self.made.setdefault(key, node)
        return node


def _key(value: Any) -> Any:
    if isinstance(value, Node):
        return id(value)
    if isinstance(value, tuple | list):
        return tuple(_key(part) for part in value)
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in sorted(value.items()))
    return (type(value).__name__, repr(value))


class Writing(TorchFunctionMode):
    """Inside, each torch function that is called becomes a node; tensors stand for theirs."""

    def __init__(self, book: Book, call: Call | None, place: Place | None, *, share: bool = False) -> None:
        super().__init__()
        self.book, self.call, self.place, self.share = book, call, place, share
        self.before: tuple[bool, Writing | None] = (False, None)
        self.reason = ""

    def __enter__(self) -> "Writing":
        self.before = self.book.sharing, self.book.writing
        self.book.sharing, self.book.writing = self.share, self
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        self.book.sharing, self.book.writing = self.before
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def sign(self, node: Node) -> None:
        """Say of a new node where it comes from, and what the formula calls it."""
        node.call, node.place = self.call, self.place
        seen = seen_from(sys._getframe(1), _is_formula)
        if seen.names and len(seen.names) == 1:
            node.name = seen.names[0]
            value = seen.evaluation[0].f_locals.get(node.name.removeprefix("d"))
            owner = self.book.known.get(id(value)) if isinstance(value, Tensor) else None
            if node.name.startswith("d") and owner is not None and owner.shape == node.shape:
                node.of = owner
        node.reason = self.reason

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """A call of a torch function, which becomes a node."""
        kwargs = kwargs or {}
        given = tree_leaves((args, kwargs))
        if not any(isinstance(x, Tensor) for x in given) and getattr(func, "__name__", "") == "__get__":
            return func(*args, **kwargs)
        frame = sys._getframe(1)
        self.reason = "broadcast" if frame.f_code in BROADCAST else ""
        found = primitive(func, args, kwargs)
        if found.op == "setitem":
            return self._overwritten(*found.args)
        nodes = tree_map(
            lambda x: self.book.node(x) if isinstance(x, Tensor) else x, (found.args, found.kwargs)
        )
        if found.op == "index_put" and _comes_once(nodes[0][1]):
            return self._with_item(*nodes[0][:3]).value
        if found.op in TARGETS:
            node = self.book.make(found.op, *nodes[0])
            return self._another(node) if found.op == "alias" else node.value
        output = func(*args, **kwargs)
        if isinstance(output, Tensor):
            return self.book.add(found.op, func, *nodes).value
        if isinstance(output, tuple) and any(isinstance(x, Tensor) for x in output):
            whole = self.book.add(found.op, func, *nodes)
            parts = [self.book.add("part", _part(i), (whole, i)).value for i in range(len(output))]
            return type(output)(parts) if hasattr(output, "n_fields") else tuple(parts)
        return output

    def _another(self, node: Node) -> Tensor:
        """A tensor that stands for the node, and for others once it is written over."""
        copy: Tensor = node.value.detach()
        self.book.know(copy, node)
        return copy

    def _overwritten(self, tensor: Tensor, index: Any, value: Any) -> None:
        """`tensor[index] = value`: the tensor stands for another node from now on."""
        nodes = tree_map(lambda x: self.book.node(x) if isinstance(x, Tensor) else x, (tensor, index, value))
        self.book.know(tensor, self._with_item(*nodes))

    def _with_item(self, x: Node, index: Any, value: Any) -> Node:
        """x with the value at the index, of which assignment makes the copies that it needs."""
        if isinstance(value, Node) and value.op == "expand":
            value = value.args[0]
        elif isinstance(value, Node) and value.op in ("zeros_like", "full_like"):
            value = 0 if value.op == "zeros_like" else value.args[1]
        return self.book.add("setitem", set_item, (x, index, value))


def constant_of(value: Any, name: str = "") -> Node:
    """Numbers that nobody gives; 0, 1, … without a name as the function that counts."""
    counts = isinstance(value, Tensor) and value.dtype == torch.int64 and value.dim() == 1 and len(value) > 1
    if counts and not name and torch.equal(value, torch.arange(len(value))):
        return Node("arange", (len(value),), value=value, target=torch.arange)
    return Node("constant", value=value, name=name, given=bool(name))


def set_item(x: Tensor, index: Any, value: Any) -> Tensor:
    """x with the value at the index."""
    x = x.clone()
    x[index] = value
    return x


def _comes_once(index: tuple[Any, ...]) -> bool:
    """Whether one of the vectors counts up, so that they name no place twice."""
    shapes = {part.shape for part in index if isinstance(part, Node)}
    counts = any(isinstance(part, Node) and part.op == "arange" for part in index)
    return counts and len(shapes) == 1 and all(len(shape) == 1 for shape in shapes)


def _part(at: int) -> Callable[[Any, int], Any]:
    return lambda whole, _: whole[at]


def _is_formula(code: CodeType) -> bool:
    """Whether it is an operation's `written`, or a function in it."""
    return (
        code not in BROADCAST
        and ("written" in code.co_qualname.split(".") or code.co_filename.startswith(OF_RULES))
        and code.co_filename.startswith(HERE)
    )


@contextmanager
def writing(book: Book, call: Call | None, place: Place | None) -> Iterator[None]:
    """Write the backward of a call; what was made before is taken again."""
    with torch.no_grad(), Writing(book, call, place, share=True):
        yield
