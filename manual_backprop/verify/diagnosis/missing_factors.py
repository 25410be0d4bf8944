"""Factors that a line of the user's backward lacks: each tensor that the user has, tried in each line."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.changes import Change, Value, change, shaped
from manual_backprop.verify.diagnosis.graph import Values
from manual_backprop.verify.diagnosis.tensor_changes import Tensors
from manual_backprop.verify.diagnosis.words import Words


def missing_factors(
    way: Sequence[Node], last: Node, values: Values, words: Words, tensors: Tensors
) -> Iterator[Change]:
    """A product with, or a division by, a tensor that has a name, in each line; a product of matrices."""
    named = [node for nodes in tensors.by_shape.values() for node in nodes if node.name]
    for node in way:
        if not (node.name or node is last) or node.op == "input" or not isinstance(values[node], Tensor):
            continue
        shape = values[node].shape
        what = f"{node.name} = …" if node.name else "what is returned"
        for other in named:
            if other is node or tensors.place[other] > tensors.place[node]:
                continue
            x = words.of(other)
            for text, value in _with_factor(node, other, values):
                yield change(
                    node, "left-out", f"in {what}, {text.format(x)} is left out", shaped(shape, value), 1
                )


def _with_factor(node: Node, other: Node, values: Values) -> Iterator[tuple[str, Value]]:
    a, b = values[node], values[other]
    try:
        fits = torch.broadcast_shapes(a.shape, b.shape) == a.shape
    except RuntimeError:
        fits = False
    if fits:
        yield "the factor {}", lambda v: v[node] * v[other]
        yield "the division by {}", lambda v: v[node] / v[other]
    if a.dim() >= 2 and b.dim() == 2 and b.shape[0] == b.shape[1] == a.shape[-1]:
        yield "the product with {}", lambda v: v[node] @ v[other]
        yield "the product with {}.T", lambda v: v[node] @ v[other].T
