"""What the steps of a program are called: the code's own names, else a letter for the kind of step."""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from manual_backprop.derive.program import Node, Program, in_order
from manual_backprop.derive.writing.grammar import VIEWS

RESERVED = {"torch", "np", "F", "math", "forward", "backward", "grad_output", "cache", "ctx", "l", "O", "I"}
BASES = {
    "matmul": "z",
    "conv2d": "z",
    "relu": "a",
    "sigmoid": "a",
    "tanh": "a",
    "softmax": "p",
    "log_softmax": "logp",
    "exp": "e",
    "log": "log",
    "sum": "total",
    "mean": "mean",
    "amax": "largest",
    "amin": "smallest",
    "sqrt": "root",
    "rsqrt": "inverse_root",
    "div": "ratio",
    "mul": "product",
    "sub": "difference",
    "add": "s",
    "pow": "power",
    "abs": "size",
    "where": "chosen",
    "one_hot": "onehot",
    "gt": "mask",
    "lt": "mask",
    "ge": "mask",
    "le": "mask",
    "eq": "mask",
    "stack": "stacked",
    "cat": "joined",
    "getitem": "part",
    "reshape": "rows",
    "permute": "turned",
    "T": "turned",
    "unsqueeze": "column",
    "expand": "repeated",
    "zeros_like": "zeros",
    "index_add": "added",
    "index_put": "added",
    "conv_transpose2d": "spread",
}


KINDS = {
    "activation": "a",
    "activated layer": "a",
    "attention": "out",
    "pooling": "pooled",
    "normalisation": "y",
}
"""What comes out of a kind of operation, whatever step makes it."""


class Names:
    """Names that are given once each."""

    def __init__(
        self,
        program: Program,
        owners: dict[Node, Node],
        lines: set[Node],
        given: Mapping[Node, str],
        helpers: Iterable[str],
        *,
        faithful: bool = False,
    ) -> None:
        """Of a program's nodes.

        Args:
            program: it.
            owners: of a gradient, what it is the gradient of.
            lines: the nodes that have one.
            given: names that are given already.
            helpers: names that are taken.
            faithful: whether what the code names once keeps that name, whatever has no name.
        """
        self.names = dict(given)
        self.taken: set[str] = {*RESERVED, *given.values(), *helpers}
        self.faithful = faithful
        self.owners = owners
        self.outputs = program.outputs
        self.kinds = {node: call.kind for call in program.calls for node in call.outputs}
        for node in program.inputs:
            if node in given:
                continue
            self._take(node, identifier(node.name or "x"))
        bases = Counter(self._base(n) for n in in_order(program.outputs) if n in lines)
        own = Counter(identifier(n.name) for n in in_order(program.outputs) if n in lines and n.given)
        once = {name for name, count in own.items() if count == 1} if faithful else set()
        self.several = {base for base, count in bases.items() if count > 1}
        self.reserved = self.several & once
        self.numbers: Counter[str] = Counter()

    def _take(self, node: Node, name: str) -> str:
        if name in self.taken or keyword.iskeyword(name):
            number = next(i for i in range(1, 10_000) if f"{name}_{i}" not in self.taken)
            name = f"{name}_{number}"
        self.taken.add(name)
        self.names[node] = name
        return name

    def _base(self, node: Node) -> str:
        if node.name:
            return identifier(node.name)
        if self.faithful and node.op == "setitem" and self._root(node).name:
            return identifier(self._root(node).name)
        if node in self.outputs:
            return "output" if node.shape else "loss"
        if node.op == "setitem" and node.args[0].op != "input":
            return self._base(node.args[0])
        if _is_affine(node):
            return "z"
        if node.op == "setitem":
            start = node.args[0]
            made = start.op in ("zeros_like", "zeros") and bool(start.inputs)
            return f"d{self._called(start.args[0])}" if made else self._called(start)
        if node.op == "stop_gradient":
            return self._called(node.args[0])
        if self.kinds.get(node) in KINDS and node.op not in ("softmax", "log_softmax"):
            return KINDS[self.kinds[node]]
        return BASES.get(node.op, identifier(node.op))

    def _root(self, node: Node) -> Node:
        """What is written over."""
        while node.op == "setitem":
            node = node.args[0]
        return node

    def _called(self, node: Node) -> str:
        """The name that a node has, or would have."""
        return self.names[node].rstrip("0123456789") if node in self.names else self._base(node)

    def forward(self, node: Node) -> str:
        """The name of a step of the forward: the code's own, numbered where the code uses it again."""
        return self.names[node] if node in self.names else self._numbered(node, self._base(node))

    def _numbered(self, node: Node, base: str) -> str:
        if base in self.reserved and node.given and base not in self.taken:
            return self._take(node, base)
        if base not in self.taken and base not in self.several:
            return self._take(node, base)
        while True:
            self.numbers[base] += 1
            name = f"{base}{self.numbers[base]}"
            if name not in self.taken:
                return self._take(node, name)

    def backward(self, node: Node) -> str:
        """The name of a step of the backward: d and what it is the gradient of."""
        owner = self.owners.get(node, node.of)
        while owner is not None and owner not in self.names and owner.op in VIEWS:
            owner = owner.args[0]
        if owner is not None and owner in self.names:
            return (
                self._take(node, f"d{self.names[owner]}")
                if f"d{self.names[owner]}" not in self.taken
                else (self._numbered(node, f"d{self.names[owner]}"))
            )
        return self._numbered(node, self._base(node))


def _is_affine(node: Node) -> bool:
    """Whether it is a product of matrices, with others or a bias added."""
    if node.op in ("add", "sub"):
        return any(_is_affine(n) for n in node.inputs if not n.name)
    return node.op == "matmul"


def identifier(name: str) -> str:
    """A name as Python takes it: fc1.weight as fc1_weight, 0.weight as weight0."""
    parts = re.split(r"[^\w]+", name)
    digits = [part for part in parts if part.isdigit()]
    words = [part for part in parts if part and not part.isdigit()]
    if parts and parts[0].isdigit():
        return "_".join(words) + "_".join(digits)
    return "_".join(part for part in parts if part) or "x"
