"""More functions in PyTorch, and the shapes that they are meant for."""

import math

import torch
import torch.nn.functional as F

from tests.derive.found_shapes.runs import case


def hardtanh(input, lo, hi):
    return input.clamp(min=-1) * lo + hi


case(hardtanh, None, "N D, D, D | N D, N D, N D | N D, (), ()")


def scaled_tanh(x, a, b):
    return a * torch.tanh(b * x)


case(
    scaled_tanh,
    lambda g, x, a, b: (
        (g * a * b * (1 - torch.tanh(b * x) ** 2)),
        (g * torch.tanh(b * x)).sum(),
        (g * a * x * (1 - torch.tanh(b * x) ** 2)).sum(),
    ),
    "N D, (), ()",
)


def affine(x, A, b):
    return x @ A.mT + b


case(affine, lambda g, x, A, b: (g @ A, g.mT @ x, g.sum(0)), "N D, M D, M")


def feed_forward(x, w1, b1, w2, b2, gamma, beta):
    h = F.gelu(F.linear(x, w1, b1))
    y = x + F.linear(h, w2, b2)
    return F.layer_norm(y, (y.shape[-1],), gamma, beta)


case(feed_forward, None, "N D, H D, H, D H, D, D, D")


def transformer_block(x, wq, wk, wv, wo, w1, w2):
    q, k, v = x @ wq, x @ wk, x @ wv
    s = (q @ k.transpose(-1, -2) / math.sqrt(q.size(-1))).softmax(-1)
    x = x + (s @ v) @ wo
    return x + torch.relu(x @ w1) @ w2


case(transformer_block, None, "T D, D K, D K, D V, V D, D H, H D")


def multi_head_attention(x, Wqkv, Wout, num_heads: int):
    B, T, D = x.shape
    qkv = (x @ Wqkv).reshape(B, T, 3, num_heads, D // num_heads).permute(2, 0, 3, 1, 4)
    q, k, v = qkv[0], qkv[1], qkv[2]
    p = (q @ k.transpose(-1, -2)).softmax(-1)
    return (p @ v).transpose(1, 2).reshape(B, T, D) @ Wout


case(multi_head_attention, None, "B T 2D, 2D 6D, 2D 2D, = 2 | B T 2D, 2D 6D, 2D M, = 2")


def classifier_loss(images, labels, w, b):
    logits = images.flatten(1) @ w + b
    return F.cross_entropy(logits, labels)


case(classifier_loss, None, "N C H W, N int, D K, K")


def cnn(x, k1, k2, w):
    h = F.relu(F.conv2d(x, k1, padding=1))
    h = F.relu(F.conv2d(h, k2, padding=1))
    return h.mean((2, 3)) @ w


case(cnn, None, "N C H W, F C K L, G F K L, G M")


def lstm_cell(x, hx, cx, w_ih, w_hh, b_ih, b_hh):
    gates = F.linear(x, w_ih, b_ih) + F.linear(hx, w_hh, b_hh)
    i, f, g, o = gates.chunk(4, dim=-1)
    c = torch.sigmoid(f) * cx + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


case(lstm_cell, None, "N D, N H, N H, 4H D, 4H H, 4H, 4H")


def contrastive(z_i, z_j, temperature):
    a, b = F.normalize(z_i, dim=1), F.normalize(z_j, dim=1)
    return F.cross_entropy(a @ b.T / temperature, torch.arange(len(a)))


case(contrastive, None, "N D, N D, = 1.0 | N D, M D, = 1.0")


def dice(probs, mask):
    return 1 - 2 * (probs * mask).sum() / (probs.sum() + mask.sum())


case(dice, None, "N D, N D truth")


def gather_columns(x, index):
    return x.gather(1, index)


case(
    gather_columns,
    lambda g, x, index: torch.zeros_like(x).scatter_add(1, index, g),
    "N D, N T int | N D, M T int",
)


def low_rank(x, u, v):
    return x @ u @ v


case(low_rank, lambda g, x, u, v: (g @ v.T @ u.T, x.T @ (g @ v.T), (x @ u).T @ g), "N D, D R, R M")


def wrong_attention(Q, K, V):
    P = (Q @ K.transpose(-2, -1)).softmax(-1)
    return P @ V


def wrong_attention_backward(g, Q, K, V):
    P = (Q @ K.transpose(-2, -1)).softmax(-1)
    dP = g @ V.transpose(-2, -1)
    return dP @ K, dP.transpose(-2, -1) @ Q, P @ g


case(wrong_attention, wrong_attention_backward, "T K, S K, S V")


def wrong_mlp(x, W1, b1, W2, b2):
    return torch.relu(x @ W1 + b1) @ W2 + b2


def wrong_mlp_backward(g, x, W1, b1, W2, b2):
    z = x @ W1 + b1
    dz = g @ W2.T * (z > 0)
    return dz @ W1, x.T @ dz, dz, torch.relu(z).T @ g, g.sum(1)


case(wrong_mlp, wrong_mlp_backward, "N D, D H, H, H C, C")
