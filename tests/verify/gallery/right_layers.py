"""Right derivations of layers and of networks of two."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Form, Gradients
from tests.verify.gallery.layers import (
    ATTENTION,
    CAUSAL,
    EPS,
    NORM,
    TWO_LAYERS,
    autoencoder,
    batch_norm,
    causal_attention,
    layer_norm,
    residual,
    rms_norm,
    two_layers,
)

RIGHT_LAYERS = Form()
right = RIGHT_LAYERS.right


@right("two layers by einsum", two_layers, TWO_LAYERS)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = torch.tanh(torch.einsum("ni,hi->nh", x, W) + b)
    dz = torch.einsum("no,oh,nh->nh", g, V, 1 - a**2)
    dW = torch.einsum("nh,ni->hi", dz, x)
    dV = torch.einsum("no,nh->oh", g, a)
    return [dz @ W, dW, torch.einsum("nh->h", dz), dV, torch.einsum("no->o", g)]


@right("two layers by a loop over the batch", two_layers, TWO_LAYERS)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    grads = [torch.zeros_like(t) for t in (x, W, b, V, c)]
    for n in range(5):
        a = torch.tanh(W @ x[n] + b)
        dz = (V.T @ g[n]) * (1 - a * a)
        grads[0][n] = W.T @ dz
        grads[1] += torch.outer(dz, x[n])
        grads[2] += dz
        grads[3] += torch.outer(g[n], a)
        grads[4] += g[n]
    return grads


@right("two layers, each example under vmap", two_layers, TWO_LAYERS)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    def of_one(d: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        a = torch.tanh(W @ x + b)
        dz = (d @ V) * (1 - a**2)
        return dz @ W, torch.outer(dz, x), dz, torch.outer(d, a), d

    dx, *rest = torch.vmap(of_one)(g, x)
    return dx, *(each.sum(0) for each in rest)


@right("layer norm, step by step", layer_norm, NORM)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    n = x.shape[1]
    mu = x.mean(1, keepdim=True)
    c = x - mu
    var = (c**2).mean(1, keepdim=True) + EPS
    xhat = c / var.sqrt()
    dxhat = g * w
    dvar = (dxhat * c).sum(1, keepdim=True) * -0.5 * var**-1.5
    dmu = -(dxhat / var.sqrt()).sum(1, keepdim=True) + dvar * (-2 * c).mean(1, keepdim=True)
    dx = dxhat / var.sqrt() + dvar * 2 * c / n + dmu / n
    return dx, (g * xhat).sum(0), g.sum(0)


@right("layer norm by its Jacobian", layer_norm, NORM)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    n = x.shape[1]
    c = x - x.mean(1, keepdim=True)
    s = (c.square().mean(1) + EPS).sqrt()
    xhat = c / s[:, None]
    centring = torch.eye(n, dtype=x.dtype) - 1 / n
    J = (centring - xhat[:, :, None] * xhat[:, None, :] / n) / s[:, None, None]
    return torch.einsum("nij,nj->ni", J, g * w), (g * xhat).sum(0), g.sum(0)


@right("batch norm, N times and divided", batch_norm, NORM)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    n = len(x)
    c = x - x.mean(0)
    r = (c.square().mean(0) + EPS) ** -0.5
    xhat = c * r
    dw, db = (g * xhat).sum(0), g.sum(0)
    return w * r / n * (n * g - db - xhat * dw), dw, db


@right("rms norm by the output", rms_norm, ((5, 7), (7,)))
def _(g: Tensor, x: Tensor, w: Tensor, output: Tensor) -> Gradients:
    r = (x.square().mean(1, keepdim=True) + EPS).rsqrt()
    dx = r * (g * w - x * r * r * (g * output).sum(1, keepdim=True) / r / 7)
    return dx, (g * x * r).sum(0)


@right("group norm by views", lambda x: T.group_norm(x, 2, eps=EPS), ((2, 4, 5),))
def _(g: Tensor, x: Tensor) -> Gradients:
    h, d = x.reshape(4, 10), g.reshape(4, 10)
    c = h - h.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dh = r * (d - d.mean(1, keepdim=True) - xhat * (d * xhat).mean(1, keepdim=True))
    return dh.view_as(x)


@right("causal attention", causal_attention, ATTENTION)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2 + torch.where(CAUSAL, 0.0, -1e9)).softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True)) / 2
    return ds @ k, ds.T @ q, p.T @ g


@right("causal attention, the correction from the output", causal_attention, ATTENTION)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor, output: Tensor) -> Gradients:
    p = (q @ k.T / 2).exp() * CAUSAL
    p = p / p.sum(1, keepdim=True)
    ds = p * (g @ v.T - (g * output).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, p.T @ g


@right("causal attention, query by query", causal_attention, ATTENTION)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    dq, dk, dv = (torch.zeros_like(t) for t in (q, k, v))
    for t in range(5):
        seen = slice(0, t + 1)
        p = (k[seen] @ q[t] / 2).softmax(0)
        dp = v[seen] @ g[t]
        ds = p * (dp - p @ dp) / 2
        dq[t] = ds @ k[seen]
        dk[seen] += torch.outer(ds, q[t])
        dv[seen] += torch.outer(p, g[t])
    return dq, dk, dv


@right(
    "heads of attention by einsum",
    lambda q, k, v: (q @ k.mT).softmax(-1) @ v,
    ((2, 5, 3), (2, 4, 3), (2, 4, 2)),
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = torch.einsum("htc,hsc->hts", q, k).softmax(-1)
    dp = torch.einsum("htc,hsc->hts", g, v)
    ds = p * dp - p * torch.einsum("hts,hts->ht", p, dp)[..., None]
    return (
        torch.einsum("hts,hsc->htc", ds, k),
        torch.einsum("hts,htc->hsc", ds, q),
        torch.einsum("hts,htc->hsc", p, g),
    )


@right("autoencoder, both uses of its weight", autoencoder, ((5, 4), (4, 3)))
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    dz = torch.where(z > 0, g @ W, 0.0)
    return dz @ W.T, (torch.relu(z).T @ g).T + x.T @ dz


@right("residual, the sum of two ways", residual, ((5, 4), (4, 4), (4, 4)))
def _(g: Tensor, x: Tensor, W: Tensor, V: Tensor) -> Gradients:
    z = x @ W
    dz = (V @ g.T).T * z.gt(0)
    return sum((g, dz @ W.T)), x.T @ dz, z.relu().T @ g


@right("convolution by windows", lambda x, w, b: T.conv1d(x, w, b), ((2, 3, 7), (4, 3, 3), (4,)))
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    dx = T.conv1d(T.pad(g, (2, 2)), w.flip(2).transpose(0, 1))
    dw = torch.einsum("nol,nilk->oik", g, x.unfold(2, 3, 1))
    return dx, dw, g.sum((0, 2))


@right("convolution by a loop over its kernel", lambda x, w: T.conv1d(x, w, stride=2), ((2, 3, 9), (4, 3, 3)))
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    for k in range(3):
        places = slice(k, k + 7, 2)
        dx[..., places] += torch.einsum("nol,oi->nil", g, w[..., k])
        dw[..., k] = torch.einsum("nol,nil->oi", g, x[..., places])
    return dx, dw


@right(
    "image convolution by unfolded patches",
    lambda x, w: T.conv2d(x, w, padding=1),
    ((2, 3, 4, 4), (5, 3, 3, 3)),
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    columns = T.unfold(x, 3, padding=1)
    d = g.flatten(2)
    dw = torch.einsum("nol,nkl->ok", d, columns).view_as(w)
    return T.fold(w.flatten(1).T @ d, (4, 4), 3, padding=1), dw


@right("maximum over windows by its indices", lambda x: T.max_pool1d(x, 3, 1), ((2, 3, 8),))
def _(g: Tensor, x: Tensor) -> Gradients:
    places = x.unfold(2, 3, 1).argmax(3) + torch.arange(6)
    return torch.zeros_like(x).scatter_add(2, places, g)
