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
    ("3.1", 1100, "the last path alone"),
    ("3.1", 2100, "before its use in L = c b had reported"),
    ("3.1", 2300, "through c = b + a; that use of b is missing"),
    ("3.1", 4200, "a is also used in c"),
    ("3.1", 2200, "a is used twice"),
    ("3.1", 6300, "passed on twice"),
    ("3.1", 11000, "that is L itself"),
    ("3.1", 2000, "through c and then b"),
    ("3.1", 4000, "the derivative of a⁴"),
    ("3.1", 100, "without the way through b"),
    ("3.2", one_use_only, "the way through z_ni alone"),
    ("3.2", plus, "yours has a plus"),
    ("3.2", own_mean_only, "and not only of its own"),
    ("3.2", lambda g, x: g - g.sum(0), "the 1/N is missing"),
    ("3.2", lambda g, x: g - g.mean(1, keepdim=True), "over the features"),
    ("3.2", lambda g, x: g - g.mean(), "over all numbers"),
    ("3.2", lambda g, x: g - g.sum(0) / x.shape[1], "divided by the number of features"),
    ("3.2", lambda g, x: x - x.mean(0), "the forward pass"),
    ("3.2", lambda g, x: g * (x - x.mean(0)), "multiplied by z"),
    ("3.2", lambda g, x: -g.mean(0).expand_as(x), "through the mean alone"),
    ("3.3", breadth_first, "a is visited before b, which uses it"),
    ("3.3", preorder, "is visited before"),
    ("3.3", recursive, "deeper than Python allows"),
    ("3.3", forwards, "the backward walk starts with it"),
    ("3.3", every_path, "once for every path"),
    ("3.3", everything, "though"),
    ("3.3", every_use, "times"),
    ("3.3", lambda result, inputs: [result], "is never visited"),
    ("3.3", lambda result, inputs: {result: 0}, "a list of names is asked for"),
    ("3.3", lambda result, inputs: inputs["z"], "it raised KeyError"),
]
