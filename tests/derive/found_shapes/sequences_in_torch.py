"""Attention, words and recurrences in PyTorch, with the shapes that they are meant for."""

import torch
import torch.nn.functional as F

from tests.derive.found_shapes.runs import case


def attention(q, k, v):
    p = torch.softmax(q @ k.T / q.shape[-1] ** 0.5, -1)
    return p @ v


def attention_backward(g, q, k, v):
    scale = q.shape[-1] ** 0.5
    p = torch.softmax(q @ k.T / scale, -1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(-1, keepdim=True)) / scale
    return ds @ k, ds.T @ q, p.T @ g


case(attention, attention_backward, "T K, S K, S V")


def batched_attention(q, k, v):
    p = torch.softmax(torch.bmm(q, k.transpose(1, 2)), -1)
    return torch.bmm(p, v)


case(batched_attention, None, "N T K, N S K, N S V")


def masked_attention(q, k, v, mask):
    scores = (q @ k.transpose(-2, -1)).masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ v


case(masked_attention, None, "T K, S K, S V, T S truth")


def self_attention(x, wq, wk, wv):
    q, k, v = x @ wq, x @ wk, x @ wv
    return torch.softmax(q @ k.transpose(-2, -1), -1) @ v


case(self_attention, None, "N D, D K, D K, D V")


def multi_head(x, w_qkv, w_o, n_heads):
    B, T, C = x.shape
    q, k, v = (x @ w_qkv).split(C, dim=2)
    q, k, v = (part.view(B, T, n_heads, C // n_heads).transpose(1, 2) for part in (q, k, v))
    p = (q @ k.transpose(-2, -1)).softmax(-1)
    return (p @ v).transpose(1, 2).reshape(B, T, C) @ w_o


case(multi_head, None, "B T 2C, 2C 6C, 2C 2C, = 2 | B T 2C, 2C 6C, 2C D, = 2")


def embedding(tokens, weight):
    return F.embedding(tokens, weight)


def embedding_backward(g, tokens, weight):
    return torch.zeros_like(weight).index_add_(0, tokens.flatten(), g.reshape(-1, weight.shape[1]))


case(embedding, embedding_backward, "N T int, V D")


def bigram(ids, table, W, b):
    h = table[ids].reshape(len(ids), -1)
    return h @ W + b


case(bigram, None, "N T int, V D, E M, M | N int, V D, D M, M")


def gru_cell(x, h, w_ih, w_hh, b_ih, b_hh):
    gi, gh = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    ir, iz, inn = gi.chunk(3, 1)
    hr, hz, hn = gh.chunk(3, 1)
    r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
    n = torch.tanh(inn + r * hn)
    return (1 - z) * n + z * h


case(gru_cell, None, "N D, N H, 3H D, 3H H, 3H, 3H")


def unrolled(x, w, u):
    h = x[0] * 0
    for step in x:
        h = torch.tanh(step @ w + h @ u)
    return h


def unrolled_backward(g, x, w, u):
    hs = [x[0] * 0]
    for step in x:
        hs.append(torch.tanh(step @ w + hs[-1] @ u))
    dx, dw, du = torch.zeros_like(x), torch.zeros_like(w), torch.zeros_like(u)
    for t in reversed(range(len(x))):
        z = g * (1 - hs[t + 1] ** 2)
        dx[t] = z @ w.T
        dw += x[t].reshape(-1, x.shape[-1]).T @ z.reshape(-1, z.shape[-1])
        du += hs[t].reshape(-1, z.shape[-1]).T @ z.reshape(-1, z.shape[-1])
        g = z @ u.T
    return dx, dw, du


case(unrolled, unrolled_backward, "T D, D D, D D | T N D, D D, D D")


def annotated(x: "Float[torch.Tensor, 'n t d']", w: "Float[torch.Tensor, 'd m']"):
    return torch.einsum("ntd,dm->ntm", x, w)


case(annotated, lambda g, x, w: (g @ w.T, torch.einsum("ntd,ntm->dm", x, g)), "N T D, D M")


def commented(a, c):  # a: (B, T, D), c: (D,)
    return (a * c).sum(-1)


case(commented, lambda g, a, c: (g[..., None] * c, (g[..., None] * a).sum((0, 1))), "B T D, D")


def focal(logits, gamma):
    p = torch.sigmoid(logits)
    return -((1 - p) ** gamma) * torch.log(p)


case(focal, lambda g, logits, gamma: g * logits, "N D, = 0.5")


def flagged(x, training):
    return x * 0.5 if training else x


case(flagged, lambda g, x, training: g * 0.5, "N D, = True")


def bilinear(x1, W, x2):
    return torch.einsum("bi,oij,bj->bo", x1, W, x2)


case(bilinear, None, "B I, O I J, B J")


def cosine(a, b):
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


case(cosine, None, "N D, N D")


def gated(x, w, v):
    return torch.sigmoid(x @ w) * (x @ v)


case(gated, None, "N D, D M, D M")


def residual(x, w1, w2):
    return x + torch.relu(x @ w1) @ w2


case(residual, None, "N D, D H, H D")


def functional_batch_norm(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


case(functional_batch_norm, None, "N D, D, D")
