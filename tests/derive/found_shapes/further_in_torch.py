"""Further functions in PyTorch, and the shapes that they are meant for."""

import torch
import torch.nn.functional as F

from tests.derive.found_shapes.runs import case


def mish(z):
    return z * torch.tanh(F.softplus(z))


case(mish, None, "N D")


def swiglu(x, w_gate, w_up, w_down):
    return (F.silu(x @ w_gate) * (x @ w_up)) @ w_down


def swiglu_backward(g, x, w_gate, w_up, w_down):
    a, u = x @ w_gate, x @ w_up
    s = torch.sigmoid(a)
    d = g @ w_down.T
    da, du = d * u * s * (1 + a * (1 - s)), d * a * s
    return da @ w_gate.T + du @ w_up.T, x.T @ da, x.T @ du, (a * s * u).T @ g


case(swiglu, swiglu_backward, "N D, D M, D M, M P")


def rms(x, weight, eps):
    return weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)


case(rms, lambda g, x, weight, eps: (g * weight, (g * x).sum(0)), "N D, D, = 1e-05")


def group_norm(x, num_groups, weight, bias):
    b, c, h, w = x.shape
    g = x.view(b, num_groups, c // num_groups, h, w)
    g = (g - g.mean((2, 3, 4), keepdim=True)) / (g.var((2, 3, 4), keepdim=True, unbiased=False) + 1e-5).sqrt()
    return g.view(b, c, h, w) * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


case(group_norm, None, "N 2C H W, = 2, 2C, 2C")


def causal_attention(q, k, v):
    b, t, d = q.shape
    scores = torch.einsum("btd,bsd->bts", q, k) / d**0.5
    scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), float("-inf"))
    return torch.einsum("bts,bsd->btd", scores.softmax(-1), v)


case(causal_attention, None, "B T D, B T D, B T D | B T D, B T D, B T E")


def label_smoothing(logits, labels, smoothing):
    logp = logits.log_softmax(-1)
    picked = -logp.gather(1, labels.unsqueeze(1)).squeeze(1)
    return ((1 - smoothing) * picked - smoothing * logp.mean(-1)).mean()


case(label_smoothing, None, "N C, N int, = 0.5")


def triplet(anchor, positive, negative, margin):
    closer = (anchor - positive).square().sum(1)
    return torch.relu(closer - (anchor - negative).square().sum(1) + margin).mean()


case(triplet, None, "N D, N D, N D, = 1.0")


def bce_with_logits(logits, targets):
    return (logits.clamp(min=0) - logits * targets + torch.log1p(torch.exp(-logits.abs()))).mean()


case(
    bce_with_logits,
    lambda g, logits, targets: g * (logits.sigmoid() - targets) / logits.numel(),
    "N D, N D int | N D, N D one-hot",
)


def embedding_bag(token_ids, embeddings, w_out):
    return embeddings[token_ids].mean(1) @ w_out


case(embedding_bag, None, "N T int, V D, D M")


def graph_layer(adj, h, w):
    return torch.relu(adj @ h @ w)


def graph_layer_backward(g, adj, h, w):
    z = g * (adj @ h @ w > 0)
    return z @ (h @ w).T, adj.T @ z @ w.T, (adj @ h).T @ z


case(graph_layer, graph_layer_backward, "N M, M D, D E | N N, N D, D E")


def conv1d_layer(signal, kernel, bias):
    return F.conv1d(signal, kernel, bias, stride=2)


case(conv1d_layer, None, "N C L, F C K, F")


def depth_to_space(x):
    n, c, h, w = x.shape
    return x.view(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, h * 2, w * 2)


case(depth_to_space, None, "N 4C H W")


def mixture(x, experts, gate):
    p = torch.softmax(x @ gate, -1)
    return torch.einsum("nd,edm,ne->nm", x, experts, p)


case(mixture, None, "N D, E D M, D E")


def wrong_linear(input, weight, bias):
    return input @ weight.t() + bias


case(wrong_linear, lambda g, input, weight, bias: (g @ weight.t(), g.t() @ input, g), "N D, M D, M")


def deep_wrong(x, w1, w2, w3):
    return torch.tanh(torch.tanh(x @ w1) @ w2) @ w3


def deep_wrong_backward(g, x, w1, w2, w3):
    a = torch.tanh(x @ w1)
    b = torch.tanh(a @ w2)
    db = g @ w3
    da = db @ w2.T * (1 - a**2)
    return da @ w1.T, x.T @ da, a.T @ db, b.T @ g


case(deep_wrong, deep_wrong_backward, "N D, D A, A B, B C")
