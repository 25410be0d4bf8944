"""What `attention_and_weights` is held to."""

import math

import torch
from torch import Tensor

from manual_backprop.functional.attention.attention_and_weights import attention_and_weights
from tests.functional.drawn import Drawn, attended
from tests.functional.samples import Mutant, Row, Sample, inf, randn, transposed


def by_definition(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    average: bool = False,
    wide_weights: bool = False,
) -> tuple[Tensor, Tensor]:
    wide = torch.float32 if q.dtype in (torch.float16, torch.bfloat16) else q.dtype
    with torch.autocast(q.device.type, enabled=False):
        dtype = q.dtype
        Q, K, V = q.to(wide), k.to(wide), v.to(wide)
        S = Q @ K.mT / math.sqrt(q.shape[-1])
        P = torch.softmax(S if mask is None else S + mask.to(wide), -1)
        P = P + 0 * V.sum()  # so that P has a tangent, of zeros, where V alone is moved
        return (P @ V).to(dtype), (P.mean(1) if average else P).to(wide if wide_weights else dtype)


def twin(*inputs: Tensor, average: bool = False) -> tuple[Tensor, Tensor]:
    """The definition, in the type that autocast gives to a matrix product and, on a GPU, to a softmax."""
    device = inputs[0].device.type
    wide_weights = device != "cpu" and torch.is_autocast_enabled(device)
    if torch.is_autocast_enabled(device) and inputs[0].dtype != torch.float64:
        inputs = tuple(x.to(torch.get_autocast_dtype(device)) for x in inputs)
    return by_definition(*inputs, average=average, wide_weights=wide_weights)


def derivation(
    grads: tuple[Tensor, Tensor],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    average: bool = False,
) -> tuple[Tensor, ...]:
    G, H = grads
    out = [torch.zeros_like(x) for x in ((q, k, v) if mask is None else (q, k, v, mask))]
    kappa = 1 / math.sqrt(q.shape[-1])
    _, P = by_definition(q, k, v, mask)
    N, heads, L, S = P.shape
    for n in range(N):
        for h in range(heads):
            for i in range(L):
                p = P[n, h, i]
                direct = H[n, i] / heads if average else H[n, h, i]
                dp = [float(G[n, h, i] @ v[n, h, j] + direct[j]) for j in range(S)]
                for j in range(S):
                    ds = sum(dp[m] * float(p[m]) * ((m == j) - float(p[j])) for m in range(S))
                    out[0][n, h, i] += kappa * ds * k[n, h, j]
                    out[1][n, h, j] += kappa * ds * q[n, h, i]
                    out[2][n, h, j] += p[j] * G[n, h, i]
                    if mask is not None:
                        at = tuple(
                            0 if size == 1 else k for size, k in zip(mask.shape, (n, h, i, j), strict=True)
                        )
                        out[3][at] += ds
    return tuple(out)


q, k, v = randn(2, 2, 3, 1), randn(2, 2, 5, 1), randn(2, 2, 5, 1, seed="v")
DIRECT = "H = H.unsqueeze(1) / P.shape[1] if ctx.average else H"
BOTH = "return attention_backward(ctx, (Q, K, V, P), widen(grad_output), H)"

ROW = Row(
    name="attention_and_weights",
    function=attention_and_weights,
    twin=twin,
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1", "input 2", "input 3"}),
    samples=(
        Sample("weights of each head", (q, k, v)),
        Sample(
            "their mean",
            (randn(1, 3, 2, 2), randn(1, 3, 5, 2), randn(1, 3, 5, 2, seed="v")),
            {"average": True},
        ),
        Sample("a mask", (q, k, v, randn(1, 1, 3, 5))),
        Sample("a mask of padding, and the mean", (q, k, v, randn(2, 1, 1, 5)), {"average": True}),
        Sample("reversed strides", tuple(map(transposed, (q, k, v)))),
        Sample("no queries", (q[:, :, :0], k, v)),
        Sample(
            "a query that sees nothing",
            (q, k, v, torch.zeros(1, 1, 3, 5).double().index_fill(2, torch.tensor([1]), -inf)),
            smooth=False,
            finite=False,
        ),
        Sample("scores of ±1e4", (1e4 * q, k, v), smooth=False),
    ),
    mutants=(
        Mutant("the gradient to the weights forgotten", BOTH, BOTH.replace(", H)", ", None)")),
        Mutant("the gradient to the output forgotten", BOTH, BOTH.replace("widen(", "0 * widen(")),
        Mutant("forgotten mean over the heads", DIRECT, DIRECT.replace(" / P.shape[1]", "")),
        Mutant("averaged without a mean", DIRECT, "H = (H.unsqueeze(1) if ctx.average else H) / P.shape[1]"),
        Mutant("sign", DIRECT, DIRECT.replace("H = H", "H = -H")),
        Mutant("summed twice", BOTH, BOTH.replace(", H)", ", 2 * H)")),
        Mutant(
            "tangent of one head only",
            "weights = weights.mean(1) if ctx.average else weights\n        return narrow(moved",
            "weights = weights[:, 0] if ctx.average else weights\n        return narrow(moved",
        ),
    ),
    drawn=Drawn(
        attended(((2, 2), (1, 3)), average=(True, False)),
        not_finite="the twin, written for the tests, adds 0 · ΣV to its weights",
    ),
)
