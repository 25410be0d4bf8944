"""Normalisations, by hand and by PyTorch's functions, embeddings and attention."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.derive.forwards.case import Case, collector

CASES: list[Case] = []
case = collector(CASES)


@case((5, 4), (4,), (4,))
def layer_norm(x, w, b):
    return F.layer_norm(x, (4,), w, b)


@case((5, 4), (4,), (4,))
def layer_norm_by_hand(x, w, b):
    mean = x.mean(-1, keepdim=True)
    var = ((x - mean) ** 2).mean(-1, keepdim=True)
    xhat = (x - mean) / torch.sqrt(var + 1e-5)
    return xhat * w + b


@case((5, 4), (4,), (4,))
def layer_norm_by_var(x, w, b):
    mean = x.mean(1, keepdim=True)
    var = x.var(1, keepdim=True, correction=0)
    return (x - mean) * (var + 1e-5).rsqrt() * w + b


@case((5, 4), (4,), (4,))
def batch_norm(x, w, b):
    return F.batch_norm(x, None, None, w, b, training=True)


@case((5, 4), (4,), (4,))
def batch_norm_by_hand(x, gamma, beta):
    mu = x.mean(0)
    xmu = x - mu
    var = (xmu**2).mean(0)
    std = torch.sqrt(var + 1e-5)
    return gamma * (xmu / std) + beta


@case((3, 2, 4, 5), (2,), (2,))
def batch_norm_of_images(x, w, b):
    return F.batch_norm(x, None, None, w, b, training=True)


@case((3, 4, 5), (4,), (4,))
def group_norm(x, w, b):
    return F.group_norm(x, 2, w, b)


@case((3, 4, 5))
def group_norm_by_hand(x):
    g = x.reshape(3, 2, 10)
    g = (g - g.mean(2, keepdim=True)) / (g.var(2, keepdim=True, unbiased=False) + 1e-5).sqrt()
    return g.reshape(3, 4, 5)


@case((5, 4), (4,))
def rms_norm(x, w):
    return F.rms_norm(x, (4,), w, 1e-6)


@case((5, 4), (4,))
def rms_norm_by_hand(x, w):
    rms = torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-6)
    return x / rms * w


@case((7, 4), torch.tensor([[0, 2, 2], [1, 6, 0]]))
def embedding(W, i):
    return F.embedding(i, W)


@case((7, 4), (4, 7), torch.tensor([3, 0, 3]))
def embedding_and_logits(E, U, tokens):
    e = E[tokens]
    return F.cross_entropy(e @ U, torch.tensor([0, 3, 1]))


@case((5, 4), (6, 4), (6, 3))
def attention(q, k, v):
    scores = q @ k.T / math.sqrt(4)
    return scores.softmax(-1) @ v


@case((2, 5, 4), (2, 5, 4), (2, 5, 4))
def masked_attention(q, k, v):
    scores = q @ k.transpose(-2, -1) / 2
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), diagonal=1)
    p = F.softmax(scores.masked_fill(mask, float("-inf")), dim=-1)
    return p @ v


@case((2, 2, 5, 4), (2, 2, 5, 4), (2, 2, 5, 4))
def causal_attention(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


@case((2, 5, 4), (12, 4), (12,), (4, 4), (4,))
def multi_head_attention(x, W, b, V, c):
    qkv = F.linear(x, W, b)
    q, k, v = qkv.chunk(3, dim=-1)
    q = q.reshape(2, 5, 2, 2).transpose(1, 2)
    k = k.reshape(2, 5, 2, 2).transpose(1, 2)
    v = v.reshape(2, 5, 2, 2).transpose(1, 2)
    p = (q @ k.transpose(-2, -1) / math.sqrt(2)).softmax(-1)
    heads = (p @ v).transpose(1, 2).reshape(2, 5, 4)
    return F.linear(heads, V, c)


@case((5, 4), (4,), (4,), (12, 4), (4, 4), (4,), (4,), (8, 4), (8,), (4, 8), (4,))
def transformer_block(x, w1, b1, W_qkv, W_o, w2, b2, W1, c1, W2, c2):
    h = F.layer_norm(x, (4,), w1, b1)
    q, k, v = (h @ W_qkv.T).split(4, dim=1)
    p = torch.softmax(q @ k.T / 2, dim=1)
    x = x + p @ v @ W_o.T
    h = F.layer_norm(x, (4,), w2, b2)
    return x + F.linear(F.gelu(F.linear(h, W1, c1)), W2, c2)


torch.manual_seed(0)
CASES += [
    Case("layer_norm_module", nn.LayerNorm(4), ((5, 4),)),
    Case(
        "encoder_layer",
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True, norm_first=True),
        ((2, 3, 4),),
    ),
    Case(
        "encoder_layer_post_norm",
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu"),
        ((3, 2, 4),),
    ),
]
