"""Wrong answers to the exercises of “Gradient descent”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Gradient = Callable[[Tensor], Tensor]


def averaged(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + (1 - momentum) * gradient(w)
        w = w - lr * v
    return w


def late(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    v = torch.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        w = w - lr * v
        v = momentum * v + g
    return w


def uphill(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + gradient(w)
        w = w + lr * v
    return w


def forgetful(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    for _ in range(steps):
        v = torch.zeros_like(w)
        v = momentum * v + gradient(w)
        w = w - lr * v
    return w


def nesterov(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + gradient(w - lr * momentum * v)
        w = w - lr * v
    return w


def asked_once(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    v, g = torch.zeros_like(w), gradient(w)
    for _ in range(steps):
        v = momentum * v + g
        w = w - lr * v
    return w


def asked_for(
    gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int, velocity: bool = False
) -> Tensor:
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + gradient(w)
        w = w - lr * v
    return v if velocity else w


def after_one(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return asked_for(gradient, w, lr, momentum, 1)


def velocity(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    return asked_for(gradient, w, lr, momentum, steps, velocity=True)


def from_largest(A: Tensor, w: Tensor) -> Tensor:
    return 1 / torch.linalg.eigvalsh(A).max()


def from_both(A: Tensor, w: Tensor) -> Tensor:
    curvatures = torch.linalg.eigvalsh(A)
    return 2 / (curvatures.min() + curvatures.max())


def factor_two(A: Tensor, w: Tensor) -> Tensor:
    g = A @ w
    return g.dot(g) / (2 * g.dot(A @ g))


def w_below(A: Tensor, w: Tensor) -> Tensor:
    g = A @ w
    return g.dot(g) / w.dot(g)


def ahead_of_v(gradient: Gradient, w: Tensor, lr: float, momentum: float, steps: int) -> Tensor:
    v = torch.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        v = momentum * v + g
        w = w - lr * (g + momentum * v)
    return w


WRONG: list[tuple[str, Any, str]] = [
    ("6.1", 2 / 3, "the 3 is not the curvature"),
    ("6.1", 2, "the limit of the flat direction"),
    ("6.1", 1 / 6, "reaches its bottom in one step"),
    ("6.1", 2 / 7, "that is the best η"),
    ("6.1", 1, "the flat direction"),
    ("6.1", 1 / 2, "from the largest alone"),
    ("6.1", -1 / 3, "η is positive"),
    ("6.2", averaged, "your v is an average"),
    ("6.2", late, "the v of the step before"),
    ("6.2", uphill, "that goes uphill"),
    ("6.2", forgetful, "nothing is remembered"),
    ("6.2", nesterov, "Nesterov's momentum"),
    ("6.2", asked_once, "computed once, at the start"),
    ("6.2", after_one, "after one step"),
    ("6.2", velocity, "that is v; w is asked for"),
    ("6.2", lambda g, w, lr, mu, n: asked_for(g, w, lr, mu, n + 1), "one step too many"),
    ("6.2", lambda g, w, lr, mu, n: asked_for(g, w, lr, mu, n - 1), "one step too few"),
    ("6.2", lambda g, w, lr, mu, n: asked_for(g, w, 1, mu, n), "η is missing"),
    ("6.2", lambda g, w, lr, mu, n: asked_for(g, w, lr, -mu, n), "the old v is subtracted"),
    ("6.2", lambda g, w, lr, mu, n: asked_for(g, w, lr**2, mu, n), "η stands in v and in the step"),
    ("6.2", ahead_of_v, "w moves by g + μ v"),
    ("6.2", lambda g, w, lr, mu, n: asked_for(g, w, lr, 1, n), "do not fade"),
    (
        "6.2",
        lambda g, w, lr, mu, n: asked_for(lambda at: mu * g(at), w, lr, mu, n),
        "multiplied by μ too",
    ),
    ("6.3", from_largest, "that is 1/λmax"),
    ("6.3", from_both, "best for the worst w"),
    ("6.3", factor_two, "a factor of 2 is left over"),
    ("6.3", w_below, "has w where the gradient belongs"),
    ("6.3", lambda A, w: w.dot(w) / w.dot(A @ w), "not along w"),
    ("6.3", lambda A, w: w.dot(A @ w) / (A @ w).square().sum(), "nearest to the bottom"),
    ("6.3", lambda A, w: w.dot(A @ w) / (A @ w).dot(A @ A @ w), "Yours is wᵀAw"),
    ("6.3", lambda A, w: (A @ w).norm() / (A @ w).dot(A @ A @ w), "the length of g"),
    ("6.3", lambda A, w: 2 / torch.linalg.eigvalsh(A).max(), "the limit 2/λmax"),
    ("6.3", lambda A, w: (A @ w).dot(A @ A @ w) / (A @ A @ w).square().sum(), "gradient is the shortest"),
]
