"""Wrong derivations of layers and products."""

import torch

from tests.verify.gallery.derivation import LINEAR, MATMUL, XY, wrong
from tests.verify.gallery.functions import linear

WRONG = (
    wrong(
        "bias summed over the features",
        "wrong-dimension",
        linear,
        lambda g, x, W, b: (g @ W, g.T @ x, g.sum(1)),
        LINEAR,
        2,
    ),
    wrong("bias not summed", "not-summed", linear, lambda g, x, W, b: (g @ W, g.T @ x, g), LINEAR, 2),
    wrong("bias averaged", "factor", linear, lambda g, x, W, b: (g @ W, g.T @ x, g.mean(0)), LINEAR, 2),
    wrong(
        "bias of the last example",
        "one-example",
        linear,
        lambda g, x, W, b: (g @ W, g.T @ x, g[-1]),
        LINEAR,
        2,
    ),
    wrong(
        "weight transposed", "transposed", linear, lambda g, x, W, b: (g @ W, x.T @ g, g.sum(0)), LINEAR, 1
    ),
    wrong("weight averaged", "factor", linear, lambda g, x, W, b: (g @ W, g.T @ x / 5, g.sum(0)), LINEAR, 1),
    wrong(
        "weight without upstream",
        "upstream-ignored",
        linear,
        lambda g, x, W, b: (g @ W, torch.ones_like(g).T @ x, g.sum(0)),
        LINEAR,
        1,
    ),
    wrong(
        "weight from the last example",
        "one-example",
        linear,
        lambda g, x, W, b: (g @ W, g[-1:].T @ x[-1:], g.sum(0)),
        LINEAR,
        1,
    ),
    wrong(
        "weight from the first example",
        "one-example",
        linear,
        lambda g, x, W, b: (g @ W, g[:1].T @ x[:1], g.sum(0)),
        LINEAR,
        1,
    ),
    wrong("input's sign", "sign", linear, lambda g, x, W, b: (-g @ W, g.T @ x, g.sum(0)), LINEAR, 0),
    wrong("input detached", "detached", linear, lambda g, x, W, b: (0 * x, g.T @ x, g.sum(0)), LINEAR, 0),
    wrong(
        "square weight transposed",
        "transposed",
        lambda x, W: x @ W.T,
        lambda g, x, W: (g @ W, x.T @ g),
        ((5, 5), (5, 5)),
        1,
    ),
    wrong(
        "matmul, second factor transposed",
        "transposed",
        torch.matmul,
        lambda g, a, b: (g @ b.T, g.T @ a),
        MATMUL,
        1,
    ),
    wrong(
        "matmul, upstream ignored",
        "upstream-ignored",
        torch.matmul,
        lambda g, a, b: (torch.ones_like(g) @ b.T, a.T @ g),
        MATMUL,
        0,
    ),
    wrong(
        "product's factors swapped",
        "swapped",
        torch.mul,
        lambda g, a, b: (g * a, g * b),
        XY,
        0,
        bad=(0, 1),
    ),
    wrong("product, upstream twice", "upstream-twice", torch.mul, lambda g, a, b: (g * g * b, g * a), XY, 0),
    wrong(
        "product broadcast, not summed",
        "not-summed",
        torch.mul,
        lambda g, a, b: (g * b, g * a),
        ((5, 3), (3,)),
        1,
    ),
    wrong(
        "sum broadcast over columns, summed over rows",
        "wrong-dimension",
        torch.add,
        lambda g, a, b: (g, g.sum(0)),
        ((5, 3), (5, 1)),
        1,
    ),
    wrong("subtraction's sign", "sign", torch.sub, lambda g, a, b: (g, g), XY, 1),
    wrong("quotient's sign", "sign", torch.div, lambda g, a, b: (g / b, g * a / b**2), XY, 1),
    wrong(
        "outer product's factors swapped",
        "swapped",
        torch.outer,
        lambda g, a, b: (g.T @ a, g @ b),
        ((5,), (7,)),
        0,
        bad=(0, 1),
    ),
)
