"""The exercises of “The computational graph”."""

import random
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from manual_backprop.exercises.answers import Misfit, require_function, returned, shown
from manual_backprop.exercises.judges import Judge, Judgement, derivation, number

Inputs = dict[str, tuple[str, ...]]  # of each node, by name

# L = c b, c = b + a, b = a a, at a = 3; and what each mistake makes of ∂L/∂a.
A = 3.0
B = A * A
C = B + A
TO_B, ALSO_TO_B = B, C  # what b gets through c, and from L itself


def _right() -> float:
    return (TO_B + ALSO_TO_B) * 2 * A + B


MISTAKES = {
    C * B: "that is L itself; its derivative is asked for.",
    ALSO_TO_B * A: "that is the last path alone: what arrives at a node is to be added to what is there.",
    TO_B * 2 * A + B: "b went on with what came through c, before its use in L = c b had reported.",
    ALSO_TO_B * 2 * A + B: "b also gets a gradient through c = b + a; that use of b is missing.",
    (TO_B + ALSO_TO_B) * 2 * A: "a is also used in c = b + a; that use is missing.",
    (TO_B + ALSO_TO_B) * A + B: "b = a a uses a twice, once as each factor.",
    TO_B * 2 * A + B + (TO_B + ALSO_TO_B) * 2 * A: "what b got through c has been passed on twice: "
    "first alone, and then within the sum.",
}


def _centre(x: Tensor) -> Tensor:
    return x - x.mean(0)


class _Watched(dict[str, tuple[str, ...]]):
    """Counts how often nodes are looked up, and stops a walk along every path."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        self.left = 20 * len(inputs) + 20

    def _look(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooManyError

    def __getitem__(self, name: str) -> tuple[str, ...]:
        self._look()
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As dict's, counted."""
        self._look()
        return super().get(name, default)


class _TooManyError(Exception):
    """More look-ups than a walk that visits each node once can need."""


def _graphs() -> Iterator[tuple[str, Inputs]]:
    yield "c", {"c": ("b", "b"), "b": ("a", "a"), "a": ()}
    yield "d", {"a": (), "b": ("a",), "c": ("b",), "d": ("a", "c")}  # a is near, and must wait
    yield "d", {"d": ("c", "a"), "c": ("b",), "b": ("a",), "a": (), "e": ("d", "a")}  # e is not needed
    chance = random.Random(3)
    for _ in range(20):
        names = chance.sample("abcdefghijkl", 12)
        inputs = {name: tuple(chance.choices(names[:i], k=min(i, 2))) for i, name in enumerate(names)}
        yield names[-1], dict(chance.sample(list(inputs.items()), 12))
    yield "40", {"0": (), **{str(i): (str(i - 1),) * 2 for i in range(1, 41)}}  # 2⁴⁰ paths
    yield "5000", {"0": (), **{str(i): (str(i - 1),) for i in range(1, 5001)}}


def _order(answer: Any) -> Judgement:
    require_function(answer)
    for result, inputs in _graphs():
        graph = str(inputs) if len(inputs) < 20 else f"a chain of {len(inputs)} nodes"
        try:
            given = returned(answer, result, _Watched(inputs))
        except Misfit as reason:
            if isinstance(reason.__cause__, RecursionError):
                return False, f"not yet: on {graph} it calls itself deeper than Python allows."
            if isinstance(reason.__cause__, _TooManyError):
                return False, f"not yet: on {graph} it looks nodes up again and again, once for every path."
            return False, f"on {graph} {reason}"
        wrong = _wrong(given, result, inputs)
        if wrong:
            return False, f"not yet: on {graph}, {wrong}"
    return True, "right."


def _wrong(given: Any, result: str, inputs: Inputs) -> str:
    """What is wrong with this order; "" if nothing is."""
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        return f"a list of names is asked for, not {shown(given)}."
    needed, waiting = {result}, [result]
    while waiting:
        new = set(inputs[waiting.pop()]) - needed
        needed |= new
        waiting += new
    for name in given:
        if name not in needed:
            return f"{name} is visited, though {result} does not depend on it."
        if given.count(name) > 1:
            return f"{name} is visited {given.count(name)} times."
    if missing := needed - set(given):
        return f"{min(missing)} is never visited."
    at = {name: place for place, name in enumerate(given)}
    if at[result] == len(given) - 1 > 0:
        return "the result comes last: that is the order of the forward pass."
    for user in given:
        for used in inputs[user]:
            if at[used] < at[user]:
                return f"{used} is visited before {user}, which uses it and still has a gradient for it."
    return ""


EXERCISES: dict[str, Judge] = {
    "3.1": number(_right, MISTAKES),
    "3.2": derivation(_centre, (5, 3)),
    "3.3": _order,
}
