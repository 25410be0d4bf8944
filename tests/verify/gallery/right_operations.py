"""Right derivations of single operations, in unusual forms."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import LINEAR, MATMUL, XY, right
from tests.verify.gallery.functions import (
    cross_entropy,
    layer_norm,
    linear,
    log_softmax,
    mse,
    normalise,
    one_hot,
    p,
    rms_norm,
    sigma,
    softmax,
    y,
)


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
