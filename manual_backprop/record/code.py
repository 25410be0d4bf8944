"""The lines of code of a recorded operation, forward and backward, as `derive` writes them.

The operation's written form is run on the recorded tensors. What has a symbol in the step has it in the code
too: W2 for W², t1 for t₁, dz2 for δ². What is made on the way has a name of its own, and a line of its own.
"""

import keyword
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from manual_backprop.derive import program as derive
from manual_backprop.derive.backward import through
from manual_backprop.derive.book import Book, Writing
from manual_backprop.derive.names import RESERVED, identifier
from manual_backprop.derive.program import Node, Program, in_order
from manual_backprop.derive.script import Script, script_of
from manual_backprop.derive.writing.paper_code import PaperCode
from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map
from manual_backprop.record.call import SUBSCRIPTS, SUPERSCRIPTS, Call, Value

SHARE = "share"  # what is added to a gradient, where it takes more than one line, or is added to several
MOST_NUMBERS = 200_000  # of an operation; the code of a larger one is run for the shapes alone
DIGITS = str.maketrans(SUPERSCRIPTS + SUBSCRIPTS, "0123456789" * 2)
GIVEN = ("input", "constant", "number", "upstream")  # what no line makes


@dataclass(frozen=True)
class Line:
    """A line of code, and what it makes.

    Attributes:
        text: the statement; several where a tensor is made and then written over.
        tensor: what it makes; on the meta device, without its numbers, where the operation is a large one.
        recorded: whether the record has that tensor too; if not, it is made on the way only.
    """

    text: tuple[str, ...]
    tensor: Tensor
    recorded: bool


@dataclass(frozen=True)
class Code:
    """An operation as code.

    Attributes:
        forward: the lines to its outputs.
        backward: the lines to the gradient of each input, by its place among the call's inputs; what one of
            them has made, those behind it use.
    """

    forward: list[Line] = field(default_factory=list)
    backward: dict[int, list[Line]] = field(default_factory=dict)


def code_of(call: Call) -> Code:
    """The code of a call; none of an operation that is PyTorch's own, or that is not written out."""
    program = None if call.rule is None else _program_of(call, meta=_is_large(call))
    if program is None:
        return Code()
    names = _names(call, program)
    script = script_of(program, PaperCode, names)
    return Code(_forward(call, program, script), _backward(call, program, script, names))


def name_in_code(values: Iterable[Value]) -> None:
    """Give each tensor of a step the name that it has in code; ∂L/∂ of it is called d and that name."""
    taken = set(RESERVED)
    for value in values:
        name = base = _identifier(value.symbol)
        number = 0
        while {name, f"d{name}"} & taken or keyword.iskeyword(name):
            number += 1
            name = f"{base}_{number}"
        taken |= {name, f"d{name}"}
        value.identifier = name


def _identifier(symbol: str) -> str:
    """W2 for W², weight0 for 0.weight, without what Python takes in no name."""
    name = identifier(symbol.translate(DIGITS))
    name = "".join(c for c in name if f"x{c}".isidentifier())
    return name if name.isidentifier() else f"x{name}"


@dataclass(eq=False)
class _Written(Program):
    """The program of one operation.

    Attributes:
        shares: what comes back to each of the inputs, by its place.
    """

    shares: dict[int, Node]


def _is_large(call: Call) -> bool:
    return sum(value.tensor.numel() for value in (*call.inputs, *call.outputs)) > MOST_NUMBERS


def _program_of(call: Call, meta: bool) -> _Written | None:
    """The written form of a call, run on what was recorded; None where it has none for these arguments.

    Args:
        call: the call.
        meta: run it for the shapes alone, unless it asks for numbers.
    """
    if not meta:
        return _run(call, lambda tensor: tensor)
    try:
        with torch.device("meta"):
            return _run(call, lambda tensor: tensor.to("meta"))
    except RuntimeError:  # a number was read, or a size depends on it
        return _run(call, lambda tensor: tensor)


def _run(call: Call, on: Callable[[Tensor], Tensor]) -> _Written | None:
    book = Book()
    places: list[Node] = []

    def known(value: Value) -> Tensor:
        node = _node(book, "input", on(value.tensor), value.identifier)
        node.differentiable = len(places) in call.gradients
        places.append(node)
        tensor: Tensor = node.value
        return tensor

    inputs = tree_map(lambda x: known(x) if isinstance(x, Value) else x, call.arguments)
    nodes = tree_map(lambda x: book.node(x) if isinstance(x, Tensor) else x, inputs)
    step = derive.Call(1, call.operation, call.formula.kind, nodes, [], None, None)
    with torch.no_grad(), Writing(book, step, None):
        made = call.rule.written(*inputs)
    if made is NotImplemented:
        return None
    result, step.backward = made
    made = [book.node(x) for x in tree_leaves(result) if isinstance(x, Tensor)]
    step.outputs = [node for node in made if node.value.is_floating_point()]  # integers are not recorded
    for node in step.outputs:
        node.given = True
    recorded = dict(zip(step.outputs, call.outputs, strict=True))
    upstreams = [_upstream(book, recorded[node], on) if node in recorded else None for node in made]
    found = through(book, step, upstreams) if call.gradients else []
    shares = {at: node for at, node in enumerate(found) if at in call.gradients and node is not None}
    gradients = {places[at]: node for at, node in shares.items()}
    given = tuple(node or Node("number") for node, of in zip(upstreams, made, strict=True) if of in recorded)
    return _Written(tuple(places), tuple(step.outputs), given, [step], gradients, book.nodes, shares)


def _node(book: Book, op: str, tensor: Tensor, name: str) -> Node:
    node = Node(op, value=tensor.detach(), name=name, given=True)
    book.know(node.value, node)
    return node


def _upstream(book: Book, value: Value, on: Callable[[Tensor], Tensor]) -> Node | None:
    """∂L/∂ of an output, which is 1 of the loss."""
    if value.kind == "loss":
        return _node(book, "number", torch.ones_like(value.tensor, device=value.tensor.device), "")
    gradient = value.gradient
    return None if gradient is None else _node(book, "upstream", on(gradient), f"d{value.identifier}")


def _names(call: Call, program: _Written) -> dict[Node, str]:
    """What the record says of the nodes: names of inputs and outputs, and d with these names."""
    results = {node: value.identifier for node, value in zip(program.outputs, call.outputs, strict=True)}
    upstreams = [node for node in program.upstreams if node.op == "upstream"]
    names = results | {node: node.name for node in (*program.inputs, *upstreams)}
    made = set(program.forward_nodes())
    needs = {at: set(in_order([node])) for at, node in program.shares.items()}
    parts = 0
    for at, node in program.shares.items():
        if node in names or node.op in GIVEN or node in made:
            continue
        needed = [i for i, nodes in needs.items() if i != at and node in nodes]
        lines = node.op in PaperCode.statements()
        # It has the name of the gradient as soon as it is made, but not where that of an earlier input needs
        # it; nor, where other operations add to it, if another one needs it or it takes more than one line.
        if any(i < at for i in needed) or (call.inputs[at].used_again and (needed or lines)):
            parts += 1
            names[node] = SHARE if parts == 1 else f"{SHARE}_{parts}"
        else:
            names[node] = f"d{call.inputs[at].identifier}"
    return names


def _forward(call: Call, program: _Written, script: Script) -> list[Line]:
    steps = [Line(tuple(line.code), line.node.value, line.node in program.outputs) for line in script.forward]
    for value, node in zip(call.outputs, program.outputs, strict=True):
        if script.names[node] != value.identifier:  # what comes out is what went in
            steps.append(Line((f"{value.identifier} = {script.names[node]}",), node.value, True))
    return steps


def _backward(call: Call, program: _Written, script: Script, names: dict[Node, str]) -> dict[int, list[Line]]:
    lines = {line.node: line for line in script.backward}
    done: set[Node] = set()
    code = {}
    for at, node in program.shares.items():
        value = call.inputs[at]
        name, sign = f"d{value.identifier}", "+=" if value.used_again else "="
        writer = PaperCode(script.names)
        right = writer.text(node)
        waiting, needed = [node, *writer.used], set[Node]()
        while waiting:
            part = waiting.pop()
            if part in lines and part not in done | needed:
                needed.add(part)
                waiting += lines[part].uses
        own = names.get(node) == name
        steps = [
            Line(tuple(line.code), line.node.value, False)
            for line in script.backward
            if line.node in needed and not (own and line.node is node)
        ]
        done |= needed
        if own:
            first, *rest = lines[node].code
            text = (f"{name} {sign} {first.removeprefix(f'{name} = ')}", *rest)
        else:
            text = (f"{name} {sign} {right}",)
        code[at] = [*steps, Line(text, node.value, True)]
    return code
