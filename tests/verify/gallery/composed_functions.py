"""Wrong derivations of functions made of several steps, one of which is differentiated wrongly."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import XY, wrong
from tests.verify.gallery.functions import p, sigma


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


def layer_norm_of_sums(g: Tensor, x: Tensor) -> Tensor:
    normal = layer_norm(x)
    return scale(x) * (g - rowwise(g) - normal * rowwise(g * normal))


WRONG = (
    wrong(
        "log-softmax without p",
        ("local-derivative", "left-out"),
        lambda x: x.log_softmax(1),
        lambda g, x: g - rowwise(g),
    ),
    wrong(
        "gelu: its second term",
        ("forgotten-use", "left-out"),
        T.gelu,
        lambda g, x: g * (1 + (x / 2**0.5).erf()) / 2,
    ),
    wrong(
        "mish: its second term",
        "forgotten-use",
        lambda x: x * T.softplus(x).tanh(),
        lambda g, x: g * T.softplus(x).tanh(),
    ),
    wrong(
        "silu: the second term's sign",
        ("term-sign", "sign"),
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
    wrong("log-sigmoid: σ for 1 − σ", ("mask-inverted", "sign"), T.logsigmoid, lambda g, x: g * sigma(x)),
    wrong("erf without 2/√π", "factor", torch.erf, lambda g, x: g * (-(x**2)).exp()),
    wrong(
        "gaussian without −2x", "value-for-slope", lambda x: (-(x**2)).exp(), lambda g, x: g * (-(x**2)).exp()
    ),
    wrong("sin(x²), inner", "local-derivative", lambda x: (x**2).sin(), lambda g, x: g * (x**2).cos()),
    wrong("sin(x²), outer", "local-derivative", lambda x: (x**2).sin(), lambda g, x: 2 * g * x),
    wrong(
        "tanh: 1 − a",
        ("other-formula", "power", "local-derivative"),
        torch.tanh,
        lambda g, x: g * (1 - x.tanh()),
    ),
    wrong("elu: zero below", ("region", "forgotten-use"), T.elu, lambda g, x: g * (x > 0)),
    wrong(
        "elu: its value below",
        ("region", "left-out"),
        T.elu,
        lambda g, x: torch.where(x > 0, g, g * (x.exp() - 1)),
    ),
    wrong(
        "leaky relu: zero below",
        ("region", "forgotten-use"),
        lambda x: T.leaky_relu(x, 0.1),
        lambda g, x: g * (x > 0),
    ),
    wrong(
        "clamp on one side",
        ("region", "one-case", "forward-option"),
        lambda x: x.clamp(-1, 1),
        lambda g, x: g * (x < 1),
    ),
    wrong("√x: 1/(2x)", "wrong-place", torch.sqrt, lambda g, x: g / (2 * x)),
    wrong("√x without ½", "factor", torch.sqrt, lambda g, x: g / x.sqrt()),
    wrong("log₂ without ln 2", "factor", torch.log2, lambda g, x: g / x),
    wrong("quotient: b for 1/b", "slope-inverted", torch.div, lambda g, a, b: (g * b, -g * a / b**2), XY),
    wrong(
        "product of a row",
        ("times", "left-out"),
        lambda x: x.prod(1),
        lambda g, x: (g * x.prod(1))[:, None].expand(5, 3),
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
    wrong(
        "norm: not divided",
        ("local-derivative", "left-out"),
        lambda x: x.norm(dim=1),
        lambda g, x: g[:, None] * x,
    ),
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
        ("local-derivative", "left-out"),
        lambda x: x.std(1),
        lambda g, x: g[:, None] * (x - x.mean(1)[:, None]) / 2,
    ),
    wrong(
        "cosine: norms as constants",
        "forgotten-use",
        lambda a, b: (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)),
        lambda g, a, b: (g[:, None] * b / (a.norm(dim=1) * b.norm(dim=1))[:, None], 0 * b),
        XY,
        bad=(0, 1),
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
    wrong(
        "softmax: plus", ("term-sign", "sign"), lambda x: x.softmax(1), lambda g, x: softmax_backward(g, x, 1)
    ),
    wrong(
        "softmax: mean for sum",
        ("term-factor", "mean-for-sum"),
        lambda x: x.softmax(1),
        lambda g, x: softmax_backward(g, x, mean=True),
    ),
    wrong(
        "softmax over the batch",
        ("wrong-dimension", "other-dimension"),
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
        ((5, 3), (7, 3)),
    ),
    wrong(
        "attention: scores for weights",
        ("before", "other-tensor"),
        lambda q, k, v: (q @ k.T).softmax(1) @ v,
        lambda g, q, k, v: (0 * q, 0 * k, (q @ k.T).T @ g),
        ((5, 3), (7, 3), (7, 2)),
        2,
        bad=(0, 1, 2),
    ),
    wrong(
        "layer norm: variance as a constant",
        ("forgotten-use", "local-derivative", "forgotten-path"),
        layer_norm,
        lambda g, x: scale(x) * (g - g.mean(1, keepdim=True)),
    ),
    wrong(
        "layer norm: a constant scale",
        ("forgotten-use", "other-tensor"),
        layer_norm,
        lambda g, x: scale(x) * g,
    ),
    wrong("layer norm: sums for means", ("term-factor", "sum-for-mean"), layer_norm, layer_norm_of_sums),
    wrong(
        "batch norm: variance as a constant",
        ("forgotten-use", "local-derivative", "forgotten-path"),
        lambda x: T.batch_norm(x, None, None, training=True),
        lambda g, x: (g - g.mean(0)) * scale(x, 0),
    ),
)
