"""What can be got wrong in a step that puts numbers into other places: a reshape, a slice, parts joined."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.book import set_item
from manual_backprop.derive.program import Node
from manual_backprop.functional.operation.torch_state import tree_leaves
from manual_backprop.verify.diagnosis.changes import Changes, Value, change, shaped
from manual_backprop.verify.diagnosis.graph import Values, filled
from manual_backprop.verify.diagnosis.words import Words

FARTHEST = 2  # places that a slice is moved by
MOST_PARTS = 4  # that are joined in any order
MOST_DIMENSIONS = 4  # that are permuted before a reshape


def moved(node: Node, values: Values, words: Words) -> Changes:
    """A transpose left out; a reshape for a permutation, or without one."""
    x = node.args[0]
    shape = values[node].shape
    if node.op == "T" and values[x].shape == shape:
        text = (
            f"{words.of(x)} is transposed, due as it is"
            if words.mends
            else f"{words.of(x)} is not transposed"
        )
        yield change(node, "transposed", text, lambda v: v[x])
    if node.op == "permute":
        stands, due = ("permuted", "a reshape") if words.mends else ("reshaped", "a permutation")
        text = f"{words.of(x)} is {stands}, due is {due}"
        yield change(node, "other-places", text, lambda v: v[x].reshape(shape))
    if node.op == "reshape":
        yield from _reshaped(node, x, values, words)


def _reshaped(node: Node, x: Node, values: Values, words: Words) -> Changes:
    shape, what = values[node].shape, words.of(x)
    of_x = values[x].dim()
    for i, j in combinations(range(of_x), 2):
        both = f"{words.language.along((i, j))} of {what}"
        text = f"{both} {'have to be' if words.mends else 'are'} exchanged before the reshape"
        value: Value = lambda v, i=i, j=j: v[x].transpose(i, j).reshape(shape)  # noqa: E731
        yield change(node, "other-places", text, value, 1)
    if len(shape) == 2 and 1 not in shape:
        rows, columns = shape
        text = f"{what} is reshaped to {(rows, columns)}, due is its reshape to {(columns, rows)}, transposed"
        if not words.mends:
            text = f"{what} is reshaped to {(columns, rows)} and transposed, due as {(rows, columns)}"
        yield change(node, "other-places", text, lambda v: v[x].reshape(columns, rows).T, 1)
    if 2 < of_x <= MOST_DIMENSIONS:
        for order in permutations(range(of_x)):
            if sum(at != d for at, d in enumerate(order)) > 2:
                verb = "have to be" if words.mends else "are"
                dimensions = words.language.dimensions
                text = f"the {dimensions} of {what} {verb} put in the order {order} before the reshape"
                value = lambda v, order=order: v[x].permute(order).reshape(shape)  # noqa: E731
                yield change(node, "other-places", text, value, 2)


def joined(node: Node, values: Values, words: Words) -> Changes:
    """Parts joined in another order."""
    parts, *_ = node.args or ((),)
    make = node.target
    if make is None or not isinstance(parts, tuple | list) or not all(isinstance(p, Node) for p in parts):
        return
    for order in _orders(len(parts)):
        other = [parts[at] for at in order]
        listed = [", ".join(words.of(part) for part in each) for each in (other, parts)]
        text = words.due("the parts are joined in the order", *listed)

        def value(v: Values, other: Sequence[Node] = other) -> Any:
            return make([v[part] for part in other], *node.args[1:], **node.kwargs)

        yield change(node, "other-places", text, shaped(values[node].shape, value), 1)


def _orders(count: int) -> Iterator[tuple[int, ...]]:
    """All but the order that it is; of many parts, two exchanged or all in reverse."""
    first = tuple(range(count))
    if count <= MOST_PARTS:
        yield from (order for order in permutations(first) if order != first)
        return
    yield first[::-1]
    for i in range(count - 1):
        yield (*first[:i], i + 1, i, *first[i + 2 :])


def sliced(node: Node, values: Values, words: Words) -> Changes:
    """A slice that begins a place or two earlier or later."""
    x, index = node.args
    if node.target is None or not isinstance(x, Node) or not isinstance(values[x], Tensor):
        return
    parts = list(index) if isinstance(index, tuple) else [index]
    numbers = [at for at, part in enumerate(parts) if type(part) is int]
    for i, j in combinations(numbers, 2):
        exchanged = [parts[{i: j, j: i}.get(at, at)] for at in range(len(parts))]
        text = f"two indices of {words.of(x)} have changed places"
        yield change(node, "other-places", text, lambda v, other=tuple(exchanged): v[x][other], 1)
    sizes = _sizes(parts, tuple(values[x].shape))
    cut = [at for at, size in enumerate(sizes) if size and _length(parts[at], size) < size]
    chosen = [cut] if len(cut) > 1 else []
    for which in (*chosen, *([at] for at in cut)):
        starts = {parts[at].indices(sizes[at])[0] for at in which}
        if len(starts) > 1:
            continue
        start = starts.pop()
        for by in (step for far in range(1, FARTHEST + 1) for step in (far, -far)):
            later = {at: _later(parts[at], sizes[at], by) for at in which}
            if None in later.values():
                continue
            others = [later.get(at, part) for at, part in enumerate(parts)]
            text = words.due(f"the slice of {words.of(x)} begins", f"at {start + by}", f"at {start}")

            def value(v: Values, others: Sequence[Any] = tuple(others)) -> Any:
                return v[x][tuple(others)]

            yield change(node, "other-places", text, shaped(values[node].shape, value), 1)


def assigned(node: Node, values: Values, words: Words) -> Changes:
    """What is assigned to places, where it has to be added to what is there."""
    x, index, value = node.args
    if words.mends and isinstance(x, Node) and isinstance(value, Node) and _is_added_to(x, value):
        yield from _counted_once(node, words)
    elif words.mends and isinstance(x, Node):
        text = f"{node.name or words.of(x)}[…] = … overwrites what is there: add it, do not assign"

        def added(v: Values) -> Any:
            places = filled(index, v)
            return set_item(v[x], places, v[x][places] + filled(value, v))

        yield change(node, "assigned", text, added, 1)


def _is_added_to(x: Node, value: Node) -> bool:
    """Whether a value is what was there, and something more: that of `x[i] += g`."""
    first = value.args[0] if value.op in ("add", "sub") else None
    return isinstance(first, Node) and first.op == "getitem" and first.args[0] is x


def _counted_once(node: Node, words: Words) -> Changes:
    """`x[i] += g`, which counts a place once that i names several times."""
    x, index, value = node.args
    if not any(isinstance(part, Node) for part in tree_leaves(index)):
        return  # a slice names each place once

    def each_time(v: Values) -> Tensor:
        before: Tensor = v[x]
        numbers = torch.arange(before.numel(), device=before.device)
        places = numbers.reshape(before.shape)[filled(index, v)]
        more = (v[value] - before.reshape(-1)[places]).expand(places.shape)
        return before.reshape(-1).index_add(0, places.reshape(-1), more.reshape(-1)).reshape(before.shape)

    what = node.place.text if node.place is not None and node.place.text else words.of(x)
    text = f"{what} += … counts a place once that is named several times: add each time"
    yield change(node, "assigned", f"{text} ({words.language.add})", each_time)


def _sizes(parts: Sequence[Any], shape: Sequence[int]) -> list[int]:
    """Of each part of an index that is a slice without a step, the size of its dimension; 0 of any other."""
    if any(not (isinstance(part, slice | int) or part is None or part is Ellipsis) for part in parts):
        return [0] * len(parts)  # places that are looked up
    rest = len(shape) - sum(1 for part in parts if part is not None and part is not Ellipsis)
    found, at = [], 0
    for part in parts:
        simple = isinstance(part, slice) and part.step in (None, 1)
        found.append(shape[at] if simple else 0)
        at += rest if part is Ellipsis else 0 if part is None else 1
    return found


def _length(part: slice, size: int) -> int:
    return len(range(*part.indices(size)))


def _later(part: slice, size: int, by: int) -> slice | None:
    """A slice of the same length that begins so many places later; None if it does not fit."""
    start, stop, _ = part.indices(size)
    return slice(start + by, stop + by) if start + by >= 0 and stop + by <= size else None
