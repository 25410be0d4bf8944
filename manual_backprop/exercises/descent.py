"""The exercises of “Gradient descent”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, number, same_numbers

Gradient = Callable[[Tensor], Tensor]


def _descent(
    gradient: Gradient,
    w: Tensor,
    lr: float,
    momentum: float,
    steps: int,
    fresh: float = 1.0,
    sign: float = -1.0,
) -> Tensor:
    """v ← μ v + (fresh) g and w ← w + (sign) η v."""
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + fresh * gradient(w)
        w = w + sign * lr * v
    return w


def _averaged(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, steps, fresh=1 - momentum)


def _uphill(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, steps, sign=1.0)


def _forgetful(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, 0.0, steps)


def _late(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    """W is moved by the v of the step before."""
    v = torch.zeros_like(w)
    for _ in range(steps):
        w, v = w - lr * v, momentum * v + gradient(w)
    return w


def _ahead(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    """Nesterov's: the gradient at where the momentum alone would lead."""
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + gradient(w - lr * momentum * v)
        w = w - lr * v
    return w


def _never_asked_again(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    at_start = gradient(w)
    return _descent(lambda _: at_start, w, lr, momentum, steps)


def _slopes() -> list[tuple[Any, ...]]:
    """A quadratic loss and one that is not, with a start, η, μ and a number of steps."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    w = torch.randn(4, generator=generator, dtype=torch.float64)
    return [
        (lambda at: root.T @ (root @ at), w, 0.03, 0.8, 7),
        (torch.tanh, w, 0.2, 0.9, 10),
    ]


def _best_rate(A: Tensor, w: Tensor) -> Tensor:
    g = A @ w
    return (g @ g) / (g @ A @ g)


def _valleys() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    cases = []
    for size in (2, 5):
        root = torch.randn(size, size, generator=generator, dtype=torch.float64)
        w = torch.randn(size, generator=generator, dtype=torch.float64)
        cases.append((root.T @ root + torch.eye(size, dtype=torch.float64), w))
    return cases


EXERCISES: dict[str, Judge] = {
    "6.1": number(
        2 / 6,
        {
            2 / 3: "the 3 is not the curvature. The derivative of 3w² is 6w, as that of ½λw² is λw: λ = 6.",
            2.0: "that is the limit of the flat direction, w₂. In the direction of w₁ this diverges.",
            1 / 6: "with that η the steep direction reaches its bottom in one step. The limit is twice that.",
            2 / 7: "that is the best η, 2/(λmin + λmax). The question is for the limit.",
            6.0: "that is the largest curvature. The larger it is, the smaller is the limit.",
            3.0: "a larger curvature makes the limit smaller: it stands in the divisor.",
        },
    ),
    "6.2": same_numbers(
        _descent,
        _slopes,
        {
            "that goes uphill. w ← w − η v has a minus.": _uphill,
            "your v is an average: the new gradient is multiplied by 1 − μ. Here v ← μ v + g.": _averaged,
            "nothing is remembered: that is descent without momentum.": _forgetful,
            "w was moved by the v of the step before. First v ← μ v + g, then w ← w − η v.": _late,
            "the gradient was taken at a point ahead of w. That is Nesterov's momentum; here it is taken "
            "at w.": _ahead,
            "the gradient was computed once, at the start. Ask again at every new w.": _never_asked_again,
        },
    ),
    "6.3": same_numbers(
        _best_rate,
        _valleys,
        {
            "that is 1/λmax. It ignores w: along a flatter direction, η may be larger.": (
                lambda A, w: 1 / torch.linalg.eigvalsh(A)[-1]
            ),
            "that is 2/(λmin + λmax), which is best for the worst w. Here w is given.": (
                lambda A, w: 2 / (torch.linalg.eigvalsh(A)[0] + torch.linalg.eigvalsh(A)[-1])
            ),
            "a factor of 2 is left over. The derivative of ½ η² gᵀAg is η gᵀAg.": (
                lambda A, w: _best_rate(A, w) / 2
            ),
            "that is twice the best: there the loss is back where it was, on the other side.": (
                lambda A, w: 2 * _best_rate(A, w)
            ),
            "the divisor has w where the gradient belongs: the step is along g, which makes it gᵀAg.": (
                lambda A, w: (A @ w) @ (A @ w) / (w @ A @ w)
            ),
            "that is minus the right one: the step is w − η g, and η is positive.": (
                lambda A, w: -_best_rate(A, w)
            ),
            "the right one is the inverse of that.": lambda A, w: 1 / _best_rate(A, w),
        },
    ),
}
