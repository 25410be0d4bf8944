"""Losses: of the package, and written by hand."""

import math

import torch
import torch.nn.functional as F

from tests.derive.forwards.case import Case, collector, labels, shares

CASES: list[Case] = []
case = collector(CASES)
Y = labels(0, 2, 1, 1, 0)


@case((5, 3), (3,), Y)
def cross_entropy_of_sums(z, b, y):
    return F.cross_entropy(z + b, y, reduction="sum")


@case((5, 3), Y)
def cross_entropy_each(z, y):
    return F.cross_entropy(2 * z, y, reduction="none")


@case((5, 3), Y, shares(3))
def class_weights(z, y, weight):
    return F.cross_entropy(z, y, weight.detach())


@case((5, 3), Y)
def label_smoothing(z, y):
    return F.cross_entropy(z, y, label_smoothing=0.1)


@case((5, 3), labels(0, -100, 1, 1, -100))
def ignored_labels(z, y):
    return F.cross_entropy(z, y)


@case((2, 3, 4), torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]]))
def cross_entropy_per_token(z, y):
    return F.cross_entropy(z, y)


@case((5, 3), (5, 3))
def soft_targets(z, t):
    return F.cross_entropy(z, t.softmax(1).detach())


@case((5, 3), Y)
def negative_log_likelihood(z, y):
    logp = F.log_softmax(z, dim=1)
    return F.nll_loss(logp, y)


@case((5, 3), Y)
def picked_log_probability(z, y):
    logp = z - z.logsumexp(1, keepdim=True)
    return -logp[torch.arange(5), y].mean()


@case((5, 3), (5, 3))
def mean_squared_error(x, y):
    return F.mse_loss(x, y)


@case((5, 3), (5, 3))
def absolute_error(x, y):
    return F.l1_loss(x, y)


@case((5, 3), (5, 3))
def huber(x, y):
    return F.huber_loss(x, y, delta=0.5)


@case((5, 3), (5, 3))
def smooth_l1(x, y):
    return F.smooth_l1_loss(x, y, reduction="sum")


@case((5, 3), shares(5, 3))
def binary_with_logits(z, t):
    return F.binary_cross_entropy_with_logits(z, t)


@case((5, 1), shares(5, 1))
def binary_with_positive_weight(z, t):
    return F.binary_cross_entropy_with_logits(z, t, pos_weight=torch.tensor([3.0], dtype=z.dtype))


@case((5, 3), shares(5, 3))
def binary_by_hand(z, t):
    p = torch.sigmoid(z)
    return -(t * p.log() + (1 - t) * (1 - p).log()).mean()


@case((5, 3), (5, 3))
def divergence(z, t):
    return F.kl_div(z.log_softmax(1), t.softmax(1), reduction="batchmean")


@case((6, 4), (6, 4))
def info_nce(u, v):
    u = F.normalize(u, dim=1)
    v = F.normalize(v, dim=1)
    scores = u @ v.T / 0.1
    return F.cross_entropy(scores, torch.arange(6))


@case((5, 3), Y)
def focal(z, y):
    logp = F.log_softmax(z, dim=1)
    logp_y = logp[torch.arange(len(y)), y]
    p_y = logp_y.exp()
    return -((1 - p_y) ** 2 * logp_y).mean()


@case((4, 6), (2, 6), (2, 6), (6, 2), (4, 2))
def variational_autoencoder(x, W_mean, W_log_var, V, eps):
    mean = x @ W_mean.T
    log_var = x @ W_log_var.T
    z = mean + torch.exp(log_var / 2) * eps
    reconstruction = z @ V.T
    squares = ((reconstruction - x) ** 2).sum(1)
    kl = -0.5 * (1 + log_var - mean**2 - log_var.exp()).sum(1)
    return (squares + kl).mean()


@case((5, 3), (5, 3), (5, 3))
def gaussian_likelihood(x, mu, log_sigma):
    z = (x - mu) / log_sigma.exp()
    return (z**2 / 2 + log_sigma + math.log(2 * math.pi) / 2).sum(1).mean()


@case((5, 4), (5, 4), (5, 4))
def triplet(anchor, positive, negative):
    near = (anchor - positive).norm(dim=1)
    far = (anchor - negative).norm(dim=1)
    return F.relu(near - far + 1.0).mean()


@case((5, 3), labels(1, -1, 1, 1, -1))
def hinge(z, y):
    margin = 1 - y[:, None] * z
    return torch.where(margin > 0, margin, 0).sum()


@case((5, 4), (5, 4))
def cosine(a, b):
    return 1 - F.cosine_similarity(a, b).mean()


@case((5, 3), (5, 3), (3,))
def weight_decay(x, y, w):
    error = (x * w - y).square().mean()
    return error + 0.01 * w.square().sum() + 0.1 * w.abs().sum()
