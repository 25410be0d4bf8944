"""The exercises of “Beyond the multilayer perceptron”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Backward, Judge, derivation


def _convolution(x: Tensor, w: Tensor) -> Tensor:
    return x.unfold(0, len(w), 2) @ w


def _flipped(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return _over_windows(g, x, w.flip(0))


def _over_windows(g: Tensor, x: Tensor, w: Tensor, stride: int = 2) -> tuple[Tensor, ...]:
    """Window after window; another stride than the forward's is a mistake."""
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(w)
    for i, delta in enumerate(g):
        window = slice(stride * i, stride * i + len(w))
        grad_x[window] += delta * w
        grad_w += delta * x[window]
    return grad_x, grad_w


def _overwriting(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    grad_x = torch.zeros_like(x)
    for i, delta in enumerate(g):
        grad_x[2 * i : 2 * i + len(w)] = delta * w
    return grad_x, g[-1] * x[2 * len(g) - 2 : 2 * len(g) - 2 + len(w)]


def _adding(x: Tensor, h0: Tensor, W: Tensor, U: Tensor) -> Tensor:
    states = [h0]
    for x_t in x:
        states.append(states[-1] + torch.tanh(W @ x_t + U @ states[-1]))
    return torch.stack(states[1:])


def _through_time(
    *, around: bool = True, from_next: bool = True, of_state: bool = False, ahead: bool = False
) -> Backward:
    """The backward of `_adding` with a mistake in it: one argument other than its default."""

    def backward(g: Tensor, x: Tensor, h0: Tensor, W: Tensor, U: Tensor) -> tuple[Tensor, ...]:
        states = [h0, *_adding(x, h0, W, U)]
        grad_x, grad_h = torch.zeros_like(x), torch.zeros_like(h0)
        grad_W, grad_U = torch.zeros_like(W), torch.zeros_like(U)
        for t in reversed(range(len(x))):
            before, after = states[t], states[t + 1]
            grad_h = g[t] + grad_h if from_next else g[t]
            a = after if of_state else after - before
            delta = grad_h * (1 - a**2)
            grad_x[t] = delta @ W
            grad_W += torch.outer(delta, x[t])
            grad_U += torch.outer(delta, after if ahead else before)
            grad_h = grad_h + delta @ U if around else delta @ U
        return grad_x, grad_h, grad_W, grad_U

    return backward


def _self_attention(x: Tensor, Wq: Tensor, Wk: Tensor, Wv: Tensor) -> Tensor:
    q, k, v = x @ Wq.T, x @ Wk.T, x @ Wv.T
    return (q @ k.T / q.shape[1] ** 0.5).softmax(1) @ v


def _attending(*ways: str, transposed: bool = True) -> Backward:
    """The backward of `_self_attention`; x gets a share only by these of its three ways."""

    def backward(g: Tensor, x: Tensor, Wq: Tensor, Wk: Tensor, Wv: Tensor) -> tuple[Tensor, ...]:
        q, k, v = x @ Wq.T, x @ Wk.T, x @ Wv.T
        scale = q.shape[1] ** -0.5
        p = (scale * q @ k.T).softmax(1)
        grad_p = g @ v.T
        grad_s = scale * p * (grad_p - (grad_p * p).sum(1, keepdim=True))
        grad_q, grad_k, grad_v = grad_s @ k, (grad_s.T if transposed else grad_s) @ q, p.T @ g
        shares = {"q": grad_q @ Wq, "k": grad_k @ Wk, "v": grad_v @ Wv}
        grad_x = sum((shares[way] for way in ways), start=torch.zeros_like(x))
        return grad_x, grad_q.T @ x, grad_k.T @ x, grad_v.T @ x

    return backward


EXERCISES: dict[str, Judge] = {
    "12.1": derivation(
        _convolution,
        (12,),
        (3,),
        mistakes={
            "You flipped the kernel where it stays as it is: a window gives back to its places in the "
            "order in which it has read them.": _flipped,
            "You moved the window on by 1 in the backward; forward it moves on by 2.": (
                lambda g, x, w: _over_windows(g, x, w, stride=1)
            ),
            "Only the last use is left: a number that several windows use gets a sum. Add, do not "
            "assign.": _overwriting,
        },
    ),
    "12.2": derivation(
        _adding,
        *((3, 2), (5,), (5, 2), (5, 5)),
        mistakes={
            "hₜ₋₁ is used twice, inside the tanh and as a summand: the way around the tanh is "
            "missing.": _through_time(around=False),
            "What comes from the next step is missing: each state has its own g only.": (
                _through_time(from_next=False)
            ),
            "The slope of the tanh is 1 − a² with a = tanh z. Here that is hₜ − hₜ₋₁, and not hₜ.": (
                _through_time(of_state=True)
            ),
            "U was multiplied with hₜ₋₁, the state before the step, and not with hₜ.": (
                _through_time(ahead=True)
            ),
        },
    ),
    "12.3": derivation(
        _self_attention,
        *((5, 3), (7, 3), (7, 3), (2, 3)),
        mistakes={
            "x is used three times. Its share through the queries is missing.": _attending("k", "v"),
            "x is used three times. Its share through the keys is missing.": _attending("q", "v"),
            "x is used three times. Its share through the values is missing.": _attending("q", "k"),
            "A key is used by every query, so ∂L/∂k sums over the rows of ∂L/∂s: it has to be "
            "transposed.": _attending("q", "k", "v", transposed=False),
        },
    ),
}
