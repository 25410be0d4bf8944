"""From the forward to the whole program: the calls in reverse order, each one's formula applied."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.book import Book, set_item, writing
from manual_backprop.derive.calls import BY_MASK
from manual_backprop.derive.code_names import entrance
from manual_backprop.derive.parts import is_same_part
from manual_backprop.derive.patterns import recognised
from manual_backprop.derive.program import Call, Node, Program, in_order
from manual_backprop.derive.simplify import without_new_axes
from manual_backprop.derive.trace import Trace, Underivable
from manual_backprop.functional.operation.torch_state import tree_leaves

SUMS = ("sum", "total", "add", "sub", "neg", "reshape", "unsqueeze", "expand")
CANCELLED = 1e-13  # relative to the terms that are added up


@entrance
def program_of(
    function: Callable[..., Any],
    names: Sequence[str],
    values: Sequence[Tensor],
    differentiable: Sequence[int],
    upstream: Tensor | Sequence[Tensor] | None = None,
    *,
    elementary: bool = False,
    opaque: bool = False,
    patterns: bool = False,
    most: int | None = None,
) -> Program:
    """Run a function, write down what it does, and write its backward behind it.

    Args:
        function: of the tensors.
        names: of the inputs.
        values: the numbers to run it on.
        differentiable: the positions of the inputs that have a gradient.
        upstream: ∂L/∂output, or that of each of several outputs; None for 1, where the output is the loss.
        elementary: take norms, losses and the like apart into arithmetic.
        patterns: take a sigmoid or softmax that is made of exponentials for one, unless taken apart.
        opaque: let PyTorch differentiate what has no hand-written backward, in place of raising.
        most: how many calls there may be.

    Raises:
        Underivable: a step cannot be written out; TooLong, if there are more calls.
    """
    book = Book()
    inputs = []
    live = []
    for at, (name, value) in enumerate(zip(names, values, strict=True)):
        tensor = value.detach().clone().requires_grad_(at in differentiable)
        node = Node(
            "input", value=value.detach().clone(), name=name, given=True, differentiable=at in differentiable
        )
        book.know(tensor, node)
        book.know(node.value, node)
        inputs.append(node)
        live.append(tensor)
    trace = Trace(book, elementary=elementary, opaque=opaque, most=most)
    with trace.watching():
        result = function(*live)
    upstreams = [upstream] if upstream is None or isinstance(upstream, Tensor) else upstream
    results = list(result) if isinstance(result, list) else [result]
    for one in results:
        require_tensor(one)
        if id(one) not in book.known or not one.requires_grad:
            raise Underivable("no differentiable step leads from the inputs to the forward's output")
    outputs = [book.known[id(one)] for one in results]
    given = [_given(book, v, node) for v, node in zip(upstreams, outputs, strict=True)]
    calls = trace.calls if elementary or not patterns else recognised(book, trace.calls, outputs)
    gradients = _differentiate(book, calls, dict(zip(outputs, given, strict=True)))
    return Program(tuple(inputs), tuple(outputs), tuple(given), calls, gradients, book.nodes)


def _given(book: Book, upstream: Tensor | None, output: Node) -> Node:
    """The upstream gradient of an output."""
    given = Node("upstream", value=upstream, name="grad_output", given=True)
    if upstream is None:
        given = Node("number", value=torch.ones((), dtype=output.value.dtype, device=output.value.device))
    book.know(given.value, given)
    return given


def require_tensor(result: Any) -> None:
    """Raise unless a forward returned one Tensor of real numbers.

    Raises:
        Underivable: it returned something else.
    """
    if not isinstance(result, Tensor):
        raise Underivable(f"the forward must return one Tensor, got {type(result).__name__}")
    if not result.is_floating_point():
        raise Underivable(f"the forward must return real numbers, got {result.dtype}")


def require_fixed_sizes(program: Program) -> None:
    """Raise where a mask made of the inputs is an index, so that sizes depend on values.

    Raises:
        Underivable: with the line.
    """
    for call in program.calls:
        masks = [
            n for n in tree_leaves(call.inputs[1:]) if isinstance(n, Node) and n.value.dtype == torch.bool
        ]
        if call.operation != "getitem" or not masks:
            continue
        if any(n.op == "input" for n in in_order(masks)):
            place = f"{call.place}: " if call.place else ""
            raise Underivable(f"{place}{BY_MASK}")


def _differentiate(book: Book, calls: Sequence[Call], outputs: dict[Node, Node]) -> dict[Node, Node]:
    """∂L/∂ of every node, from the last to the first; of the outputs it is given."""
    uses: dict[Node, list[Node]] = {output: [upstream] for output, upstream in outputs.items()}
    gradients: dict[Node, Node] = {}

    def gradient_of(node: Node) -> Node | None:
        if node not in gradients and node in uses:
            found = gradients[node] = _total(book, node, uses[node])
            found.pinned = found.pinned or (node.given and found.op not in ("expand", "number", "upstream"))
        return gradients.get(node)

    for call in reversed(calls):
        found = [gradient_of(node) for node in call.outputs]
        if not any(g is not None for g in found) or call.backward is None:
            continue
        if call.operation in ("amax", "amin") and _cancels(found[0]):
            for node in call.outputs:  # taken off before an exponential: the result does not depend on it
                gradients.pop(node)
            continue
        nodes = [leaf for leaf in tree_leaves(call.inputs) if isinstance(leaf, Node)]
        for at, (node, part) in enumerate(zip(nodes, through(book, call, found), strict=False)):
            if node.differentiable and part is not None:
                call.gradients[at] = part
                uses.setdefault(node, []).append(part)
    for node in list(uses):
        gradient_of(node)
    return gradients


def _cancels(gradient: Node | None) -> bool:
    """Whether a gradient is 0, as a sum of terms that are not."""
    if gradient is None or not isinstance(gradient.value, Tensor) or not gradient.value.numel():
        return False
    terms = [gradient]
    while any(term.op in SUMS for term in terms):
        terms = [x for term in terms for x in (term.inputs if term.op in SUMS else [term])]
    size = max((float(x.value.abs().max()) for x in terms if x.value.numel()), default=0.0)
    return float(gradient.value.abs().max()) <= CANCELLED * size


def through(book: Book, call: Call, upstreams: Sequence[Node | None]) -> list[Node | None]:
    """The gradients of a call's inputs, in their order, written down from those of its outputs."""
    assert call.backward is not None
    with writing(book, call, call.place):
        results = call.backward(*[None if g is None else g.value for g in upstreams])
    results = tuple(results) if isinstance(results, tuple | list) else (results,)
    leaves = tree_leaves(call.inputs)
    parts = [leaf for leaf in _flat(results) if leaf is None or isinstance(leaf, Tensor)]
    if not _fit(parts, [leaf for leaf in leaves if isinstance(leaf, Node)]):  # one for each argument
        parts = [part for leaf, part in zip(leaves, parts, strict=False) if isinstance(leaf, Node)]
    return [None if part is None else book.node(part) for part in parts]


def _fit(parts: Sequence[Tensor | None], nodes: Sequence[Node]) -> bool:
    """Whether there is one part for each node: one gradient for each real tensor, and none for numbers."""
    return len(parts) == len(nodes) and all(
        part is None or node.value.is_floating_point() for part, node in zip(parts, nodes, strict=True)
    )


def _flat(values: Any) -> list[Any]:
    if isinstance(values, tuple | list):
        return [leaf for value in values for leaf in _flat(value)]
    return [values]


def _total(book: Book, node: Node, parts: list[Node]) -> Node:
    """The gradient of what is used several times: the sum over its uses."""
    if len(parts) == 1:
        return parts[0]
    with writing(book, None, None):
        joined = _joined(book, node, parts)
        if joined is None:
            parts = _filled(book, parts)
            if len(parts) == 1:
                return parts[0]
            whole = any(part.op != "expand" for part in parts)
            bare = [part.args[0] if part.op == "expand" and whole else part for part in parts]
            times = Counter(without_new_axes(book, tuple(bare)))
            summands = [part if n == 1 else book.make("mul", n, part) for part, n in times.items()]
            joined = summands[0] if len(summands) == 1 else book.add("total", _sum_of, summands)
        total = joined
    total.reason = "uses"
    return total


def _filled(book: Book, parts: list[Node]) -> list[Node]:
    """What one use leaves 0 and another one alone fills, as the one with the other's numbers."""
    for one in parts:
        if one.op != "setitem" or one.args[2] != 0:
            continue
        base, index, _ = one.args
        for other in parts:
            if _is_placed(other) and is_same_part(index, other.args[1]) and other.shape == one.shape:
                value = other.args[2]
                as_it_was = value.op == "getitem" and value.args[0] is base
                if as_it_was and is_same_part(index, value.args[1]):
                    whole = base
                else:
                    whole = book.add("setitem", set_item, (base, index, value))
                return _filled(book, [whole, *(p for p in parts if p is not one and p is not other)])
    return parts


def _sum_of(*parts: Tensor) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _joined(book: Book, node: Node, parts: list[Node]) -> Node | None:
    """Parts that are put side by side, where each has a slice of the whole to itself."""
    if not all(_is_placed(part) for part in parts):
        return None
    for dim in range(len(node.shape)):
        found = {}
        for part in parts:
            index = part.args[1] if isinstance(part.args[1], tuple) else (part.args[1],)
            if len(index) != dim + 1 or any(i != slice(None) for i in index[:dim]):
                break
            found[_start(index[dim], node.shape[dim])] = part.args[2], index[dim]
        else:
            if len(found) < len(parts):
                return None
            values = [found[start] for start in sorted(found)]
            if all(isinstance(i, int) for _, i in values) and len(values) == node.shape[dim]:
                return book.make("stack", tuple(g for g, _ in values), dim)
            slices = all(isinstance(i, slice) and i.step in (None, 1) for _, i in values)
            size = node.shape[dim]
            if slices and sum(g.shape[dim] for g, _ in values) == size and _tile(found, size, dim):
                return book.make("cat", tuple(g for g, _ in values), dim)
    return None


def _tile(found: dict[int, Any], size: int, dim: int) -> bool:
    end = 0
    for start in sorted(found):
        if start != end:
            return False
        end += found[start][0].shape[dim]
    return end == size


def _is_placed(node: Node) -> bool:
    return (
        node.op == "setitem" and isinstance(node.args[2], Node) and node.args[0].op in ("zeros_like", "zeros")
    )


def _start(index: Any, size: int) -> int:
    if isinstance(index, slice):
        return index.indices(size)[0]
    return int(index) % size if isinstance(index, int) else -1
