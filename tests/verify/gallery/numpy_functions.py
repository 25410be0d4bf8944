"""Functions in NumPy that derivations are made for: activations, norms, attention, windows, losses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[Any]

LABELS = np.array([0, 2, 1, 1, 0])
SIGNS = np.array([1, -1, -1, 1, 1])
TOKENS = np.array([[0, 2, 2], [3, 1, 0], [2, 4, 1], [1, 1, 3]])
CENTERS = np.array([0, 2, 1])
CONTEXTS = np.array([3, 0, 0])
NEGATIVES = np.array([[1, 4], [2, 4], [1, 1]])


def softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def logsumexp(x: Array) -> Array:
    m = x.max(axis=1, keepdims=True)
    return np.squeeze(m, axis=1) + np.log(np.exp(x - m).sum(axis=1))


def rms_norm(x: Array, w: Array, eps: float = 1e-3) -> Array:
    return x / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + eps) * w


def normalize_rows(x: Array) -> Array:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cosine_similarity(a: Array, b: Array) -> Array:
    dots = np.sum(a * b, axis=1)
    return dots / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def huber_loss(pred: Array, target: Array, delta: float = 0.7) -> Array:
    r = pred - target
    small = np.abs(r) <= delta
    return np.mean(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))


def focal_loss(z: Array) -> Array:
    p = expit(z)
    return -np.sum((1 - p) ** 2 * np.log(p))


def hinge_loss(scores: Array, y: Array) -> Array:
    """Of two classes, which `y` holds as 1 and -1."""
    return np.mean(np.maximum(0, 1 - y * scores))


def multiclass_hinge(scores: Array, y: Array) -> Array:
    rows = np.arange(scores.shape[0])
    margins = np.maximum(0, scores - scores[rows, y][:, np.newaxis] + 1.0)
    margins[rows, y] = 0
    return margins.sum() / scores.shape[0]


def contrastive_loss(a: Array, b: Array, same: Array) -> Array:
    """Pairs that are the same are pulled together, others pushed apart as far as the margin 2."""
    d = np.sqrt(np.sum((a - b) ** 2, axis=1))
    return 0.5 * np.mean(same * d**2 + (1 - same) * np.maximum(0, 2.0 - d) ** 2)


def info_nce(a: Array, b: Array, temperature: float = 0.5) -> Array:
    logits = a @ b.T / temperature
    return -np.mean(np.diag(log_softmax(logits)))


def kl_divergence(p_logits: Array, q_logits: Array) -> Array:
    p = softmax(p_logits)
    return np.sum(p * (log_softmax(p_logits) - log_softmax(q_logits))) / p.shape[0]


def mean_embedding(tokens: Array, E: Array) -> Array:
    return E[tokens].mean(axis=1)


def bilinear(x: Array, A: Array, y: Array) -> Array:
    return np.sum(x.dot(A) * y, axis=1)


def attention(Q: Array, K: Array, V: Array) -> Array:
    scores = Q.dot(K.T) / np.sqrt(Q.shape[1])
    return softmax(scores).dot(V)


def split_heads(x: Array, heads: int) -> Array:
    T, D = x.shape
    return x.reshape(T, heads, D // heads).transpose(1, 0, 2)


def merge_heads(x: Array) -> Array:
    H, T, D = x.shape
    return x.transpose(1, 0, 2).reshape(T, H * D)


def softmax_last(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def multi_head(x: Array, Wq: Array, Wk: Array, Wv: Array) -> Array:
    q, k, v = split_heads(x @ Wq, 2), split_heads(x @ Wk, 2), split_heads(x @ Wv, 2)
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    return merge_heads(softmax_last(scores) @ v)


def gru_step(x: Array, h: Array, W: Array, U: Array, Wn: Array, Un: Array) -> Array:
    """The next state; update and reset gate share the weights W and U."""
    H = h.shape[1]
    a = x @ W + h @ U
    z, r = expit(a[:, :H]), expit(a[:, H:])
    n = np.tanh(x @ Wn + (r * h) @ Un)
    return (1 - z) * h + z * n


def average_pool(x: Array) -> Array:
    N, C, H, W = x.shape
    return x.reshape(N, C, H // 2, 2, W // 2, 2).mean(axis=(3, 5))


def conv1d(x: Array, w: Array, b: Array) -> Array:
    """Over the last dimension of x (N, C, L), with kernels w (F, C, K) and no padding."""
    L = x.shape[2] - w.shape[2] + 1
    out = np.zeros((x.shape[0], w.shape[0], L), dtype=x.dtype)
    for t in range(L):
        out[:, :, t] = np.einsum("nck,fck->nf", x[:, :, t : t + w.shape[2]], w) + b
    return out


def depthwise(x: Array, w: Array) -> Array:
    """Each channel of x (N, C, H, W) with its own kernel of w (C, K, K), padded to keep the size."""
    K = w.shape[1]
    p = K // 2
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    out = np.zeros_like(x)
    for i in range(K):
        for j in range(K):
            out += padded[:, :, i : i + x.shape[2], j : j + x.shape[3]] * w[:, i, j][None, :, None, None]
    return out


def im2col(x: Array, k: int) -> Array:
    """The windows of x (N, C, H, W) as rows (N · positions, C · k · k)."""
    N, C, H, W = x.shape
    h, w = H - k + 1, W - k + 1
    cols = np.zeros((N, C, k, k, h, w), dtype=x.dtype)
    for i in range(k):
        for j in range(k):
            cols[:, :, i, j] = x[:, :, i : i + h, j : j + w]
    return cols.transpose(0, 4, 5, 1, 2, 3).reshape(N * h * w, C * k * k)


def conv_im2col(x: Array, w: Array, b: Array) -> Array:
    F, _, k, _ = w.shape
    N, _, H, W = x.shape
    out = im2col(x, k) @ w.reshape(F, -1).T + b
    return out.reshape(N, H - k + 1, W - k + 1, F).transpose(0, 3, 1, 2)


def pairwise_distances(a: Array, b: Array) -> Array:
    """Squared, between the rows of a and the rows of b."""
    return np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2 * a @ b.T


def mixture_of_experts(x: Array, G: Array, E: Array) -> Array:
    """A gate G (D, M) weighs the experts E (M, D, K)."""
    gates = softmax(x @ G)
    outs = np.tanh(np.einsum("nd,mdk->nmk", x, E))
    return np.einsum("nm,nmk->nk", gates, outs)


def projection_loss(x: Array, V: Array) -> Array:
    """What is left of centred rows that are projected onto the columns of V."""
    c = x - x.mean(axis=0)
    return 0.5 * np.sum((c - c @ V @ V.T) ** 2)


def polynomial(x: Array, w: Array) -> Array:
    features = np.stack([np.ones_like(x), x, x**2, x**3], axis=1)
    return features @ w


def gaussian_log_likelihood(x: Array, mu: Array, log_sigma: Array) -> Array:
    z = (x - mu) / np.exp(log_sigma)
    return np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))


def logistic_regression(w: Array, b: Array, X: Array, y: Array) -> Array:
    """The cross-entropy of labels y of 0 and 1."""
    p = expit(X @ w + b)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def ridge_loss(w: Array, X: Array, y: Array, lam: float = 0.3) -> Array:
    r = X.dot(w) - y
    return np.mean(r**2) + lam * np.sum(w**2)


def negative_sampling(V: Array, U: Array) -> Array:
    """Word vectors V of centres, U of contexts: true contexts score high, sampled ones low."""
    v = V[CENTERS]
    good = np.sum(v * U[CONTEXTS], axis=1)
    bad = np.einsum("nd,nkd->nk", v, U[NEGATIVES])
    return -np.sum(np.log(expit(good))) - np.sum(np.log(expit(-bad)))
