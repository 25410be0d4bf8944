"""The exercises of “Beyond the multilayer perceptron”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Backward, Judge, derivation
from manual_backprop.exercises.questions import Choice, Number, Question


def _upsampling(x: Tensor, w: Tensor) -> Tensor:
    last = len(x) - 1
    copies = [torch.nn.functional.pad(x[i] * w, (2 * i, 2 * (last - i))) for i in range(len(x))]
    return torch.stack(copies).sum(0)


def _read_back(g: Tensor, x: Tensor, w: Tensor, stride: int = 2) -> tuple[Tensor, ...]:
    """The right backward of `_upsampling`; another stride than the forward's is a mistake."""
    windows = g.unfold(0, len(w), stride)[: len(x)]
    return windows @ w, x @ windows


def _flipped(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return _read_back(g, x, w.flip(0))[0], _read_back(g, x, w)[1].flip(0)


def _first_place_only(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    starts = g[: 2 * len(x) : 2]
    return starts * w[0], (x * starts).sum().expand_as(w)


def _last_copy_only(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return g[2 : 2 + 2 * len(x) : 2] * w[-1], x[-1] * g[2 * len(x) - 2 :]


def _without_weights(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return _read_back(g, x, torch.ones_like(w))[0], _read_back(g, torch.ones_like(x), w)[1]


def _adding(x: Tensor, h0: Tensor, W: Tensor, U: Tensor) -> Tensor:
    states = [h0]
    for x_t in x:
        states.append(states[-1] + torch.tanh(W @ x_t + U @ states[-1]))
    return torch.stack(states[1:])


def _through_time(
    *,
    around: bool = True,
    through: bool = True,
    from_next: bool = True,
    slope: bool = True,
    of_state: bool = False,
    ahead: bool = False,
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
            delta = grad_h * (1 - a**2) if slope else grad_h
            grad_x[t] = delta @ W
            grad_W += torch.outer(delta, x[t])
            grad_U += torch.outer(delta, after if ahead else before)
            grad_h = around * grad_h + through * (delta @ U)
        return grad_x, grad_h, grad_W, grad_U

    return backward


def _self_attention(x: Tensor, W: Tensor, V: Tensor) -> Tensor:
    u, v = x @ W.T, x @ V.T
    return (u @ u.T / u.shape[1] ** 0.5).softmax(1) @ v


def _attending(*ways: str, transposed: bool = True, values: bool = True, scaled: bool = True) -> Backward:
    """The backward of `_self_attention`; a gradient gets a share only by these of its ways.

    Args:
        ways: "q", "k" and "v", in the right one.
        transposed: transpose ∂L/∂s for the keys.
        values: transpose p for the values.
        scaled: divide by √E on the way back, too.
    """

    def backward(g: Tensor, x: Tensor, W: Tensor, V: Tensor) -> tuple[Tensor, ...]:
        u, v = x @ W.T, x @ V.T
        scale = u.shape[1] ** -0.5
        p = (scale * u @ u.T).softmax(1)
        grad_p = g @ v.T
        grad_s = (scale if scaled else 1) * p * (grad_p - (grad_p * p).sum(1, keepdim=True))
        as_query, as_key = grad_s @ u, (grad_s.T if transposed else grad_s) @ u
        grad_u = ("q" in ways) * as_query + ("k" in ways) * as_key
        grad_v = (p.T if values else p) @ g
        return grad_u @ W + ("v" in ways) * grad_v @ V, grad_u.T @ x, grad_v.T @ x

    return backward


PREDICTIONS: dict[str, Question] = {
    "12a": Number(
        9,
        because="Each window that sees the pixel adds the weight under which it sees it, which is 1: 3 · 3 "
        "windows see the one in the middle.",
        mistakes={
            1: "That is so in a corner, which a single window sees.",
            3: "A kernel of three numbers over a row would see it three times. This one has three rows, too.",
            25: "That is the number of windows, 5 · 5. Not all of them see the pixel in the middle.",
            49: "That is the number of pixels. The gradient of one counts the windows that see it.",
        },
    ),
    "12b": Choice(
        "the last one",
        {
            "the first one, which acts on all later states": (
                "It does act on all of them. But on the way back its gradient is multiplied by U and by the "
                "slopes of tanh at each step, and both make it smaller."
            ),
            "one in the middle": (
                "Each step that lies further from the loss has one more factor below 1. There is no turning "
                "point."
            ),
            "the last one": (
                "Its gradient comes straight from the loss. Each step before it has one more factor U, which "
                "shortens by a fifth, and one more slope of tanh, which is below 1."
            ),
            "none, they are about equal": (
                "U is the same at each step, but δₜ is not: further from the loss it has more factors below "
                "one."
            ),
        },
    ),
    "12c": Number(
        0.17,
        because="A gate of about 0.95 at 48 steps leaves 0.95⁴⁸ ≈ 0.1, and what comes through h is added.",
        mistakes={
            1: "A gate of 1 would leave 1. This one is at 0.95, and 48 factors of 0.95 make about a tenth.",
            0.95: "A single step leaves 0.95. There are 48 of them: 0.95⁴⁸ is about a tenth.",
            0: "It is small, but not as small: 0.95⁴⁸ is about a tenth.",
        },
        within=0.6,
    ),
    "12d": Choice(
        "it shrinks more than a thousandfold",
        {
            "it grows, as the scores do": (
                "The scores grow, but the gradient is pⱼ (rⱼ − Σ rₗ pₗ), and each p goes to 0 or to 1."
            ),
            "it shrinks 16-fold, as √E grows": (
                "The scores grow 16-fold. But they stand in an exponent, so p goes to 0 or 1 much faster."
            ),
            "it shrinks 256-fold, as E grows": (
                "The variance of the scores grows 256-fold. But they stand in an exponent, so p goes to 0 or "
                "1 faster than any power of E."
            ),
            "it shrinks more than a thousandfold": (
                "The scores are then about ±32, and stand in an exponent: for most queries one p is nearly "
                "1, and the others are nearly 0."
            ),
        },
    ),
    "12e": Choice(
        "v₁ to v₃ and k₁ to k₃ alone",
        {
            "v₁ to v₃ and k₁ to k₃ alone": (
                "Both formulas have p₃ⱼ as a factor. It is exactly 0 for j > 3, and so are the gradients."
            ),
            "all, but those of v₄ to v₆ and k₄ to k₆ are tiny": (
                "They would be with −20, say, in place of −∞. But e^(−∞) is exactly 0, and the gradients "
                "have it as a factor."
            ),
            "v₁ to v₃ alone, but all keys": (
                "All keys stand in the softmax's sum, one might think. But a masked key stands there with a "
                "factor of exactly 0."
            ),
            "v₃ and k₃ alone": "The output o₃ is a mean over all that place 3 may see: the places 1 to 3.",
        },
    ),
    "12f": Choice(
        "the CNN",
        {
            "the MLP": (
                "It has more weights. But a stroke that it has learned in one place it has to learn again in "
                "another."
            ),
            "the CNN": "What a kernel has learned in one place, it knows in every other.",
            "neither: the difference is within chance": (
                "Chance is about one per cent with 1,000 test images, and the difference is several."
            ),
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "12.1": derivation(
        _upsampling,
        (5,),
        (3,),
        mistakes={
            "You flipped the kernel where it stays as it is: xᵢ reads back from the places to which it has "
            "written, in the same order.": _flipped,
            "You moved on by 1 in the backward; forward each copy lies 2 further on.": (
                lambda g, x, w: _read_back(g, x, w, stride=1)
            ),
            "Only the first place of each copy is used: xᵢ wrote to as many places as the kernel has "
            "numbers.": _first_place_only,
            "Only the last use is left: a number that is used several times gets a sum. Add, do not "
            "assign.": _last_copy_only,
            "A slope is missing: where xᵢ is used, it is multiplied by w, and w by xᵢ.": _without_weights,
        },
    ),
    "12.2": derivation(
        _adding,
        *((3, 2), (5,), (5, 2), (5, 5)),
        mistakes={
            "hₜ₋₁ is used twice, inside the tanh and as a summand: the way around the tanh is "
            "missing.": _through_time(around=False),
            "hₜ₋₁ is used twice, inside the tanh and as a summand: the way through U into the tanh is "
            "missing.": _through_time(through=False),
            "The slope of the tanh is missing: δₜ is what arrives at hₜ, times 1 − a².": (
                _through_time(slope=False)
            ),
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
        *((5, 3), (7, 3), (2, 3)),
        mistakes={
            "x Wᵀ is used twice, as queries and as keys. Its share as queries is missing.": (
                _attending("k", "v")
            ),
            "x Wᵀ is used twice, as queries and as keys. Its share as keys is missing.": (
                _attending("q", "v")
            ),
            "x is used by the values, too. Its share through them is missing.": _attending("q", "k"),
            "A key is used by every query, so its share sums over the rows of ∂L/∂s: that has to be "
            "transposed there.": _attending("q", "k", "v", transposed=False),
            "A value is used by every query: its gradient is pᵀ g, a sum over the rows of p.": (
                _attending("q", "k", "v", values=False)
            ),
            "The factor 1/√E of the scores is missing on the way back.": (
                _attending("q", "k", "v", scaled=False)
            ),
        },
    ),
}
