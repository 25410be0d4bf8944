"""What can be got wrong in a step, one at a time: each as the values that it would have.

The steps are those of a derivation, where a change is a mistake; or those of a user's backward, where it is
what mends it.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.changes import Changes, Value, change, get, is_number, shaped
from manual_backprop.verify.diagnosis.graph import Values
from manual_backprop.verify.diagnosis.place_changes import assigned, joined, moved, sliced
from manual_backprop.verify.diagnosis.words import Words


def of_step(node: Node, values: Values, words: Words) -> Changes:
    """What can be got wrong in a step by itself."""
    make = STEPS.get(node.op)
    if make is not None:
        yield from make(node, values, words)
    if node.op not in ("neg", "number", "expand", "unsqueeze", "T", "reshape", "setitem", "part"):
        yield change(node, "sign", f"the sign of {words.of(node)} is wrong", lambda v: -v[node], 4)


def _filled(node: Node, value: Any, values: Values) -> Value | None:
    """A part of a step in the step's place, of the step's shape; None if it does not fit."""
    shape = values[node].shape
    part = values[value] if isinstance(value, Node) else value
    part_shape = tuple(part.shape) if isinstance(part, Tensor) else ()
    try:
        if torch.broadcast_shapes(part_shape, shape) != shape:
            return None
    except RuntimeError:
        return None
    return lambda v: torch.as_tensor(get(value)(v), dtype=v[node].dtype).expand(shape)


def _product(node: Node, values: Values, words: Words) -> Changes:
    a, b = node.args
    for kept, dropped in ((a, b), (b, a)):
        value = _filled(node, kept, values)
        if value is not None and not is_number(dropped):
            yield change(node, "left-out", words.left_out(f"the factor {words.of(dropped)}"), value)
    for kept, again in ((a, b), (b, a)):
        if not is_number(again):
            x = words.of(again)
            text = words.due(f"the factor {x} is there", "twice", "once")
            yield change(node, "twice", text, lambda v, x=again: v[node] * v[x], 2)
            text = words.due(f"{words.of(kept)} is", f"divided by {x}", f"multiplied by {x}")
            yield change(node, "inverted", text, lambda v, x=kept, y=again: get(x)(v) / v[y], 3)


def _quotient(node: Node, values: Values, words: Words) -> Changes:
    a, b = node.args
    value = _filled(node, a, values)
    if value is not None:
        yield change(node, "left-out", words.left_out(f"the division by {words.of(b)}"), value)
    text = words.due(f"{words.of(a)} is", f"multiplied by {words.of(b)}", f"divided by {words.of(b)}")
    yield change(node, "inverted", text, lambda v: get(a)(v) * get(b)(v), 2)
    if not is_number(b):
        text = words.due(f"the division by {words.of(b)} is there", "twice", "once")
        yield change(node, "twice", text, lambda v: v[node] / v[b], 3)


def _sum_of_two(node: Node, values: Values, words: Words) -> Changes:
    a, b = node.args
    for kept, dropped in ((a, b), (b, a)):
        sign = -1 if node.op == "sub" and kept is b else 1
        value = _filled(node, kept, values)
        if value is not None:
            text = words.left_out(f"the term {words.of(dropped)}")
            yield change(node, "left-out", text, lambda v, f=value, s=sign: s * f(v))
    sign = 1 if node.op == "sub" else -1
    text = f"the term {words.of(b)} has the wrong sign"
    yield change(node, "sign", text, lambda v: get(a)(v) + sign * get(b)(v))


def _total(node: Node, values: Values, words: Words) -> Changes:
    parts = list(node.args)
    shape = values[node].shape

    def of(kept: Sequence[Node]) -> Value:
        return lambda v: sum((v[x] for x in kept[1:]), start=v[kept[0]]).expand(shape)

    for at, part in enumerate(parts):
        text = f"what comes back through {words.of(part)} is left out: add it, do not assign"
        yield change(node, "forgotten-use", text, of(parts[:at] + parts[at + 1 :]))
        if len(parts) > 2:
            text = f"only {words.of(part)} is kept of {len(parts)} uses: add, do not assign"
            yield change(node, "assigned", text, of([part]))
        text = f"the part {words.of(part)} of the sum has the wrong sign"
        yield change(node, "sign", text, lambda v, x=part: v[node] - 2 * v[x], 1)
    in_a_loop = _come_from_a_loop(parts)
    for count in range(2, len(parts) - 1):
        for kept, which in ((parts[:count], "last"), (parts[-count:], "first")):
            if in_a_loop:
                text = f"only the {which} {count} of {len(parts)} uses are counted"
                yield change(node, "truncated-in-time", text, of(kept), 1)
            else:
                lost = " and ".join(words.of(part) for part in parts if part not in kept)
                text = f"what comes back through {lost} is left out: add it, do not assign"
                yield change(node, "forgotten-use", text, of(kept), 1)


def _come_from_a_loop(parts: Sequence[Node]) -> bool:
    """Whether one expression of the code brings several of them."""
    made = [part for part in parts if part.place is not None and not (part.call and part.call.part_of)]
    calls = {(part.place, part.op): part.call for part in made}
    return any(part.call is not calls[part.place, part.op] for part in made)


def _negative(node: Node, values: Values, words: Words) -> Changes:
    x = node.args[0]
    yield change(node, "sign", words.left_out(f"the minus before {words.of(x)}"), lambda v: v[x])


def _matrices(node: Node, values: Values, words: Words) -> Changes:
    a, b = node.args
    if is_number(a) or is_number(b):
        return
    shape = values[node].shape
    for kept, dropped in ((a, b), (b, a)):
        if values[kept].shape == shape:
            text = words.left_out(f"the product with {words.of(dropped)}")
            yield change(node, "left-out", text, lambda v, x=kept: v[x])
    if min(values[a].dim(), values[b].dim()) < 2:
        return
    wrong = "is transposed once too often or too little"
    of_a, of_b = words.of(a), words.of(b)
    yield change(node, "transposed", f"{of_b} {wrong}", shaped(shape, lambda v: v[a] @ v[b].mT))
    yield change(node, "transposed", f"{of_a} {wrong}", shaped(shape, lambda v: v[a].mT @ v[b]))
    yield change(
        node, "transposed", f"the product {words.of(node)} {wrong}", shaped(shape, lambda v: v[node].mT), 1
    )
    text = f"the factors {of_a} and {of_b} have changed places"
    yield change(node, "transposed", text, shaped(shape, lambda v: v[b] @ v[a]), 1)
    both = f"{of_a} and {of_b} are both transposed once too often or too little"
    yield change(node, "transposed", both, shaped(shape, lambda v: v[a].mT @ v[b].mT), 2)
    if values[a].shape == values[b].shape == shape:
        text = f"{of_a} and {of_b} are multiplied number by number, due is the matrix product"
        yield change(node, "elementwise", text, lambda v: v[a] * v[b], 1)


def _choice(node: Node, values: Values, words: Words) -> Changes:
    condition, a, b = node.args
    for kept in (a, b):
        value = _filled(node, kept, values)
        if value is not None and not is_number(kept):
            name = "one-case" if node.call is not None and node.call.operation == "where" else "left-out"
            yield change(node, name, words.left_out(f"the mask {words.of(condition)}"), value)
    text = f"the mask {words.of(condition)} is inverted"
    yield change(node, "mask-inverted", text, lambda v: torch.where(v[condition], get(b)(v), get(a)(v)), 1)


def _comparison(node: Node, values: Values, words: Words) -> Changes:
    yield change(node, "mask-inverted", f"the mask {words.of(node)} is inverted", lambda v: ~v[node])
    a, b = node.args
    compare = node.target
    if isinstance(b, Node) or compare is None:
        return
    for other in (0, 1, -1):
        if other != b:
            text = words.due(f"the mask compares {words.of(a)}", f"with {other}", f"with {b}")
            yield change(node, "other-number", text, lambda v, o=other: compare(v[a], o), 2)


REDUCED: dict[str, tuple[str, Callable[..., Tensor]]] = {
    "sum": ("summed", torch.sum),
    "mean": ("averaged", torch.mean),
    "amax": ("maximised", torch.amax),
}


def _reduction(node: Node, values: Values, words: Words) -> Changes:
    x, dims, keepdim = node.args
    dim_count, what = values[x].dim(), words.of(x)
    chosen = tuple(range(dim_count)) if dims is None else dims
    done, reduce = REDUCED[node.op]
    shape = values[node].shape
    name = "other-dimension" if keepdim or node.op != "sum" else "wrong-dimension"
    for other in other_dimensions(dim_count, chosen):
        text = words.due(
            f"{what} is {done}",
            f"over {words.language.along(other)}",
            f"over {words.language.along(chosen)}",
        )
        yield change(node, name, text, lambda v, d=other: reduce(v[x], d, keepdim=keepdim))
        if not keepdim:
            yield change(node, name, text, lambda v, d=other: reduce(v[x], d, keepdim=True), 1)
    text = f"{what} is not {done} over {words.language.along(chosen)}"
    if words.mends:
        text = f"{what} is {done} over {words.language.along(chosen)}, due as it is"
    yield change(node, "not-summed", text, lambda v: v[x])
    for op in ("sum", "mean"):
        if node.op in ("sum", "mean") and node.op != op:
            name = f"{node.op}-for-{op}" if words.mends else f"{op}-for-{node.op}"
            text = words.due(f"{what} is", REDUCED[op][0], done)
            yield change(node, name, text, lambda v, f=REDUCED[op][1]: f(v[x], chosen, keepdim=keepdim), 1)
    if len(chosen) == 1 and not words.mends:
        due = words.language.named(node.op)
        for where, index in (("first", 0), ("last", -1)):
            along = words.language.along(chosen)
            text = f"only the {where} of {what} along {along} is kept, due is the {due}"
            yield change(
                node, "one-example", text, lambda v, i=index: v[x].select(chosen[0], i).reshape(shape), 1
            )  # fmt: skip


def other_dimensions(count: int, chosen: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All choices of dimensions but this one."""
    for size in range(1, count + 1):
        yield from (other for other in combinations(range(count), size) if other != tuple(chosen))


def _power(node: Node, values: Values, words: Words) -> Changes:
    x, exponent = node.args
    if isinstance(exponent, Node) or is_number(x):
        return
    for other in dict.fromkeys((1, exponent - 1, exponent + 1, -exponent, exponent * 2, exponent / 2)):
        if other not in (0, exponent):
            text = words.stands_for(f"{words.of(x)} to the {other:g}", f"to the {exponent:g}")
            yield change(node, "power", text, lambda v, e=other: v[x] ** e, 2)


def _one_of_one(node: Node, values: Values, words: Words) -> Changes:
    x = node.args[0]
    if isinstance(x, Node) and values[x].shape == values[node].shape:
        text = words.stands_for(words.of(x), words.of(node))
        yield change(node, "other-tensor", text, lambda v: v[x], 1)


def _along(node: Node, values: Values, words: Words) -> Changes:
    x, dim = node.args
    make = node.target
    if make is None:
        return
    for other in range(values[x].dim()):
        if other != dim:
            text = words.due(
                f"the {node.op} of {words.of(x)} is",
                f"over {words.language.along((other,))}",
                f"over {words.language.along((dim,))}",
            )
            yield change(node, "other-dimension", text, lambda v, d=other: make(v[x], d))


COMPARISONS = ("gt", "lt", "ge", "le", "eq", "ne")
STEPS: dict[str, Callable[[Node, Values, Words], Changes]] = {
    "mul": _product,
    "div": _quotient,
    "add": _sum_of_two,
    "sub": _sum_of_two,
    "total": _total,
    "neg": _negative,
    "matmul": _matrices,
    "where": _choice,
    **dict.fromkeys(COMPARISONS, _comparison),
    **dict.fromkeys(REDUCED, _reduction),
    "pow": _power,
    **dict.fromkeys(("exp", "log", "sqrt", "rsqrt", "abs", "sign", "tanh", "sigmoid"), _one_of_one),
    **dict.fromkeys(("T", "permute", "reshape"), moved),
    **dict.fromkeys(("cat", "stack"), joined),
    "getitem": sliced,
    "setitem": assigned,
    **dict.fromkeys(("softmax", "log_softmax"), _along),
}
