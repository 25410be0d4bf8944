"""Wrong answers to the exercises of “The computational graph”."""

from typing import Any

from torch import Tensor

Inputs = dict[str, tuple[str, ...]]


def one_use_only(grad_output: Tensor, x: Tensor) -> Tensor:
    return grad_output


def plus(grad_output: Tensor, x: Tensor) -> Tensor:
    return grad_output + grad_output.mean(0)


def own_mean_only(grad_output: Tensor, x: Tensor) -> Tensor:
    return grad_output * (1 - 1 / len(x))


def breadth_first(result: str, inputs: Inputs) -> list[str]:
    order = [result]
    for name in order:
        order += [used for used in dict.fromkeys(inputs[name]) if used not in order]
    return order


def preorder(result: str, inputs: Inputs) -> list[str]:
    order: list[str] = []
    waiting = [result]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order.append(name)
            waiting += inputs[name]
    return order


def recursive(result: str, inputs: Inputs) -> list[str]:
    order: list[str] = []
    seen = set()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for used in inputs[name]:
                visit(used)
            order.append(name)

    visit(result)
    return order[::-1]


def forwards(result: str, inputs: Inputs) -> list[str]:
    return recursive(result, inputs)[::-1]


def every_path(result: str, inputs: Inputs) -> list[str]:
    order: list[str] = []
    waiting = [result]
    while waiting:
        name = waiting.pop(0)
        if name in order:
            order.remove(name)
        order.append(name)
        waiting += inputs[name]
    return order


def everything(result: str, inputs: Inputs) -> list[str]:
    order = recursive(result, inputs)
    return [*order, *(name for name in inputs if name not in order)]


def every_use(result: str, inputs: Inputs) -> list[str]:
    return [result, *(used for user in inputs for used in inputs[user])]


WRONG: list[tuple[str, Any, str]] = [
    ("3.1", 36, "the last path alone"),
    ("3.1", 63, "before its use in L = c b had reported"),
    ("3.1", 81, "through c = b + a; that use of b is missing"),
    ("3.1", 126, "a is also used in c"),
    ("3.1", 72, "uses a twice"),
    ("3.1", 189, "passed on twice"),
    ("3.1", 108, "that is L itself"),
    ("3.2", one_use_only, "is forgotten"),
    ("3.2", plus, "has the wrong sign"),
    ("3.2", own_mean_only, "Only the diagonal of the Jacobian is used"),
    ("3.3", breadth_first, "a is visited before b, which uses it"),
    ("3.3", preorder, "is visited before"),
    ("3.3", recursive, "deeper than Python allows"),
    ("3.3", forwards, "that is the order of the forward pass"),
    ("3.3", every_path, "once for every path"),
    ("3.3", everything, "though"),
    ("3.3", every_use, "times"),
    ("3.3", lambda result, inputs: [result], "is never visited"),
    ("3.3", lambda result, inputs: {result: 0}, "a list of names is asked for"),
    ("3.3", lambda result, inputs: inputs["z"], "it raised KeyError"),
]
