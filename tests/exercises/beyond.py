"""Wrong answers to the exercises of “Beyond the multilayer perceptron”, and words of what is said."""

from typing import Any

import torch
from torch import Tensor

Gradients = tuple[Tensor, ...]


def convolution(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    spread = torch.zeros_like(x)
    for u in range(len(w)):
        spread[u : u + 2 * len(grad_output) : 2] += w[u] * grad_output
    return spread, grad_output @ x.unfold(0, len(w), 2)


def flipped(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    return convolution(grad_output, x, w.flip(0))[0], convolution(grad_output, x, w)[1]


def one_by_one(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    windows = x.unfold(0, len(w), 1)[: len(grad_output)]
    return convolution(grad_output, x, w)[0], grad_output @ windows


def assigned(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_x = torch.zeros_like(x)
    for i in range(len(grad_output)):
        grad_x[2 * i : 2 * i + len(w)] = w * grad_output[i]
    return grad_x, convolution(grad_output, x, w)[1]


def averaged(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_x, grad_w = convolution(grad_output, x, w)
    return grad_x, grad_w / len(grad_output)


def seen_only(grad_output: Tensor, x: Tensor, w: Tensor) -> Gradients:
    grad_x, grad_w = convolution(grad_output, x, w)
    return grad_x[:-1], grad_w


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


def attention(
    grad_output: Tensor, x: Tensor, Wq: Tensor, Wk: Tensor, Wv: Tensor, mistake: str = ""
) -> Gradients:
    q, k, v = x @ Wq.T, x @ Wk.T, x @ Wv.T
    scale = q.shape[1] ** -0.5
    p = (q @ k.T * scale).softmax(1)
    grad_p = grad_output @ v.T
    within = grad_p * p if mistake == "diagonal" else (grad_p * p).sum(1, keepdim=True)
    grad_s = p * (grad_p - within) * (1 if mistake == "scale" else scale)
    grad_q = grad_s @ k
    grad_k = (grad_s if mistake == "turn" else grad_s.T) @ q
    grad_v = p.T @ grad_output
    shares = {"queries": grad_q @ Wq, "keys": grad_k @ Wk, "values": grad_v @ Wv}
    shares.pop(mistake, None)
    grad_x = sum(shares.values(), start=torch.zeros_like(x))
    return grad_x, grad_q.T @ x, grad_k.T @ x, grad_v.T @ x


def spoiled(mistake: str) -> Any:
    def backward(grad_output: Tensor, x: Tensor, Wq: Tensor, Wk: Tensor, Wv: Tensor) -> Gradients:
        return attention(grad_output, x, Wq, Wk, Wv, mistake)

    return backward


WRONG: list[tuple[str, Any, str]] = [
    ("12.1", flipped, "You flipped the kernel"),
    ("12.1", one_by_one, "You moved the window on by 1"),
    ("12.1", assigned, "Add, do not assign"),
    ("12.1", averaged, "Yours is the right one, × 0.2"),
    ("12.1", seen_only, "expected shape (12,), got (11,)"),
    ("12.1", 3, "a function is asked for"),
    ("12.2", NoWayAround(), "the way around the tanh is missing"),
    ("12.2", StepByItself(), "What comes from the next step is missing"),
    ("12.2", SlopeOfState(), "Here that is hₜ − hₜ₋₁, and not hₜ"),
    ("12.2", StateAfter(), "U was multiplied with hₜ₋₁"),
    ("12.2", NotTransposed(), "WRONG"),
    ("12.3", spoiled("queries"), "Its share through the queries is missing"),
    ("12.3", spoiled("keys"), "Its share through the keys is missing"),
    ("12.3", spoiled("values"), "Its share through the values is missing"),
    ("12.3", spoiled("turn"), "sums over the rows of ∂L/∂s"),
    ("12.3", spoiled("scale"), "Yours is the right one, × 2.64575"),
    ("12.3", spoiled("diagonal"), "only the diagonal of the"),
]
