"""Layers, networks and losses that derivations of several kinds are made for."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Shapes

LABELS = torch.tensor([0, 2, 1, 1, 0])
TARGETS = T.one_hot(LABELS, 3).double()
CAUSAL = torch.ones(5, 5).tril().bool()
EPS = 1e-3

TWO_LAYERS: Shapes = ((5, 3), (4, 3), (4,), (2, 4), (2,))
CLASSIFIER: Shapes = ((5, 4), (6, 4), (6,), (3, 6), (3,))
THREE_LAYERS: Shapes = ((5, 4), (4, 4), (4, 4), (4, 3))
NORM: Shapes = ((5, 7), (7,), (7,))
ATTENTION: Shapes = ((5, 4), (5, 4), (5, 4))
RECURRENT: Shapes = ((4, 5, 3), (5, 3), (3, 3), (3, 3))


def two_layers(x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Tensor:
    return torch.tanh(x @ W.T + b) @ V.T + c


def classifier(x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Tensor:
    """Two layers with cross-entropy."""
    a = torch.relu(x @ W.T + b)
    return T.cross_entropy(a @ V.T + c, LABELS)


def three_layers(x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    return torch.sigmoid(torch.sigmoid(x @ A) @ B) @ C


def layer_norm(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    c = x - x.mean(1, keepdim=True)
    return c / (c.square().mean(1, keepdim=True) + EPS).sqrt() * w + b


def batch_norm(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    c = x - x.mean(0)
    return c / (c.square().mean(0) + EPS).sqrt() * w + b


def rms_norm(x: Tensor, w: Tensor) -> Tensor:
    return x / (x.square().mean(1, keepdim=True) + EPS).sqrt() * w


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.T / 2).softmax(1) @ v


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = (q @ k.T / 2).masked_fill(~CAUSAL, float("-inf"))
    return scores.softmax(1) @ v


def rnn(xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Tensor:
    """The last state of a recurrence over the first dimension of `xs`."""
    for x in xs:
        h = torch.tanh(x @ W + h @ U)
    return h


def rnn_states(xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Tensor:
    """All states of the same recurrence."""
    states = []
    for x in xs:
        h = torch.tanh(x @ W + h @ U)
        states.append(h)
    return torch.stack(states)


def lstm_cell(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Tensor:
    """The next state h of a memory cell."""
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(n)
    return torch.sigmoid(o) * torch.tanh(c)


def gru_cell(x: Tensor, h: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """A gated unit without biases: update gate z, reset gate r, candidate n."""
    z = torch.sigmoid(x @ A + h)
    r = torch.sigmoid(x @ B + h)
    n = torch.tanh(x @ C + r * h)
    return z * h + (1 - z) * n


def autoencoder(x: Tensor, W: Tensor) -> Tensor:
    """The same weight on the way in and out."""
    return torch.relu(x @ W) @ W.T


def residual(x: Tensor, W: Tensor, V: Tensor) -> Tensor:
    return x + torch.relu(x @ W) @ V


def gaussian_nll(mu: Tensor, logvar: Tensor, t: Tensor) -> Tensor:
    return 0.5 * (logvar + (t - mu) ** 2 / logvar.exp()).sum()


def vae_loss(mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Tensor:
    """Reconstruction from a sample, and the divergence from a standard normal distribution."""
    z = mu + noise * (0.5 * logvar).exp()
    divergence = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()
    return 0.5 * ((z @ D - t) ** 2).sum() + divergence


def contrastive_loss(u: Tensor, v: Tensor) -> Tensor:
    """InfoNCE: each row of u belongs to the row of v in the same place."""
    return T.cross_entropy(u @ v.T / 0.5, torch.arange(5))


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
