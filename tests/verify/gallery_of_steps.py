"""More wrong derivations: of functions made of several steps, one of which is differentiated wrongly."""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery import LINEAR, XY, Derivation, one_hot, p, sigma, wrong, y

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


def layer_norm(x: Tensor) -> Tensor:
    return T.layer_norm(x, (3,))


def scale(x: Tensor, dim: int = 1) -> Tensor:
    return (x.var(dim, unbiased=False, keepdim=True) + 1e-5).rsqrt()


def rowwise(t: Tensor) -> Tensor:
    return t.sum(1, keepdim=True)


def softmax_backward(g: Tensor, x: Tensor, sign: int = -1, mean: bool = False, dim: int = 1) -> Tensor:
    q = x.softmax(dim)
    total = (g * q).mean(dim, keepdim=True) if mean else (g * q).sum(dim, keepdim=True)
    return q * (g + sign * total)


def accumulating(g: Tensor, x: Tensor) -> Tensor:
    TOTALS["x"] = TOTALS.get("x", 0) + g * x.exp()
    return TOTALS["x"]  # type: ignore[no-any-return]


def layer_norm_of_sums(g: Tensor, x: Tensor) -> Tensor:
    normal = layer_norm(x)
    return scale(x) * (g - rowwise(g) - normal * rowwise(g * normal))


WRONG_STEPS = (
    wrong(
        "log-softmax without p", "local-derivative", lambda x: x.log_softmax(1), lambda g, x: g - rowwise(g)
    ),
    wrong("gelu: its second term", "forgotten-use", T.gelu, lambda g, x: g * (1 + (x / 2**0.5).erf()) / 2),
    wrong(
        "mish: its second term",
        "forgotten-use",
        lambda x: x * T.softplus(x).tanh(),
        lambda g, x: g * T.softplus(x).tanh(),
    ),
    wrong(
        "silu: the second term's sign",
        "term-sign",
        T.silu,
        lambda g, x: g * sigma(x) * (1 - x + x * sigma(x)),
    ),
    wrong(
        "hardswish: its second term",
        "forgotten-use",
        lambda x: x * (x + 3).clamp(0, 6) / 6,
        lambda g, x: g * (x + 3).clamp(0, 6) / 6,
    ),
    wrong(
        "softsign: |x| as a constant",
        "forgotten-use",
        lambda x: x / (1 + x.abs()),
        lambda g, x: g / (1 + x.abs()),
    ),
    wrong(
        "swish: β of the inner function",
        "term-factor",
        lambda x: x * (2 * x).sigmoid(),
        lambda g, x: g * (sigma(2 * x) + x * sigma(2 * x) * sigma(-2 * x)),
    ),
    wrong("log-sigmoid: σ for 1 − σ", "mask-inverted", T.logsigmoid, lambda g, x: g * sigma(x)),
    wrong("erf without 2/√π", "factor", torch.erf, lambda g, x: g * (-(x**2)).exp()),
    wrong(
        "gaussian without −2x", "value-for-slope", lambda x: (-(x**2)).exp(), lambda g, x: g * (-(x**2)).exp()
    ),
    wrong("sin(x²), inner", "local-derivative", lambda x: (x**2).sin(), lambda g, x: g * (x**2).cos()),
    wrong("sin(x²), outer", "local-derivative", lambda x: (x**2).sin(), lambda g, x: 2 * g * x),
    wrong("tanh: 1 − a", "other-formula", torch.tanh, lambda g, x: g * (1 - x.tanh())),
    wrong("elu: zero below", "region", T.elu, lambda g, x: g * (x > 0)),
    wrong("elu: its value below", "region", T.elu, lambda g, x: torch.where(x > 0, g, g * (x.exp() - 1))),
    wrong("leaky relu: zero below", "region", lambda x: T.leaky_relu(x, 0.1), lambda g, x: g * (x > 0)),
    wrong("clamp on one side", "region", lambda x: x.clamp(-1, 1), lambda g, x: g * (x < 1)),
    wrong("√x: 1/(2x)", "wrong-place", torch.sqrt, lambda g, x: g / (2 * x)),
    wrong("√x without ½", "factor", torch.sqrt, lambda g, x: g / x.sqrt()),
    wrong("log₂ without ln 2", "factor", torch.log2, lambda g, x: g / x),
    wrong("quotient: b for 1/b", "slope-inverted", torch.div, lambda g, a, b: (g * b, -g * a / b**2), XY),
    wrong(
        "product of a row", "times", lambda x: x.prod(1), lambda g, x: (g * x.prod(1))[:, None].expand(5, 3)
    ),
    wrong("largest: to all", "local-derivative", lambda x: x.amax(1), lambda g, x: g[:, None].expand(5, 3)),
    wrong("trace: ones", "local-derivative", torch.trace, lambda g, A: g.expand(5, 5), ((5, 5),)),
    wrong("determinant: its own factor", "times", torch.det, lambda g, A: g * A.inverse().T, ((5, 5),)),
    wrong(
        "inverse: not transposed",
        "jacobian-transposed",
        torch.inverse,
        lambda g, A: -A.inverse() @ g @ A.inverse(),
        ((5, 5),),
    ),
    wrong(
        "log-sum-exp: not divided",
        "local-derivative",
        lambda x: x.logsumexp(1),
        lambda g, x: g[:, None] * x.exp(),
    ),
    wrong("norm: not divided", "local-derivative", lambda x: x.norm(dim=1), lambda g, x: g[:, None] * x),
    wrong(
        "distance: the other's sign",
        "sign",
        lambda a, b: (a - b).norm(dim=1),
        lambda g, a, b: (g[:, None] * (a - b) / (a - b).norm(dim=1, keepdim=True),) * 2,
        XY,
        1,
    ),
    wrong(
        "variance without its 2",
        "factor",
        lambda x: x.var(1),
        lambda g, x: g[:, None] * (x - x.mean(1)[:, None]) / 2,
    ),
    wrong(
        "standard deviation: not divided",
        "local-derivative",
        lambda x: x.std(1),
        lambda g, x: g[:, None] * (x - x.mean(1)[:, None]) / 2,
    ),
    wrong(
        "cosine: norms as constants",
        "forgotten-use",
        lambda a, b: (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)),
        lambda g, a, b: (g[:, None] * b / (a.norm(dim=1) * b.norm(dim=1))[:, None], 0 * b),
        XY,
    ),
    wrong(
        "residual: the shortcut",
        "forgotten-use",
        lambda x: x + x.tanh(),
        lambda g, x: g * (1 - x.tanh() ** 2),
    ),
    wrong(
        "quadratic form: one side",
        "forgotten-use",
        lambda x, A: (x @ A * x).sum(1),
        lambda g, x, A: (g[:, None] * (x @ A), (x * g[:, None]).T @ x),
        ((5, 3), (3, 3)),
    ),
    wrong("sum of squares without 2", "factor", lambda W: (W**2).sum(), lambda g, W: g * W),
    wrong("softmax: plus", "term-sign", lambda x: x.softmax(1), lambda g, x: softmax_backward(g, x, 1)),
    wrong(
        "softmax: mean for sum",
        "term-factor",
        lambda x: x.softmax(1),
        lambda g, x: softmax_backward(g, x, mean=True),
    ),
    wrong(
        "softmax over the batch",
        "wrong-dimension",
        lambda x: x.softmax(1),
        lambda g, x: softmax_backward(g, x, dim=0),
    ),
    wrong(
        "softmax: temperature",
        "factor",
        lambda x: (x / 2).softmax(1),
        lambda g, x: softmax_backward(g, x / 2),
    ),
    wrong(
        "attention: softmax's diagonal",
        "diagonal-only",
        lambda q, k: (q @ k.T).softmax(1),
        lambda g, q, k: (
            (g * p(q @ k.T) * (1 - p(q @ k.T))) @ k,
            softmax_backward(g, q @ k.T).T @ q,
        ),
        ROWS_OF_W,
    ),
    wrong(
        "attention: scores for weights",
        "before",
        lambda q, k, v: (q @ k.T).softmax(1) @ v,
        lambda g, q, k, v: (0 * q, 0 * k, (q @ k.T).T @ g),
        ((5, 3), (7, 3), (7, 2)),
        2,
    ),
    wrong(
        "layer norm: variance as a constant",
        "forgotten-use",
        layer_norm,
        lambda g, x: scale(x) * (g - g.mean(1, keepdim=True)),
    ),
    wrong("layer norm: a constant scale", "forgotten-use", layer_norm, lambda g, x: scale(x) * g),
    wrong("layer norm: sums for means", "term-factor", layer_norm, layer_norm_of_sums),
    wrong(
        "batch norm: variance as a constant",
        "forgotten-use",
        lambda x: T.batch_norm(x, None, None, training=True),
        lambda g, x: (g - g.mean(0)) * scale(x, 0),
    ),
    wrong(
        "cross-entropy without its one-hot",
        "forgotten-use",
        lambda z: T.cross_entropy(z, y),
        lambda g, z: g * p(z) / 5,
    ),
    wrong(
        "cross-entropy: eᶻ",
        "local-derivative",
        lambda z: T.cross_entropy(z, y),
        lambda g, z: g * (z.exp() - one_hot) / 5,
    ),
    wrong(
        "cross-entropy: ignored examples count",
        "local-derivative",
        lambda z, t: T.cross_entropy(z, t, ignore_index=1),
        lambda g, z, t: g * (p(z) - one_hot) / 3,
        WITH_CLASSES,
    ),
    wrong(
        "cross-entropy: no class weights",
        "local-derivative",
        lambda z, t: T.cross_entropy(z, t, weight=CLASS_WEIGHTS, reduction="sum"),
        lambda g, z, t: g * (p(z) - one_hot),
        WITH_CLASSES,
    ),
    wrong("nll: its sign", "sign", lambda z: T.nll_loss(z, y), lambda g, z: g * one_hot / 5),
    wrong(
        "binary cross-entropy without its target",
        "forgotten-use",
        T.binary_cross_entropy_with_logits,
        lambda g, z, t: (g * sigma(z) / 15, -g * z / 15),
        WITH_BITS,
    ),
    wrong(
        "Huber without its clip",
        "one-case",
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
        "local-derivative",
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
        "extra-term",
        lambda x, W: x @ W.T,
        lambda g, x, W: (g @ W, g.T @ x + 0.01 * W),
        ROWS_OF_W,
        1,
    ),
    wrong(
        "squared error: a sum for a difference",
        "extra-term",
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
    ),
    wrong(
        "network: tanh′ of the activation",
        "wrong-place",
        mlp,
        lambda g, x, W, V: mlp_backward(g, x, W, V, slope=lambda a: 1 - a.tanh() ** 2),
        MLP,
        1,
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
        "forgotten-use",
        lambda h, U: ((h @ U.T).tanh() @ U.T).tanh(),
        lambda g, h, U: (0 * h, (g * (1 - ((h @ U.T).tanh() @ U.T).tanh() ** 2)).T @ (h @ U.T).tanh()),
        ((5, 3), (3, 3)),
        1,
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
    wrong("accumulated from call to call", "accumulates", torch.exp, accumulating),
    wrong(
        "bias averaged and negated",
        "factor",
        lambda x, W, b: x @ W.T + b,
        lambda g, x, W, b: (g @ W, g.T @ x, -g.mean(0)),
        LINEAR,
        2,
    ),
)

NO_NAME = (  # what nothing here explains yet; it must at least not be explained wrongly
    wrong("silu: σ′ alone", "", T.silu, lambda g, x: g * sigma(x) * sigma(-x)),
    wrong(
        "layer norm: not divided",
        "",
        layer_norm,
        lambda g, x: g - g.mean(1, keepdim=True) - layer_norm(x) * (g * layer_norm(x)).mean(1, keepdim=True),
    ),
    wrong(
        "softmax: summed over the batch",
        "",
        lambda x: x.softmax(1),
        lambda g, x: p(x) * (g - (g * p(x)).sum(0)),
    ),
    wrong(
        "cross-entropy: one from all", "", lambda z: T.cross_entropy(z, y), lambda g, z: g * (p(z) - 1) / 5
    ),
    wrong("cross-entropy: logits", "", lambda z: T.cross_entropy(z, y), lambda g, z: g * (z - one_hot) / 5),
    wrong(
        "largest: to the smallest",
        "",
        lambda x: x.amax(1),
        lambda g, x: g[:, None] * (x == x.amin(1, keepdim=True)),
    ),
    wrong("cumulative sum: the whole sum", "", lambda x: x.cumsum(1), lambda g, x: rowwise(g).expand(5, 3)),
    wrong("arctangent: 1 + x", "", torch.atan, lambda g, x: g / (1 + x)),
    wrong(
        "label smoothing forgotten",
        "",
        lambda z: T.cross_entropy(z, y, label_smoothing=0.1),
        lambda g, z: g * (p(z) - one_hot) / 5,
    ),
)
ALL_STEPS: tuple[Derivation, ...] = (*WRONG_STEPS, *NO_NAME)
