"""Wrong derivations whose mistake has no name."""

import torch
import torch.nn.functional as T

from tests.verify.gallery.composed_functions import layer_norm, rowwise
from tests.verify.gallery.derivation import wrong
from tests.verify.gallery.functions import one_hot, p, sigma, y

NO_NAME = (  # what nothing here explains yet; it must at least not be explained wrongly
    wrong("silu: σ′ alone", "", T.silu, lambda g, x: g * sigma(x) * sigma(-x)),
    wrong(
        "layer norm: not divided",
        "",
        layer_norm,
        lambda g, x: g - g.mean(1, keepdim=True) - layer_norm(x) * (g * layer_norm(x)).mean(1, keepdim=True),
    ),
    wrong(
        "softmax: summed over the batch",
        "",
        lambda x: x.softmax(1),
        lambda g, x: p(x) * (g - (g * p(x)).sum(0)),
    ),
    wrong(
        "cross-entropy: one from all", "", lambda z: T.cross_entropy(z, y), lambda g, z: g * (p(z) - 1) / 5
    ),
    wrong("cross-entropy: logits", "", lambda z: T.cross_entropy(z, y), lambda g, z: g * (z - one_hot) / 5),
    wrong(
        "largest: to the smallest",
        "",
        lambda x: x.amax(1),
        lambda g, x: g[:, None] * (x == x.amin(1, keepdim=True)),
    ),
    wrong("cumulative sum: the whole sum", "", lambda x: x.cumsum(1), lambda g, x: rowwise(g).expand(5, 3)),
    wrong("arctangent: 1 + x", "", torch.atan, lambda g, x: g / (1 + x)),
    wrong(
        "label smoothing forgotten",
        "",
        lambda z: T.cross_entropy(z, y, label_smoothing=0.1),
        lambda g, z: g * (p(z) - one_hot) / 5,
    ),
)
