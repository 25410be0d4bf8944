"""Right derivations of layers, networks and losses."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Form, Gradients
from tests.verify.gallery.layers import (
    ATTENTION,
    CAUSAL,
    CLASSIFIER,
    EPS,
    LABELS,
    NORM,
    RECURRENT,
    TARGETS,
    TWO_LAYERS,
    autoencoder,
    batch_norm,
    causal_attention,
    classifier,
    contrastive_loss,
    cosine,
    gaussian_nll,
    gru_cell,
    layer_norm,
    lstm_cell,
    residual,
    rms_norm,
    rnn,
    rnn_states,
    two_layers,
    vae_loss,
)

RIGHT_NETWORKS = Form()
right = RIGHT_NETWORKS.right


@right("classifier, one subtracted at the labels", classifier, CLASSIFIER)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = (x @ W.T + b).clamp(min=0)
    dz2 = (a @ V.T + c).softmax(1)
    dz2[range(5), LABELS] -= 1
    dz2 *= g / 5
    dz1 = (dz2 @ V).masked_fill(a == 0, 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


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


@right("recurrence through time", rnn, RECURRENT)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dzs = []
    dh = g
    for state in reversed(states[1:]):
        dzs.insert(0, dh * (1 - state**2))
        dh = dzs[0] @ U.T
    dz = torch.stack(dzs)
    before = torch.stack(states[:-1])
    return dz @ W.T, dh, torch.einsum("tni,tnj->ij", xs, dz), torch.einsum("tni,tnj->ij", before, dz)


@right("all states from the output", rnn_states, RECURRENT)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor, output: Tensor) -> Gradients:
    dxs, dW, dU, dh = torch.zeros_like(xs), 0 * W, 0 * U, 0 * h
    for t in range(3, -1, -1):
        dz = (g[t] + dh) * (1 - output[t] ** 2)
        dxs[t] = dz @ W.T
        dW = dW + xs[t].T @ dz
        dU = dU + (output[t - 1] if t else h).T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@right("memory cell, all gates at once", lstm_cell, ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8)))
def _(g: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    z = x @ W + h @ U
    s, n = torch.sigmoid(z[:, :6]), torch.tanh(z[:, 6:])
    i, f, o = s.split(2, 1)
    tm = torch.tanh(f * c + i * n)
    dm = g * o * (1 - tm**2)
    ds = torch.cat([dm * n, dm * c, g * tm], 1) * s * (1 - s)
    d = torch.cat([ds, dm * i * (1 - n**2)], 1)
    return d @ W.T, d @ U.T, dm * f, x.T @ d, h.T @ d


@right("gated unit", gru_cell, ((5, 4), (5, 4), (4, 4), (4, 4), (4, 4)))
def _(g: Tensor, x: Tensor, h: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    z, r = torch.sigmoid(x @ A + h), torch.sigmoid(x @ B + h)
    n = torch.tanh(x @ C + r * h)
    dan = g * (1 - z) * (1 - n) * (1 + n)
    daz = g * (h - n) * z * (1 - z)
    dar = dan * h * r * (1 - r)
    gates = torch.cat([daz, dar, dan], 1)
    weights = torch.cat([A, B, C], 1)
    dA, dB, dC = (x.T @ gates).chunk(3, 1)
    return gates @ weights.T, g * z + daz + dar + r * dan, dA, dB, dC


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


@right("variational autoencoder", vae_loss, ((5, 3), (5, 3), (5, 3), (3, 4), (5, 4)))
def _(g: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Gradients:
    std = (logvar / 2).exp()
    z = mu + noise * std
    dout = g * (z @ D - t)
    dz = dout @ D.T
    dlogvar = (z - mu) * dz / 2 + g * (logvar.exp() - 1) / 2
    return [dz + g * mu, dlogvar, std * dz, z.T @ dout, -dout]


@right("Gaussian likelihood by standard scores", gaussian_nll, ((5, 3), (5, 3), (5, 3)))
def _(g: Tensor, mu: Tensor, logvar: Tensor, t: Tensor) -> Gradients:
    precision = (-logvar).exp()
    score = (t - mu) * precision.sqrt()
    dt = g * score * precision.sqrt()
    return -dt, g / 2 * (1 - score) * (1 + score), dt


@right("contrastive loss, one subtracted on the diagonal", contrastive_loss, ((5, 4), (5, 4)))
def _(g: Tensor, u: Tensor, v: Tensor) -> Gradients:
    ds = (2 * u @ v.T).softmax(1)
    ds.diagonal().sub_(1)
    ds.mul_(g / 2.5)
    return ds @ v, ds.T @ u


@right("cosine by unit vectors", cosine, ((5, 4), (5, 4)))
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    na, nb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    u, v = a / na, b / nb
    along = (u * v).sum(1, keepdim=True)
    return g[:, None] * (v - along * u) / na, g[:, None] * (u - along * v) / nb


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


@right(
    "binary cross-entropy in float64 throughout",
    lambda z: T.binary_cross_entropy_with_logits(z, TARGETS.to(z)),
    ((5, 3),),
)
def _(g: Tensor, z: Tensor) -> Gradients:
    p = 1 / (1 + (-z.double()).exp())
    return (g * (p - TARGETS) / 15).to(z.dtype)


@right(
    "focal loss by the chain of logarithms", lambda z: -((1 - z.sigmoid()) ** 2 * T.logsigmoid(z)), ((5, 3),)
)
def _(g: Tensor, z: Tensor) -> Gradients:
    p = z.sigmoid()
    return g * (1 - p) ** 2 * (2 * p * p.log() + p - 1)


@right(
    "divergence of two softmaxes",
    lambda a, b: T.kl_div(b.log_softmax(1), a.softmax(1), reduction="sum"),
    ((5, 3), (5, 3)),
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    p, q = a.softmax(1), b.softmax(1)
    ratio = a.log_softmax(1) - b.log_softmax(1)
    return g * p * (ratio - (p * ratio).sum(1, keepdim=True)), g * (q - p)


@right("Huber by cases", lambda x, t: T.huber_loss(x, t, delta=0.5), ((5, 3), (5, 3)))
def _(g: Tensor, x: Tensor, t: Tensor) -> Gradients:
    e = x - t
    slope = torch.where(e.abs() < 0.5, e, 0.5 * e.sign())
    return g * slope / e.numel(), -g * slope / e.numel()


@right("label smoothing", lambda z: T.cross_entropy(z, LABELS, label_smoothing=0.1), ((5, 3),))
def _(g: Tensor, z: Tensor) -> Gradients:
    smooth = 0.9 * TARGETS.to(z) + 0.1 / 3
    return g * (z.softmax(1) - smooth) / 5
