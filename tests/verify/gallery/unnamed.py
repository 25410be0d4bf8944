"""Wrong derivations whose mistake has no name: nothing of theirs is the right one but for one step."""

import torch
import torch.nn.functional as T

from tests.verify.gallery.derivation import wrong
from tests.verify.gallery.functions import p, y

NO_NAME = (
    wrong(
        "cross-entropy: one from all", "", lambda z: T.cross_entropy(z, y), lambda g, z: g * (p(z) - 1) / 5
    ),
    wrong("log-gamma: a logarithm", "", torch.lgamma, lambda g, x: g * torch.log(x.abs())),
)
