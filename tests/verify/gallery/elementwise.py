"""Wrong derivations of functions of single numbers."""

import torch
import torch.nn.functional as T

from tests.verify.gallery.derivation import wrong
from tests.verify.gallery.functions import sigma

WRONG = (
    wrong("silu: σ′ alone", ("other-tensor", "left-out"), T.silu, lambda g, x: g * sigma(x) * sigma(-x)),
    wrong("sigmoid's sign", "sign", sigma, lambda g, x: -g * sigma(x) * (1 - sigma(x))),
    wrong(
        "sigmoid: σ′ of the activation",
        "wrong-place",
        sigma,
        lambda g, x: g * sigma(sigma(x)) * (1 - sigma(sigma(x))),
    ),
    wrong("sigmoid: x (1 − x)", "wrong-place", sigma, lambda g, x: g * x * (1 - x)),
    wrong("sigmoid without its derivative", "local-derivative", sigma, lambda g, x: g),
    wrong("sigmoid, upstream ignored", "upstream-ignored", sigma, lambda g, x: sigma(x) * (1 - sigma(x))),
    wrong("sigmoid, upstream twice", "upstream-twice", sigma, lambda g, x: g * g * sigma(x) * (1 - sigma(x))),
    wrong("sigmoid: only a", "value-for-slope", sigma, lambda g, x: g * sigma(x)),
    wrong("sigmoid, slope twice", "slope-twice", sigma, lambda g, x: g * (sigma(x) * (1 - sigma(x))) ** 2),
    wrong("tanh of the activation", "wrong-place", torch.tanh, lambda g, x: g * (1 - x.tanh().tanh() ** 2)),
    wrong("tanh: 1 − x²", "wrong-place", torch.tanh, lambda g, x: g * (1 - x**2)),
    wrong("tanh without its derivative", "local-derivative", torch.tanh, lambda g, x: g),
    wrong("tanh, divided", "slope-inverted", torch.tanh, lambda g, x: g / (1 - x.tanh() ** 2)),
    wrong("arctangent: 1 + x", "power", torch.atan, lambda g, x: g / (1 + x)),
    wrong("exp: x for eˣ", "wrong-place", torch.exp, lambda g, x: g * x),
    wrong("exp without its derivative", "local-derivative", torch.exp, lambda g, x: g),
    wrong("log: divided the wrong way", "slope-inverted", torch.log, lambda g, x: g * x),
    wrong("square without its 2", ("forgotten-use", "factor"), lambda x: x * x, lambda g, x: g * x),
    wrong("square by power without its 2", "factor", lambda x: x**2, lambda g, x: g * x),
    wrong("cube: 2x² for 3x²", "factor", lambda x: x**3, lambda g, x: 2 * g * x**2),
    wrong("softplus: itself for its slope", "value-for-slope", T.softplus, lambda g, x: g * T.softplus(x)),
    wrong("relu without its mask", "local-derivative", torch.relu, lambda g, x: g),
    wrong("relu inverted", "mask-inverted", torch.relu, lambda g, x: g * (x < 0)),
    wrong("relu: 1 at zero", "mask-at-tie", torch.relu, lambda g, x: g * (x >= 0)),
    wrong("relu: upstream's mask", "upstream-sign", torch.relu, lambda g, x: g.clamp(min=0) * (x > 0)),
    wrong("relu: the activation for its slope", "value-for-slope", torch.relu, lambda g, x: g * x.relu()),
    wrong(
        "leaky relu: 1 at zero",
        "mask-at-tie",
        lambda x: T.leaky_relu(x, 0.1),
        lambda g, x: torch.where(x >= 0, g, 0.1 * g),
    ),
    wrong(
        "silu: its second use forgotten",
        "forgotten-use",
        lambda x: x * x.sigmoid(),
        lambda g, x: g * x.sigmoid(),
    ),
    wrong(
        "silu: its first use forgotten",
        "forgotten-use",
        lambda x: x * x.sigmoid(),
        lambda g, x: g * x * x.sigmoid() * (1 - x.sigmoid()),
    ),
    wrong("exp in float32", "float32", torch.exp, lambda g, x: (g.float() * x.float().exp()).double()),
    wrong("truncated", "truncated", lambda x: 3 * x**2, lambda g, x: (6 * g * x).trunc()),
)
