"""Wrong derivations of losses and networks, one step of which is differentiated wrongly."""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import LINEAR, XY, wrong
from tests.verify.gallery.functions import one_hot, p, sigma, y

ROWS_OF_W = ((5, 3), (7, 3))
MLP = ((5, 3), (7, 3), (2, 7))
BITS = (torch.rand(5, 3, generator=torch.Generator().manual_seed(3)).double() * 0.8 + 0.1,)
WITH_BITS = ((5, 3), *BITS)
WITH_CLASSES = ((5, 3), y)
CLASS_WEIGHTS = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
TOTALS: dict[str, Any] = {}


def mlp(x: Tensor, W: Tensor, V: Tensor) -> Tensor:
    return (x @ W.T).tanh() @ V.T


def mlp_backward(
    g: Tensor, x: Tensor, W: Tensor, V: Tensor, slope: Any = lambda a: 1 - a**2, hidden: Any = torch.tanh
) -> tuple[Tensor, ...]:
    z = x @ W.T
    delta = (g @ V) * slope(z.tanh())
    return delta @ W, delta.T @ x, g.T @ hidden(z)


def accumulating(g: Tensor, x: Tensor) -> Tensor:
    TOTALS["x"] = TOTALS.get("x", 0) + g * x.exp()
    return TOTALS["x"]


WRONG = (
    wrong(
        "cross-entropy without its one-hot",
        ("forgotten-use", "left-out"),
        lambda z: T.cross_entropy(z, y),
        lambda g, z: g * p(z) / 5,
    ),
    wrong(
        "cross-entropy: eᶻ",
        ("local-derivative", "left-out"),
        lambda z: T.cross_entropy(z, y),
        lambda g, z: g * (z.exp() - one_hot) / 5,
    ),
    wrong(
        "cross-entropy: ignored examples count",
        ("local-derivative", "more-entries"),
        lambda z, t: T.cross_entropy(z, t, ignore_index=1),
        lambda g, z, t: g * (p(z) - one_hot) / 3,
        WITH_CLASSES,
    ),
    wrong(
        "cross-entropy: no class weights",
        ("local-derivative", "forward-option"),
        lambda z, t: T.cross_entropy(z, t, weight=CLASS_WEIGHTS, reduction="sum"),
        lambda g, z, t: g * (p(z) - one_hot),
        WITH_CLASSES,
    ),
    wrong("nll: its sign", "sign", lambda z: T.nll_loss(z, y), lambda g, z: g * one_hot / 5),
    wrong(
        "binary cross-entropy without its target",
        ("forgotten-use", "left-out", "forgotten-path"),
        T.binary_cross_entropy_with_logits,
        lambda g, z, t: (g * sigma(z) / 15, -g * z / 15),
        WITH_BITS,
    ),
    wrong(
        "Huber without its clip",
        ("one-case", "input-for-slope"),
        T.huber_loss,
        lambda g, x, t: (g * (x - t) / 15, -g * (x - t).clamp(-1, 1) / 15),
        XY,
    ),
    wrong(
        "absolute error without its sign",
        "input-for-slope",
        lambda a, b: (a - b).abs().mean(),
        lambda g, a, b: (g * (a - b) / 15, g * (b - a).sign() / 15),
        XY,
    ),
    wrong(
        "hinge without its mask",
        ("local-derivative", "one-case"),
        lambda x: (1 - x).clamp(min=0).sum(),
        lambda g, x: -g * torch.ones_like(x),
    ),
    wrong(
        "KL: the inner p",
        "forgotten-use",
        lambda a, b: (a * (a / b).log()).sum(),
        lambda g, a, b: (g * (a / b).log(), -g * a / b),
        XY,
    ),
    wrong(
        "focal: its weight as a constant",
        "forgotten-use",
        lambda q: -((1 - q) ** 2) * q.log(),
        lambda g, q: -g * (1 - q) ** 2 / q,
    ),
    wrong(
        "weight decay in the gradient",
        ("extra-term", "left-out"),
        lambda x, W: x @ W.T,
        lambda g, x, W: (g @ W, g.T @ x + 0.01 * W),
        ROWS_OF_W,
        1,
    ),
    wrong(
        "squared error: a sum for a difference",
        ("extra-term", "sign"),
        lambda a, b: ((a - b) ** 2).mean(),
        lambda g, a, b: (2 * g * (a + b) / 15, 2 * g * (b - a) / 15),
        XY,
    ),
    wrong(
        "σ′ missing in the squared error of σ",
        "local-derivative",
        lambda z, t: ((z.sigmoid() - t) ** 2).sum(),
        lambda g, z, t: (2 * g * (sigma(z) - t), -2 * g * (sigma(z) - t)),
        XY,
    ),
    wrong(
        "network: tanh′ missing",
        "local-derivative",
        mlp,
        lambda g, x, W, V: mlp_backward(g, x, W, V, slope=torch.ones_like),
        MLP,
        1,
        bad=(0, 1),
    ),
    wrong(
        "network: tanh′ of the activation",
        "wrong-place",
        mlp,
        lambda g, x, W, V: mlp_backward(g, x, W, V, slope=lambda a: 1 - a.tanh() ** 2),
        MLP,
        1,
        bad=(0, 1),
    ),
    wrong(
        "network: z for a",
        "before",
        mlp,
        lambda g, x, W, V: mlp_backward(g, x, W, V, hidden=lambda z: z),
        MLP,
        2,
    ),
    wrong(
        "network: W² not transposed",
        "transposed",
        lambda x, V: x.tanh() @ V.T,
        lambda g, x, V: ((g @ V.T) * (1 - x.tanh() ** 2), g.T @ x.tanh()),
        ((5, 4), (4, 4)),
    ),
    wrong(
        "recurrent: only the last step",
        ("forgotten-use", "truncated-in-time", "forgotten-path"),
        lambda h, U: ((h @ U.T).tanh() @ U.T).tanh(),
        lambda g, h, U: (0 * h, (g * (1 - ((h @ U.T).tanh() @ U.T).tanh() ** 2)).T @ (h @ U.T).tanh()),
        ((5, 3), (3, 3)),
        1,
        bad=(0, 1),
    ),
    wrong(
        "gated unit: the gate's second use",
        "forgotten-use",
        lambda z, h, n: (1 - z) * n + z * h,
        lambda g, z, h, n: (g * h, g * z, g * (1 - z)),
        (*XY, (5, 3)),
    ),
    wrong(
        "memory cell: tanh′",
        "local-derivative",
        lambda i, h: i * h.tanh(),
        lambda g, i, h: (g * h.tanh(), g * i),
        XY,
        1,
    ),
    wrong(
        "embedding: assigned",
        "assigned",
        lambda W: W[y],
        lambda g, W: torch.zeros_like(W).index_copy(0, y, g),
        ((3, 4),),
    ),
    wrong(
        "neuron: σ′ missing",
        "local-derivative",
        lambda w, x: (w * x).sigmoid(),
        lambda g, w, x: (g * x, g * w * sigma(w * x) * sigma(-w * x)),
        ((), ()),
    ),
    wrong(
        "neuron: w for x",
        "swapped",
        lambda w, x: (w * x).sum().sigmoid(),
        lambda g, w, x: (g * w * sigma((w * x).sum()) * sigma(-(w * x).sum()),) * 2,
        ((4,), (4,)),
    ),
    wrong("accumulated from call to call", ("accumulates", "not-repeatable"), torch.exp, accumulating),
    wrong(
        "bias averaged and negated",
        "factor",
        lambda x, W, b: x @ W.T + b,
        lambda g, x, W, b: (g @ W, g.T @ x, -g.mean(0)),
        LINEAR,
        2,
    ),
)
