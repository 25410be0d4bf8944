"""Derivations of others: the wrong ones with the name of their mistake, and right ones in unusual forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

Shapes = tuple[Any, ...]
y = torch.tensor([0, 2, 1, 1, 0])
one_hot = T.one_hot(y, 3).double()
XY: Shapes = ((5, 3), (5, 3))
X: Shapes = ((5, 3),)
MATMUL: Shapes = ((5, 3), (3, 7))
LINEAR: Shapes = ((5, 3), (7, 3), (7,))


@dataclass(frozen=True)
class Derivation:
    """`backward` for `forward`; where it is wrong, the mistake that is to be named for input `at`."""

    title: str
    forward: Callable[..., Tensor]
    backward: Callable[..., Any]
    shapes: Shapes
    mistake: str = ""
    at: int = 0


def linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return x @ W.T + b


def softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


def log_softmax(x: Tensor) -> Tensor:
    return x.log_softmax(1)


def cross_entropy(z: Tensor) -> Tensor:
    return T.cross_entropy(z, y)


def mse(x: Tensor, t: Tensor) -> Tensor:
    return ((x - t) ** 2).mean()


def layer_norm(x: Tensor) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()


def rms_norm(x: Tensor) -> Tensor:
    return x / (x.square().mean(1, keepdim=True) + 1e-5).sqrt()


def normalise(x: Tensor) -> Tensor:
    return x / x.norm(dim=1, keepdim=True)


def sigma(x: Tensor) -> Tensor:
    return 1 / (1 + (-x).exp())


def p(z: Tensor) -> Tensor:
    return z.softmax(1)


def wrong(
    title: str, mistake: str, forward: Any, backward: Any, shapes: Shapes = X, at: int = 0
) -> Derivation:
    return Derivation(title, forward, backward, shapes, mistake, at)


def zeros_like_all(g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return tuple(torch.zeros_like(x) for x in inputs)


WRONG = (
    # linear and products
    wrong(
        "bias summed over the features",
        "wrong-dimension",
        linear,
        lambda g, x, W, b: (g @ W, g.T @ x, g.sum(1)),
        LINEAR,
        2,
    ),
    wrong("bias not summed", "not-summed", linear, lambda g, x, W, b: (g @ W, g.T @ x, g), LINEAR, 2),
    wrong("bias averaged", "factor", linear, lambda g, x, W, b: (g @ W, g.T @ x, g.mean(0)), LINEAR, 2),
    wrong(
        "bias of the last example",
        "one-example",
        linear,
        lambda g, x, W, b: (g @ W, g.T @ x, g[-1]),
        LINEAR,
        2,
    ),
    wrong(
        "weight transposed", "transposed", linear, lambda g, x, W, b: (g @ W, x.T @ g, g.sum(0)), LINEAR, 1
    ),
    wrong("weight averaged", "factor", linear, lambda g, x, W, b: (g @ W, g.T @ x / 5, g.sum(0)), LINEAR, 1),
    wrong(
        "weight without upstream",
        "upstream-ignored",
        linear,
        lambda g, x, W, b: (g @ W, torch.ones_like(g).T @ x, g.sum(0)),
        LINEAR,
        1,
    ),
    wrong(
        "weight from the last example",
        "one-example",
        linear,
        lambda g, x, W, b: (g @ W, g[-1:].T @ x[-1:], g.sum(0)),
        LINEAR,
        1,
    ),
    wrong(
        "weight from the first example",
        "one-example",
        linear,
        lambda g, x, W, b: (g @ W, g[:1].T @ x[:1], g.sum(0)),
        LINEAR,
        1,
    ),
    wrong("input's sign", "sign", linear, lambda g, x, W, b: (-g @ W, g.T @ x, g.sum(0)), LINEAR, 0),
    wrong("input detached", "detached", linear, lambda g, x, W, b: (0 * x, g.T @ x, g.sum(0)), LINEAR, 0),
    wrong(
        "square weight transposed",
        "transposed",
        lambda x, W: x @ W.T,
        lambda g, x, W: (g @ W, x.T @ g),
        ((5, 5), (5, 5)),
        1,
    ),
    wrong(
        "matmul, second factor transposed",
        "transposed",
        torch.matmul,
        lambda g, a, b: (g @ b.T, g.T @ a),
        MATMUL,
        1,
    ),
    wrong(
        "matmul, upstream ignored",
        "upstream-ignored",
        torch.matmul,
        lambda g, a, b: (torch.ones_like(g) @ b.T, a.T @ g),
        MATMUL,
        0,
    ),
    wrong("product's factors swapped", "swapped", torch.mul, lambda g, a, b: (g * a, g * b), XY, 0),
    wrong("product, upstream twice", "upstream-twice", torch.mul, lambda g, a, b: (g * g * b, g * a), XY, 0),
    wrong(
        "product broadcast, not summed",
        "not-summed",
        torch.mul,
        lambda g, a, b: (g * b, g * a),
        ((5, 3), (3,)),
        1,
    ),
    wrong(
        "sum broadcast over columns, summed over rows",
        "wrong-dimension",
        torch.add,
        lambda g, a, b: (g, g.sum(0)),
        ((5, 3), (5, 1)),
        1,
    ),
    wrong("subtraction's sign", "sign", torch.sub, lambda g, a, b: (g, g), XY, 1),
    wrong("quotient's sign", "sign", torch.div, lambda g, a, b: (g / b, g * a / b**2), XY, 1),
    wrong(
        "outer product's factors swapped",
        "swapped",
        torch.outer,
        lambda g, a, b: (g.T @ a, g @ b),
        ((5,), (7,)),
        0,
    ),
    # elementwise
    wrong("sigmoid's sign", "sign", sigma, lambda g, x: -g * sigma(x) * (1 - sigma(x))),
    wrong(
        "sigmoid: σ′ of the activation",
        "wrong-place",
        sigma,
        lambda g, x: g * sigma(sigma(x)) * (1 - sigma(sigma(x))),
    ),
    wrong("sigmoid: x (1 − x)", "wrong-place", sigma, lambda g, x: g * x * (1 - x)),
    wrong("sigmoid without its derivative", "local-derivative", sigma, lambda g, x: g),
    wrong("sigmoid, upstream ignored", "upstream-ignored", sigma, lambda g, x: sigma(x) * (1 - sigma(x))),
    wrong("sigmoid, upstream twice", "upstream-twice", sigma, lambda g, x: g * g * sigma(x) * (1 - sigma(x))),
    wrong("sigmoid: only a", "value-for-slope", sigma, lambda g, x: g * sigma(x)),
    wrong("sigmoid, slope twice", "slope-twice", sigma, lambda g, x: g * (sigma(x) * (1 - sigma(x))) ** 2),
    wrong("tanh of the activation", "wrong-place", torch.tanh, lambda g, x: g * (1 - x.tanh().tanh() ** 2)),
    wrong("tanh: 1 − x²", "wrong-place", torch.tanh, lambda g, x: g * (1 - x**2)),
    wrong("tanh without its derivative", "local-derivative", torch.tanh, lambda g, x: g),
    wrong("tanh, divided", "slope-inverted", torch.tanh, lambda g, x: g / (1 - x.tanh() ** 2)),
    wrong("exp: x for eˣ", "wrong-place", torch.exp, lambda g, x: g * x),
    wrong("exp without its derivative", "local-derivative", torch.exp, lambda g, x: g),
    wrong("log: divided the wrong way", "slope-inverted", torch.log, lambda g, x: g * x),
    wrong("square without its 2", "forgotten-use", lambda x: x * x, lambda g, x: g * x),
    wrong("square by power without its 2", "factor", lambda x: x**2, lambda g, x: g * x),
    wrong("cube: 2x² for 3x²", "factor", lambda x: x**3, lambda g, x: 2 * g * x**2),
    wrong("softplus: itself for its slope", "value-for-slope", T.softplus, lambda g, x: g * T.softplus(x)),
    wrong("relu without its mask", "local-derivative", torch.relu, lambda g, x: g),
    wrong("relu inverted", "mask-inverted", torch.relu, lambda g, x: g * (x < 0)),
    wrong("relu: 1 at zero", "mask-at-tie", torch.relu, lambda g, x: g * (x >= 0)),
    wrong("relu: upstream's mask", "upstream-sign", torch.relu, lambda g, x: g.clamp(min=0) * (x > 0)),
    wrong("relu: the activation for its slope", "value-for-slope", torch.relu, lambda g, x: g * x.relu()),
    wrong(
        "leaky relu: 1 at zero",
        "mask-at-tie",
        lambda x: T.leaky_relu(x, 0.1),
        lambda g, x: torch.where(x >= 0, g, 0.1 * g),
    ),
    wrong(
        "silu: its second use forgotten",
        "forgotten-use",
        lambda x: x * x.sigmoid(),
        lambda g, x: g * x.sigmoid(),
    ),
    wrong(
        "silu: its first use forgotten",
        "forgotten-use",
        lambda x: x * x.sigmoid(),
        lambda g, x: g * x * x.sigmoid() * (1 - x.sigmoid()),
    ),
    wrong("exp in float32", "float32", torch.exp, lambda g, x: (g.float() * x.float().exp()).double()),
    wrong("truncated", "truncated", lambda x: 3 * x**2, lambda g, x: (6 * g * x).trunc()),
    # softmax and losses
    wrong("softmax: only the diagonal", "diagonal-only", softmax, lambda g, x: g * p(x) * (1 - p(x))),
    wrong("softmax: p g", "value-for-slope", softmax, lambda g, x: g * p(x)),
    wrong("softmax's sign", "sign", softmax, lambda g, x: p(x) * ((g * p(x)).sum(1, keepdim=True) - g)),
    wrong("softmax without its derivative", "local-derivative", softmax, lambda g, x: g),
    wrong("log-softmax: only the diagonal", "diagonal-only", log_softmax, lambda g, x: g * (1 - p(x))),
    wrong("log-softmax: only g", "forgotten-use", log_softmax, lambda g, x: g),
    wrong(
        "log-softmax: J v",
        "jacobian-transposed",
        log_softmax,
        lambda g, x: g - (p(x) * g).sum(1, keepdim=True),
    ),
    wrong("cross-entropy without 1/N", "factor", cross_entropy, lambda g, z: g * (p(z) - one_hot)),
    wrong("cross-entropy over N C", "factor", cross_entropy, lambda g, z: g * (p(z) - one_hot) / 15),
    wrong(
        "cross-entropy: one-hot minus softmax", "sign", cross_entropy, lambda g, z: g * (one_hot - p(z)) / 5
    ),
    wrong(
        "cross-entropy, upstream ignored",
        "upstream-ignored",
        cross_entropy,
        lambda g, z: (p(z) - one_hot) / 5,
    ),
    wrong(
        "squared error without 1/N", "factor", mse, lambda g, x, t: (2 * g * (x - t), -2 * g * (x - t)), XY
    ),
    wrong(
        "squared error without its 2",
        "factor",
        mse,
        lambda g, x, t: (g * (x - t) / 15, -g * (x - t) / 15),
        XY,
    ),
    wrong(
        "squared error's target sign",
        "sign",
        mse,
        lambda g, x, t: (2 * g * (x - t) / 15, 2 * g * (x - t) / 15),
        XY,
        1,
    ),
    wrong(
        "squared error, upstream ignored",
        "upstream-ignored",
        mse,
        lambda g, x, t: (2 * (x - t) / 15, -2 * g * (x - t) / 15),
        XY,
    ),
    # normalising and reducing
    wrong(
        "layer norm: mean and variance as constants",
        "forgotten-use",
        lambda x: x - x.mean(1, keepdim=True),
        lambda g, x: g,
    ),
    wrong("mean without 1/N", "factor", lambda x: x.mean(0), lambda g, x: g.expand(5, 3)),
    wrong(
        "rms norm: the scale as a constant",
        "forgotten-use",
        rms_norm,
        lambda g, x: g / (x.square().mean(1, keepdim=True) + 1e-5).sqrt(),
    ),
    wrong(
        "normalising: the norm as a constant",
        "forgotten-use",
        normalise,
        lambda g, x: g / x.norm(dim=1, keepdim=True),
    ),
    wrong("log-sum-exp, upstream ignored", "upstream-ignored", lambda x: x.logsumexp(1), lambda g, x: p(x)),
    wrong("product of a sum: J v", "sign", lambda x: x.cumsum(1), lambda g, x: -g.flip(1).cumsum(1).flip(1)),
    wrong("cumulative sum forwards", "jacobian-transposed", lambda x: x.cumsum(1), lambda g, x: g.cumsum(1)),
    wrong(
        "inverse without its minus",
        "sign",
        torch.inverse,
        lambda g, A: A.inverse().T @ g @ A.inverse().T,
        ((5, 5),),
    ),
    wrong(
        "trace of a product, transposed",
        "transposed",
        lambda A, B: (A @ B).trace(),
        lambda g, A, B: (g * B, g * A.T),
        ((5, 5), (5, 5)),
    ),
    wrong("flattening, transposed", "transposed", lambda x: x * 1.0, lambda g, x: g.T, ((5, 5),)),
)


def right(title: str, forward: Any, backward: Any, shapes: Shapes = X) -> Derivation:
    return Derivation(title, forward, backward, shapes)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.T).softmax(1) @ v


def attention_backward(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    weights = (q @ k.T).softmax(1)
    grad = g @ v.T
    scores = weights * (grad - (grad * weights).sum(1, keepdim=True))
    return scores @ k, scores.T @ q, weights.T @ g


def in_place(g: Tensor, x: Tensor) -> Tensor:
    s = x.sigmoid_()
    return g.mul_(s).mul_(1 - s)


def layer_norm_backward(g: Tensor, x: Tensor) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    scale = (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt()
    xhat = centred * scale
    return scale * (g - g.mean(1, keepdim=True) - xhat * (g * xhat).mean(1, keepdim=True))


def rms_norm_backward(g: Tensor, x: Tensor) -> Tensor:
    scale = (x.square().mean(1, keepdim=True) + 1e-5).rsqrt()
    return scale * (g - x * scale**2 * (g * x).mean(1, keepdim=True))


def jacobian_product(g: Tensor, x: Tensor) -> Tensor:
    q = p(x)
    J = torch.diag_embed(q) - q[:, :, None] * q[:, None, :]
    return torch.einsum("nk,nki->ni", g, J)


def by_loop(g: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    grads = torch.zeros_like(x), torch.zeros_like(W), torch.zeros_like(b)
    for n in range(x.shape[0]):
        for j in range(W.shape[0]):
            grads[0][n] += g[n, j] * W[j]
            grads[1][j] += g[n, j] * x[n]
            grads[2][j] += g[n, j]
    return grads


RIGHT = (
    right("linear", linear, lambda g, x, W, b: (g @ W, g.T @ x, g.sum(0)), LINEAR),
    right(
        "linear by einsum",
        linear,
        lambda g, x, W, b: (
            torch.einsum("nj,ji->ni", g, W),
            torch.einsum("nj,ni->ji", g, x),
            torch.einsum("nj->j", g),
        ),
        LINEAR,
    ),
    right("linear by loops", linear, by_loop, LINEAR),
    right(
        "linear, outer products added",
        linear,
        lambda g, x, W, b: (g @ W, sum(torch.outer(d, a) for d, a in zip(g, x, strict=True)), g.sum(0)),
        LINEAR,
    ),
    right(
        "linear, bias by a product with ones",
        linear,
        lambda g, x, W, b: (g @ W, g.T @ x, torch.ones(5, dtype=g.dtype) @ g),
        LINEAR,
    ),
    right("matmul", torch.matmul, lambda g, a, b: (g @ b.T, a.T @ g), MATMUL),
    right("matmul, transposed twice", torch.matmul, lambda g, a, b: ((b @ g.T).T, (g.T @ a).T), MATMUL),
    right("square matmul", torch.matmul, lambda g, a, b: (g @ b.T, a.T @ g), ((5, 5), (5, 5))),
    right("bmm", torch.bmm, lambda g, a, b: (g @ b.mT, a.mT @ g), ((2, 5, 3), (2, 3, 7))),
    right("outer", torch.outer, lambda g, a, b: (g @ b, g.T @ a), ((5,), (7,))),
    right("dot", torch.dot, lambda g, a, b: (g * b, g * a), ((5,), (5,))),
    right("add", torch.add, lambda g, a, b: (g, g), XY),
    right("add, broadcast", torch.add, lambda g, a, b: (g, g.sum(0)), ((5, 3), (3,))),
    right(
        "add, broadcast over columns",
        torch.add,
        lambda g, a, b: (g, g.sum(1, keepdim=True)),
        ((5, 3), (5, 1)),
    ),
    right("sub", torch.sub, lambda g, a, b: (g, -g), XY),
    right("mul", torch.mul, lambda g, a, b: (g * b, g * a), XY),
    right("mul by a number", torch.mul, lambda g, a, b: (g * b, (g * a).sum()), ((5, 3), ())),
    right("div", torch.div, lambda g, a, b: (g / b, -g * a / b**2), XY),
    right("div from the output", torch.div, lambda g, a, b, output: (g / b, -g * output / b), XY),
    right("square", lambda x: x * x, lambda g, x: 2 * g * x),
    right("square, both uses added", lambda x: x * x, lambda g, x: g * x + x * g),
    right("cube", lambda x: x**3, lambda g, x: 3 * g * x * x),
    right("exp", torch.exp, lambda g, x: g * x.exp()),
    right("exp from the output", torch.exp, lambda g, x, output: g * output),
    right("log", torch.log, lambda g, x: g / x),
    right("sqrt from the output", torch.sqrt, lambda g, x, output: g / (2 * output)),
    right("reciprocal", torch.reciprocal, lambda g, x: -g / x**2),
    right("sin", torch.sin, lambda g, x: g * x.cos()),
    right("abs", torch.abs, lambda g, x: g * x.sign()),
    right("sigmoid", sigma, lambda g, x: g * sigma(x) * sigma(-x)),
    right("sigmoid, the quotient itself", sigma, lambda g, x: g * (-x).exp() / (1 + (-x).exp()) ** 2),
    right("sigmoid by cosh", sigma, lambda g, x: g / (4 * (x / 2).cosh() ** 2)),
    right("sigmoid in place", torch.sigmoid, in_place),
    right("sigmoid, a − a²", torch.sigmoid, lambda g, x, output: g * (output - output**2)),
    right("tanh", torch.tanh, lambda g, x: g * (1 - x.tanh() ** 2)),
    right("tanh by cosh", torch.tanh, lambda g, x: g / x.cosh() ** 2),
    right("tanh by sigmoid", torch.tanh, lambda g, x: 4 * g * sigma(2 * x) * sigma(-2 * x)),
    right("relu", torch.relu, lambda g, x: g * (x > 0)),
    right("relu by where", torch.relu, lambda g, x: torch.where(x > 0, g, 0.0)),
    right("relu from the output", torch.relu, lambda g, x, output: g * output.sign()),
    right(
        "relu by an index",
        torch.relu,
        lambda g, x: g.index_put((x <= 0).nonzero(as_tuple=True), torch.zeros((), dtype=g.dtype)),
    ),
    right("leaky relu", lambda x: T.leaky_relu(x, 0.1), lambda g, x: torch.where(x > 0, g, 0.1 * g)),
    right("softplus", T.softplus, lambda g, x: g * x.sigmoid()),
    right("silu", T.silu, lambda g, x: g * (x.sigmoid() + x * x.sigmoid() * (1 - x.sigmoid()))),
    right("elu", T.elu, lambda g, x: torch.where(x > 0, g, g * x.exp())),
    right("clamp", lambda x: x.clamp(-1, 1), lambda g, x: g * (x.abs() <= 1)),
    right("softmax", softmax, lambda g, x: p(x) * (g - (g * p(x)).sum(1, keepdim=True))),
    right("softmax, its Jacobian written out", softmax, jacobian_product),
    right(
        "softmax from the output",
        softmax,
        lambda g, x, output: output * g - output * (output * g).sum(1, keepdim=True),
    ),
    right("log-softmax", log_softmax, lambda g, x: g - p(x) * g.sum(1, keepdim=True)),
    right(
        "log-softmax from the output",
        log_softmax,
        lambda g, x, output: g - output.exp() * g.sum(1, keepdim=True),
    ),
    right("log-sum-exp", lambda x: x.logsumexp(1), lambda g, x: g[:, None] * p(x)),
    right("cross-entropy", cross_entropy, lambda g, z: g * (p(z) - one_hot.to(z.dtype)) / 5),
    right(
        "cross-entropy, one subtracted in place",
        cross_entropy,
        lambda g, z: (
            g * p(z).index_put((torch.arange(5), y), torch.tensor(-1.0, dtype=z.dtype), accumulate=True) / 5
        ),
    ),
    right("squared error", mse, lambda g, x, t: (2 * g * (x - t) / 15, 2 * g * (t - x) / 15), XY),
    right(
        "absolute error",
        lambda x, t: (x - t).abs().sum(),
        lambda g, x, t: (g * (x - t).sign(), -g * (x - t).sign()),
        XY,
    ),
    right("sum", lambda x: x.sum(), lambda g, x: g.expand_as(x)),
    right("mean over rows", lambda x: x.mean(0), lambda g, x: (g / 5).expand(5, 3)),
    right("cumulative sum", lambda x: x.cumsum(1), lambda g, x: g.flip(1).cumsum(1).flip(1)),
    right("transpose", lambda x: x.T * 2.0, lambda g, x: 2 * g.T),
    right("layer norm", layer_norm, layer_norm_backward),
    right("rms norm", rms_norm, rms_norm_backward),
    right(
        "normalise",
        normalise,
        lambda g, x: (
            (g - normalise(x) * (g * normalise(x)).sum(1, keepdim=True)) / x.norm(dim=1, keepdim=True)
        ),
    ),
    right("inverse", torch.inverse, lambda g, A: -A.inverse().T @ g @ A.inverse().T, ((5, 5),)),
    right(
        "trace of a product",
        lambda A, B: (A @ B).trace(),
        lambda g, A, B: (g * B.T, g * A.T),
        ((5, 7), (7, 5)),
    ),
    right("attention", attention, attention_backward, ((5, 3), (7, 3), (7, 2))),
)
