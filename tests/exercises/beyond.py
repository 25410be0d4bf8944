"""Wrong answers to the exercises of “Beyond the multilayer perceptron”, and words of what is said."""

from typing import Any

import torch
from torch import Tensor

Gradients = tuple[Tensor, ...]


def upsampling(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(w)
    for i in range(len(x)):
        for u in range(len(w)):
            grad_x[i] += w[u] * grad_output[2 * i + u]
            grad_w[u] += x[i] * grad_output[2 * i + u]
    return grad_x, grad_w


def flipped(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    return upsampling(grad_output, x, w.flip(0))[0], upsampling(grad_output, x, w)[1]


def one_by_one(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    windows = grad_output.unfold(0, len(w), 1)[: len(x)]
    return windows @ w, x @ windows


def assigned(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_w = torch.zeros_like(w)
    for i in range(len(x)):
        grad_w = x[i] * grad_output[2 * i : 2 * i + len(w)]
    return upsampling(grad_output, x, w)[0], grad_w


def once(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    return grad_output[: 2 * len(x) : 2] * w[0], upsampling(grad_output, x, w)[1]


def unweighted(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    return grad_output.unfold(0, len(w), 2).sum(1), upsampling(grad_output, x, w)[1]


def averaged(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_x, grad_w = upsampling(grad_output, x, w)
    return grad_x, grad_w / len(x)


def as_forward(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_x, grad_w = upsampling(grad_output, x, w)
    return torch.nn.functional.pad(grad_x, (0, 6)), grad_w


class Steps:
    """The right backward of h + tanh(W x + U h), step by step, to be spoiled at one place."""

    def __call__(self, grad_output: Tensor, x: Tensor, h0: Tensor, W: Tensor, U: Tensor) -> Gradients:
        h, activations, states = h0, [], [h0]
        for x_t in x:
            activations.append(torch.tanh(W @ x_t + U @ h))
            h = h + activations[-1]
            states.append(h)
        grad_x, from_next = torch.zeros_like(x), torch.zeros_like(h0)
        grad_W, grad_U = torch.zeros_like(W), torch.zeros_like(U)
        for t in range(len(x) - 1, -1, -1):
            grad_h = self.arriving(grad_output[t], from_next)
            delta = grad_h * self.slope(activations[t], states[t + 1])
            grad_x[t] = delta @ W
            grad_W = grad_W + torch.outer(delta, x[t])
            grad_U = grad_U + torch.outer(delta, self.factor_of_u(states[t], states[t + 1]))
            from_next = self.leaving(grad_h, delta, U)
        return grad_x, from_next, grad_W, grad_U

    def arriving(self, own: Tensor, from_next: Tensor) -> Tensor:
        return own + from_next

    def slope(self, activation: Tensor, state: Tensor) -> Tensor:
        return 1 - activation**2

    def factor_of_u(self, before: Tensor, after: Tensor) -> Tensor:
        return before

    def leaving(self, grad_h: Tensor, delta: Tensor, U: Tensor) -> Tensor:
        return grad_h + delta @ U


class NoWayAround(Steps):
    def leaving(self, grad_h: Tensor, delta: Tensor, U: Tensor) -> Tensor:
        return delta @ U


class NotThroughU(Steps):
    def leaving(self, grad_h: Tensor, delta: Tensor, U: Tensor) -> Tensor:
        return grad_h


class NoSlope(Steps):
    def slope(self, activation: Tensor, state: Tensor) -> Tensor:
        return torch.ones_like(activation)


class NotTransposed(Steps):
    def leaving(self, grad_h: Tensor, delta: Tensor, U: Tensor) -> Tensor:
        return grad_h + U @ delta


class StepByItself(Steps):
    def arriving(self, own: Tensor, from_next: Tensor) -> Tensor:
        return own


class SlopeOfState(Steps):
    def slope(self, activation: Tensor, state: Tensor) -> Tensor:
        return 1 - state**2


class StateAfter(Steps):
    def factor_of_u(self, before: Tensor, after: Tensor) -> Tensor:
        return after


def attention(grad_output: Tensor, x: Tensor, W: Tensor, V: Tensor, mistake: str = "") -> Gradients:
    u, v = x @ W.T, x @ V.T
    scale = u.shape[1] ** -0.5
    p = (u @ u.T * scale).softmax(1)
    grad_p = grad_output @ v.T
    within = grad_p * p if mistake == "diagonal" else (grad_p * p).sum(1, keepdim=True)
    grad_s = p * (grad_p - within) * (1 if mistake == "scale" else scale)
    grad_v = (p if mistake == "rows of p" else p.T) @ grad_output
    shares = {"queries": grad_s @ u, "keys": (grad_s if mistake == "turn" else grad_s.T) @ u}
    shares.pop(mistake, None)
    grad_u = sum(shares.values(), start=torch.zeros_like(u))
    grad_x = grad_u @ W + (0 if mistake == "values" else grad_v @ V)
    return grad_x, grad_u.T @ x, grad_v.T @ x


def spoiled(mistake: str) -> Any:
    def backward(grad_output: Tensor, x: Tensor, W: Tensor, V: Tensor) -> Gradients:
        return attention(grad_output, x, W, V, mistake)

    return backward


WRONG: list[tuple[str, Any, str]] = [
    ("12.1", flipped, "You flipped the kernel"),
    ("12.1", one_by_one, "You moved on by 1"),
    ("12.1", assigned, "Add, do not assign"),
    ("12.1", once, "Only the first place of each copy"),
    ("12.1", unweighted, "A slope is missing"),
    ("12.1", averaged, "Yours is the right one, × 0.2"),
    ("12.1", as_forward, "expected shape (5,), got (11,)"),
    ("12.1", 3, "a function is asked for"),
    ("12.2", NoWayAround(), "the way around the tanh is missing"),
    ("12.2", NotThroughU(), "the way through U into the tanh is missing"),
    ("12.2", NoSlope(), "The slope of the tanh is missing"),
    ("12.2", StepByItself(), "What comes from the next step is missing"),
    ("12.2", SlopeOfState(), "Here that is hₜ − hₜ₋₁, and not hₜ"),
    ("12.2", StateAfter(), "U was multiplied with hₜ₋₁"),
    ("12.2", NotTransposed(), "WRONG"),
    ("12.3", spoiled("queries"), "Its share as queries is missing"),
    ("12.3", spoiled("keys"), "Its share as keys is missing"),
    ("12.3", spoiled("values"), "Its share through them is missing"),
    ("12.3", spoiled("rows of p"), "A value is used by every query"),
    ("12.3", spoiled("turn"), "sums over the rows of ∂L/∂s"),
    ("12.3", spoiled("scale"), "The factor 1/√E"),
    ("12.3", spoiled("diagonal"), "only the diagonal of the"),
]
