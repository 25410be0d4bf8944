"""The exercises of “Gradient descent”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question

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


def _one_mu_more(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, steps, fresh=momentum)


def _ahead_of_v(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    """Nesterov's as torch.optim.SGD has it: w moves by g + μ v."""
    v = torch.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        v = momentum * v + g
        w = w - lr * (g + momentum * v)
    return w


def _rate_twice(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, steps, fresh=lr)


def _opposed(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, -momentum, steps)


def _one_less(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, steps - 1)


def _without_rate(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, 1.0, momentum, steps)


def _never_fading(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, 1.0, steps)


def _one_more(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, steps + 1)


def _once(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return _descent(gradient, w, lr, momentum, 1)


def _head_start(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    """V starts as the gradient."""
    v = gradient(w)
    for _ in range(steps):
        v = momentum * v + gradient(w)
        w = w - lr * v
    return w


def _path(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int, start: int = 0) -> Tensor:
    return torch.stack([_descent(gradient, w, lr, momentum, n) for n in range(start, steps + 1)])


def _velocity(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    before, after = _path(gradient, w, lr, momentum, steps, start=steps - 1)
    return (before - after) / lr


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


PREDICTIONS: dict[str, Question] = {
    "6a": Choice(
        right="1 alone",
        remarks={
            "none: one has to try": "The promise is η times 11.3, and there is a limit to how far a loss of "
            "2.62 can fall: a cross-entropy is never below 0.",
            "1 alone": "It promises a fall of 11.3, and the loss is 2.62: it cannot fall by more than that.",
            "0.1 and 1": "With η = 0.1 the promise is 1.13. A loss of 2.62 can fall by that; whether it does "
            "has to be tried.",
            "all four": "With a small η the promise is small too, 0.0113 for η = 0.001, and near the start "
            "the slope is nearly what it was.",
        },
    ),
    "6b": Choice(
        right="it shrinks to almost nothing",
        remarks={
            "it grows, as η is above the limit": "The limit 0.2 is that of the steep direction, whose "
            "curvature is 10. In the flat one, with the curvature 1, it is 2.",
            "it shrinks to almost nothing": "Each step multiplies it by 1 − 0.202 = 0.798, whatever the "
            "other coordinate does.",
            "it changes its sign at every step": "That would need 1 − ηλ below zero. Here it is 1 − 0.202 · "
            "1.",
            "it stays as it is": "That would need ηλ = 0. Here 1 − ηλ = 1 − 0.202 · 1.",
        },
    ),
    "6c": Number(
        2303,
        because="The steps grow with κ: the factor is about 1 − 2/κ, and (1 − 2/κ)ⁿ = 1/100 at n = 2.3 κ.",
        mistakes={
            23: "That many are needed for κ = 10. With κ = 1000 a step has the factor 999/1001, and no "
            "longer 9/11.",
            69: "The steps would triple if they grew with the logarithm of κ. But the factor of the flat "
            "direction is now 999/1001, and its 69th power is still 0.87.",
            230: "That many are needed for κ = 100: with κ the steps grow ten times, and then ten times "
            "again.",
        },
        within=0.2,
    ),
    "6d": Choice(
        right="η = 0.1",
        remarks={
            "η = 0.001": "It is the surest to go down, and slow: two epochs are 160 steps, and a promise "
            "kept is worth little when it is small.",
            "η = 0.01": "It keeps nearly all of the promise at each step, but a step promises ten times less "
            "than with 0.1.",
            "η = 0.1": "At the start it got about half of its promise, which is far more than a smaller η "
            "promises, and it is not too large yet.",
            "η = 1": "At the start it got 2 % of its promise: each step goes far beyond where its slope "
            "holds.",
            "η = 3": "It is even larger than 1, which got 2 % of its promise at the first step.",
        },
    ),
    "6e": Number(
        2,
        because="What examples are off by cancels in part, and the mean of B of them is off by 1/√B of what "
        "one is: four times the batch halves it.",
        mistakes={
            4: "That is the factor of the squares. What examples are off by points in all directions and "
            "cancels in part, and the spread falls with the root.",
            16: "That is the square of the factor in B. The spread falls with its root.",
            1: "A mean of more examples is closer to the mean of all of them.",
            0.5: "The spread is multiplied by that: it falls by the factor 2.",
        },
        within=0.2,
    ),
    "6f": Choice(
        right="8",
        remarks={
            "4000": "Its gradient is exact, but it makes one step only, and that promise is kept near the "
            "start alone.",
            "400": "It makes ten steps. A batch of 40 makes a hundred, and its spread is only about three "
            "times as large.",
            "40": "A hundred steps get far. Five hundred steps with a spread about twice as large get "
            "further.",
            "8": "Five hundred rough steps, each from a better place than the one before.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "6.1": Number(
        2 / 6,
        mistakes={
            2 / 3: "the 3 is not the curvature. The derivative of 3w² is 6w, as that of ½λw² is λw: λ = 6.",
            2.0: "that is the limit of the flat direction, w₂. In the direction of w₁ this diverges.",
            1 / 6: "with that η the steep direction reaches its bottom in one step. The limit is twice that.",
            2 / 7: "that is the best η, 2/(λmin + λmax). The question is for the limit.",
            6.0: "that is the largest curvature. The larger it is, the smaller is the limit.",
            3.0: "a larger curvature makes the limit smaller: it stands in the divisor.",
            1.0: "with that η the flat direction, w₂, reaches its bottom in one step. In that of w₁ it "
            "diverges.",
            -1 / 3: "the size is right, but η is positive: the minus stands in w − η g already.",
            0.5: "that is 2/(3 + 1). The curvatures are 6 and 1, and the limit comes from the largest alone.",
            0.2: "that is the limit for a curvature of 10, as on this page. Here the largest is another one.",
        },
        within=0.02,
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
            "the new gradient is multiplied by μ too. Only the old v is: v ← μ v + g.": _one_mu_more,
            "η is missing: w ← w − η v.": _without_rate,
            "older gradients do not fade: v is to be multiplied by μ at every step.": _never_fading,
            "w moves by g + μ v. That is Nesterov's momentum as `torch.optim.SGD` has it; here w moves by "
            "v.": _ahead_of_v,
            "η stands in v and in the step. It belongs in the step alone: v ← μ v + g.": _rate_twice,
            "the old v is subtracted. It is to be added: v ← μ v + g.": _opposed,
            "that is one step too many.": _one_more,
            "that is one step too few.": _one_less,
            "that is w after one step. Is the `return` inside the loop?": _once,
            "v starts as the first gradient. It is to start at 0.": _head_start,
            "that is v; w is asked for.": _velocity,
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
            "the step is along g = Aw, not along w. Put w − ηg into the loss.": (
                lambda A, w: (w @ w) / (w @ A @ w)
            ),
            "with that η the next w is nearest to the bottom. The question is for the lowest loss.": (
                lambda A, w: (w @ A @ w) / (w @ A @ A @ w)
            ),
            "the numerator is gᵀg, from the slope −gᵀg of the loss at η = 0. Yours is wᵀAw.": (
                lambda A, w: (w @ A @ w) / (w @ A @ A @ A @ w)
            ),
            "the numerator is the length of g. Its square gᵀg belongs there.": (
                lambda A, w: (A @ w).norm() / (w @ A @ A @ A @ w)
            ),
            "that is the limit 2/λmax, above which descent diverges. It ignores w.": (
                lambda A, w: 2 / torch.linalg.eigvalsh(A)[-1]
            ),
            "that is 1/λmin. It ignores w, and along a steeper direction it is too large.": (
                lambda A, w: 1 / torch.linalg.eigvalsh(A)[0]
            ),
            "with that η the next gradient is the shortest. The question is for the lowest loss.": (
                lambda A, w: (w @ A @ A @ A @ w) / (w @ A @ A @ A @ A @ w)
            ),
        },
    ),
}
