"""Wrong derivations of losses, of norms and of other sums."""

import torch

from tests.verify.gallery.derivation import XY, wrong
from tests.verify.gallery.functions import (
    cross_entropy,
    log_softmax,
    mse,
    normalise,
    one_hot,
    p,
    rms_norm,
    softmax,
)

WRONG = (
    wrong("softmax: only the diagonal", "diagonal-only", softmax, lambda g, x: g * p(x) * (1 - p(x))),
    wrong("softmax: p g", "value-for-slope", softmax, lambda g, x: g * p(x)),
    wrong("softmax's sign", "sign", softmax, lambda g, x: p(x) * ((g * p(x)).sum(1, keepdim=True) - g)),
    wrong("softmax without its derivative", "local-derivative", softmax, lambda g, x: g),
    wrong("log-softmax: only the diagonal", "diagonal-only", log_softmax, lambda g, x: g * (1 - p(x))),
    wrong("log-softmax: only g", ("forgotten-use", "local-derivative"), log_softmax, lambda g, x: g),
    wrong(
        "log-softmax: J v",
        "jacobian-transposed",
        log_softmax,
        lambda g, x: g - (p(x) * g).sum(1, keepdim=True),
    ),
    wrong("cross-entropy without 1/N", "factor", cross_entropy, lambda g, z: g * (p(z) - one_hot)),
    wrong("cross-entropy over N C", "factor", cross_entropy, lambda g, z: g * (p(z) - one_hot) / 15),
    wrong(
        "cross-entropy: one-hot minus softmax", "sign", cross_entropy, lambda g, z: g * (one_hot - p(z)) / 5
    ),
    wrong(
        "cross-entropy, upstream ignored",
        "upstream-ignored",
        cross_entropy,
        lambda g, z: (p(z) - one_hot) / 5,
    ),
    wrong(
        "squared error without 1/N",
        "factor",
        mse,
        lambda g, x, t: (2 * g * (x - t), -2 * g * (x - t)),
        XY,
        bad=(0, 1),
    ),
    wrong(
        "squared error without its 2",
        "factor",
        mse,
        lambda g, x, t: (g * (x - t) / 15, -g * (x - t) / 15),
        XY,
        bad=(0, 1),
    ),
    wrong(
        "squared error's target sign",
        "sign",
        mse,
        lambda g, x, t: (2 * g * (x - t) / 15, 2 * g * (x - t) / 15),
        XY,
        1,
    ),
    wrong(
        "squared error, upstream ignored",
        "upstream-ignored",
        mse,
        lambda g, x, t: (2 * (x - t) / 15, -2 * g * (x - t) / 15),
        XY,
    ),
    wrong(
        "layer norm: mean and variance as constants",
        "forgotten-use",
        lambda x: x - x.mean(1, keepdim=True),
        lambda g, x: g,
    ),
    wrong("mean without 1/N", "factor", lambda x: x.mean(0), lambda g, x: g.expand(5, 3)),
    wrong(
        "rms norm: the scale as a constant",
        "forgotten-use",
        rms_norm,
        lambda g, x: g / (x.square().mean(1, keepdim=True) + 1e-5).sqrt(),
    ),
    wrong(
        "normalising: the norm as a constant",
        "forgotten-use",
        normalise,
        lambda g, x: g / x.norm(dim=1, keepdim=True),
    ),
    wrong("log-sum-exp, upstream ignored", "upstream-ignored", lambda x: x.logsumexp(1), lambda g, x: p(x)),
    wrong("product of a sum: J v", "sign", lambda x: x.cumsum(1), lambda g, x: -g.flip(1).cumsum(1).flip(1)),
    wrong("cumulative sum forwards", "jacobian-transposed", lambda x: x.cumsum(1), lambda g, x: g.cumsum(1)),
    wrong(
        "inverse without its minus",
        "sign",
        torch.inverse,
        lambda g, A: A.inverse().T @ g @ A.inverse().T,
        ((5, 5),),
    ),
    wrong(
        "trace of a product, transposed",
        "transposed",
        lambda A, B: (A @ B).trace(),
        lambda g, A, B: (g * B, g * A.T),
        ((5, 5), (5, 5)),
    ),
    wrong("flattening, transposed", "transposed", lambda x: x * 1.0, lambda g, x: g.T, ((5, 5),)),
)
