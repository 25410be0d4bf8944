"""The exercises of “The computational graph”."""

import random
from collections import deque
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from manual_backprop.exercises.answers import Misfit, require_function, returned, shown
from manual_backprop.exercises.judges import Judge, derivation
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question

Inputs = dict[str, tuple[str, ...]]  # of each node, by name

# L = c b, c = b + a, b = a a, at a = 10; and what each mistake makes of ∂L/∂a.
A = 10.0
B = A * A
C = B + A
TO_B, ALSO_TO_B = B, C  # what b gets through c, and from L itself


def _right() -> float:
    return (TO_B + ALSO_TO_B) * 2 * A + B


MISTAKES = {
    C * B: "that is L itself; its derivative is asked for.",
    ALSO_TO_B * A: "that is the last path alone: what arrives at a node is to be added to what is there.",
    TO_B * 2 * A + B: "half of this is missing. Either b was left with what came through c alone, before its "
    "use in L = c b had reported; or of the two arrows from a to b only one was walked, and the use of a in "
    "c was left out.",
    ALSO_TO_B * 2 * A + B: "b also gets a gradient through c = b + a; that use of b is missing.",
    (TO_B + ALSO_TO_B) * 2 * A: "a is also used in c = b + a; that use is missing.",
    (TO_B + ALSO_TO_B) * A + B: "some uses are missing. a is used twice in b = a a, once as each factor, and "
    "once in c = b + a; b is used in L = c b and in c = b + a.",
    TO_B * 2 * A + B + (TO_B + ALSO_TO_B) * 2 * A: "what b got through c has been passed on twice: "
    "first alone, and then within the sum.",
    TO_B * 2 * A: "that is only what reaches a through c and then b. b is also used in L = c b, and a in "
    "c = b + a.",
    4 * A**3: "that is the derivative of a⁴. But c = b + a, so L = a⁴ + a³.",
    B: "that is only what reaches a through c = b + a, without the way through b.",
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
    if isinstance(given, deque | type(reversed([])) | type({}.keys())):
        given = list(given)
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
        return "the result comes last, and the backward walk starts with it."
    for user in given:
        for used in inputs[user]:
            if at[used] < at[user]:
                return f"{used} is visited before {user}, which uses it and still has a gradient for it."
    return ""


PREDICTIONS: dict[str, Question] = {
    "3a": Number(
        1,
        because="Four gradients arrive at a, each of them 1, and each replaces the one before.",
        mistakes={
            4: "That is the right derivative. But look at `node.gradient = gradient`: what happens to the "
            "gradient that was there?",
            2: "Two arrows lead from a to b, and each is walked. But the second gradient that arrives at a "
            "replaces the first.",
            0: "Each call sets the gradient of its node to what it is given, and a is given 1.",
            3: "That is the value of a. Its gradient is what the last call gives it.",
        },
    ),
    "3b": Number(
        6,
        because="b is visited twice. The first time it has 1, the second time 2, and each time it passes "
        "what it has to a, twice: 1 + 1 + 2 + 2.",
        mistakes={
            4: "That is the right derivative. But b is visited twice, and passes on `node.gradient`, all "
            "that it has collected: the second time, that is 2.",
            2: "b is visited twice, once for each use in c, and passes something on each time.",
            1: "Nothing is replaced any more: each gradient that arrives is added.",
            8: "b passes on 1 the first time and 2 the second, not 2 both times: 1 + 1 + 2 + 2.",
        },
    ),
    "3c": Number(
        2047,
        because="Each visit to a node makes two visits to the node before it: 1 + 2 + 4 + … + 1024 = 2047.",
        mistakes={
            11: "That would be one visit to each node. This walk visits a node once for each way that leads "
            "to it from the result, and two additions already take 7 visits.",
            20: "There are 20 arrows. But the arrows into a node are walked again at each visit to it.",
            21: "There are 20 arrows. But the arrows into a node are walked again at each visit to it.",
            35: "Five times the visits for five times the additions would be so if they grew in proportion. "
            "But each visit to a node makes two to the node before it.",
            1024: "That many visits are made to a alone, one for each path. The visits to the nodes between "
            "count as well.",
        },
        within=0.1,
    ),
    "3d": Number(
        12,
        because="The weight still has its 6, and `backward` adds 6 to it.",
        mistakes={
            6: "That is the derivative. But the weight still has the 6 of the first time, and `backward` "
            "adds to it.",
            36: "Nothing multiplies the two gradients: `backward` adds.",
            18: "The 6 of the first time is not passed on again: the second time, 3 arrives twice.",
            0: "`backward` sets the gradient of the result only; nothing sets that of the weight back.",
        },
    ),
    "3e": Choice(
        right="as many as before",
        remarks={
            "as many as before": "A node stands for an operation on whole matrices, and there are as many "
            "operations as before.",
            "125 times as many": "That would be so if each hidden unit had its own node. But `F.linear` "
            "computes all of them in one operation.",
            "100 times as many": "That would be so if each example had its own nodes. But the examples stand "
            "in one matrix, which each operation takes as a whole.",
            "12,500 times as many": "That would be so if each unit had a node for each example, as with our "
            "`Node`. Here a node stands for an operation on whole matrices.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "3.1": Number(_right, mistakes=MISTAKES),
    "3.2": derivation(
        _centre,
        (5, 3),
        mistakes={
            "that is the way through z_ni alone. Through the mean, x_ni also reaches every z_mi.": (
                lambda g, x: (g,)
            ),
            "the slope through the mean is −1/N; yours has a plus.": lambda g, x: (g + g.mean(0),),
            "through the mean, x_ni reaches z_mi of every example m, and not only of its own: sum over m.": (
                lambda g, x: (g * (1 - 1 / len(x)),)
            ),
            "the mean is over the features. x_ni shares a mean with the other examples.": (
                lambda g, x: (g - g.mean(1, keepdim=True),)
            ),
            "the mean is over all numbers. x_ni shares a mean only with those in its own column.": (
                lambda g, x: (g - g.mean(),)
            ),
            "through the mean each slope is −1/N; the 1/N is missing.": lambda g, x: (g - g.sum(0),),
            "you divided by the number of features. The mean is over the N examples.": (
                lambda g, x: (g - g.sum(0) / x.shape[1],)
            ),
            "that is the forward pass, of x. What is to be passed back is grad_output.": (
                lambda g, x: (_centre(x),)
            ),
            "grad_output is multiplied by z. What belongs there are the slopes of z, which do not depend "
            "on x.": lambda g, x: (g * _centre(x),),
            "that is the way through the mean alone. x_ni also stands in z_ni itself, with the slope 1.": (
                lambda g, x: (-g.mean(0).expand_as(x),)
            ),
        },
    ),
    "3.3": _order,
}
