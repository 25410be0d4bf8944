"""Wrong answers to the exercises of “Without backpropagation”."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

Loss = Callable[[Tensor], Tensor]


def summed(
    loss: Loss, w: Tensor, V: Tensor, epsilon: float, over: float = 2.0, only: int | None = None
) -> Tensor:
    total = w * 0
    for v in V[:only]:
        total = total + (loss(w + epsilon * v) - loss(w - epsilon * v)) / (over * epsilon) * v
    return total


def one_sided(loss: Loss, w: Tensor, V: Tensor, epsilon: float) -> Tensor:
    total = w * 0
    for v in V:
        total = total + (loss(w + epsilon * v) - loss(w)) / epsilon * v
    return total / len(V)


WRONG: list[tuple[str, Any, str]] = [
    ("18.1", 1_000_000, "that is for 45°"),
    ("18.1", 3_000_000, "that is for 30°"),
    ("18.1", 577_350, "it is squared"),
    ("18.1", 250_000, "the cosine of 60°"),
    ("18.1", 500_000, "not half the draws"),
    ("18.1", 1_000, "the root of P is not enough"),
    ("18.2", summed, "that is the sum"),
    ("18.2", one_sided, "that uses L(w)"),
    ("18.2", lambda loss, w, V, e: summed(loss, w, V, e, over=1) / len(V), "2ε apart"),
    ("18.2", lambda loss, w, V, e: summed(loss, w, V, e) * 2 * e / len(V), "not yet divided by 2ε"),
    ("18.2", lambda loss, w, V, e: -summed(loss, w, V, e) / len(V), "that is the negative"),
    ("18.2", lambda loss, w, V, e: summed(loss, w, V, e, only=1), "the first direction alone"),
    ("18.2", lambda loss, w, V, e: summed(loss, w, V, e, only=1) / len(V), "part of the mean"),
    ("18.2", lambda loss, w, V, e: summed(loss, w, V.mean(0)[None], e), "of the mean direction"),
    ("18.3", lambda beta: 1 / (1 + beta), "between β and 0"),
    ("18.3", lambda beta: 1 / (1 - beta), "between 0 and −β"),
    ("18.3", lambda beta: 1 - beta**2, "the inverse of that"),
    ("18.3", lambda beta: beta**0, "only in the limit"),
    ("18.3", lambda beta: 1 / (1 + beta**2), "the common denominator"),
    ("18.3", lambda beta: 2 / (1 - beta**2), "a factor of 2"),
    ("18.3", lambda beta: -1 / (1 - beta**2), "the sign"),
]
