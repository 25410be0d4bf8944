"""What `scaled_dot_product_attention` is held to."""

import math
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.attention.scaled_dot_product_attention import scaled_dot_product_attention
from tests.functional.drawn import Drawn, attended
from tests.functional.samples import Mutant, Row, Sample, indices, inf, randn, strided, transposed


def attention(
    grad_output: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    m: Tensor | None = None,
    *,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Tensor, ...]:
    """Loops over every query and key, with the softmax's whole Jacobian."""
    grads = [torch.zeros_like(x) for x in ((q, k, v) if m is None else (q, k, v, m))]
    (L, E), S = q.shape[-2:], k.shape[-2]
    kappa = 1 / math.sqrt(E) if scale is None else scale
    mask = attn_mask if m is None else m

    def part(x: Tensor, batch: tuple[int, ...]) -> Tensor:
        """x at one place of the batch: broadcast, or one of its heads for a group of them."""
        at = list(batch[len(batch) - (x.dim() - 2) :])
        for d, size in enumerate(x.shape[:-2]):
            group = grad_output.shape[-2 - (x.dim() - 2) + d] // size
            at[d] //= group
        return x[tuple(at)]

    for batch in indices(torch.empty(grad_output.shape[:-2])):
        Q, K, V, G = (part(x, batch) for x in (q, k, v, grad_output))
        dQ, dK, dV, *dM = (part(x, batch) for x in grads)
        for i in range(L):
            s = torch.zeros(S, dtype=q.dtype)
            for j in range(S):
                s[j] = kappa * sum(float(Q[i, e] * K[j, e]) for e in range(E))
                if is_causal and j > i:
                    s[j] = -inf
                if mask is not None:
                    # A mask may have a 1 where there are L queries or S keys.
                    M = part(mask, batch).expand(L, S)
                    s[j] = (s[j] if M[i, j] else -inf) if M.dtype == torch.bool else s[j] + M[i, j]
            if bool((s == -inf).all()):
                continue
            e = [math.exp(x) for x in s.tolist()]
            p = [x / sum(e) for x in e]
            for j in range(S):
                dV[j] += p[j] * G[i]
                for n in range(S):
                    dp = float((G[i] * V[n]).sum())
                    ds = dp * p[n] * ((n == j) - p[j])  # ∂L/∂pₙ · ∂pₙ/∂sⱼ
                    dQ[i] += kappa * ds * K[j]
                    dK[j] += kappa * ds * Q[i]
                    if dM:
                        dM[0][i, j] += ds
    return tuple(grads)


def with_mask(function: Any) -> Any:
    """The fourth input, where there is one, is an additive mask that is differentiated too."""

    def call(q: Tensor, k: Tensor, v: Tensor, m: Tensor | None = None, **options: Any) -> Tensor:
        options.setdefault("attn_mask", m)
        return function(q, k, v, **options)

    return call


q, k, v = randn(3, 2), randn(5, 2, seed="k"), randn(5, 7, seed="v")
sees = torch.tensor([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]).bool()

ATTENTION = (
    Sample("one head", (q, k, v)),
    Sample("batch and heads", (randn(2, 3, 3, 2), randn(2, 3, 5, 2), randn(2, 3, 5, 1))),
    Sample(
        "square: L = S = E = V", (randn(3, 3), randn(3, 3, seed="k"), randn(3, 3, seed="v")), smooth=False
    ),
    Sample("a boolean mask, with a row that is masked whole", (q, k, v), {"attn_mask": sees}),
    Sample("an additive mask", (q, k, v, randn(3, 5, seed="m"))),
    Sample(
        "an additive mask with −∞",
        (q, k, v, randn(3, 5, seed="m").masked_fill(~sees, -inf)),
        smooth=False,
        finite=False,
    ),
    Sample("one mask for all queries", (q, k, v), {"attn_mask": sees[0]}),
    Sample("one mask for all heads", (randn(2, 3, 2), randn(2, 5, 2), randn(2, 5, 1), randn(3, 5))),
    Sample("causal", (q, k, v), {"is_causal": True}),
    Sample("a scale", (q, k, v), {"scale": -0.7}),
    Sample(
        "grouped queries", (randn(2, 6, 3, 2), randn(2, 2, 5, 2), randn(2, 3, 5, 1)), {"enable_gqa": True}
    ),
    Sample("broadcast", (randn(2, 3, 3, 2), randn(1, 5, 2), randn(2, 1, 5, 1))),
    Sample(
        "one query for all heads",
        (randn(1, 3, 2), randn(2, 2, 5, 2), randn(2, 5, 1)),
        {"attn_mask": randn(2, 1, 3, 5)},
    ),
    Sample("strides", (transposed(q), strided(k), transposed(v))),
    Sample("no queries", (q[:0], k, v)),
    Sample("no keys", (q, k[:0], v[:0])),
    Sample("scores of ±1e4", (1e4 * q, k, v), smooth=False),
)

SLOPE = "grad_S = P * (grad_P - (grad_P * P).sum(-1, keepdim=True))"
SCALED = "grad_S = ctx.scale * grad_S"
GRAD_Q = "given_back(grad_S @ K, query)"
GRAD_K = "given_back(grad_S.mT @ Q, key)"
GRAD_V = "given_back(weights_of(P, kept, ctx.dropout_p).mT @ G, value)"
SUMMED = "return narrow(grad.sum_to_size(x.shape), x.dtype)"

ROW = Row(
    name="scaled_dot_product_attention",
    function=with_mask(scaled_dot_product_attention),
    twin=with_mask(T.scaled_dot_product_attention),
    derivation=attention,
    keeps=frozenset({"input 0", "input 1", "input 2", "input 3", "attn_mask"}),
    samples=ATTENTION,
    mutants=(
        Mutant("the softmax's sum forgotten", SLOPE, "grad_S = P * grad_P"),
        Mutant("only the diagonal of the softmax's Jacobian", SLOPE, "grad_S = P * (1 - P) * grad_P"),
        Mutant("summed over the queries", SLOPE, SLOPE.replace("-1", "-2")),
        Mutant("averaged over the keys", SLOPE, SLOPE.replace(".sum(", ".mean(")),
        Mutant("log-softmax's gradient", SLOPE, "grad_S = grad_P - P * grad_P.sum(-1, keepdim=True)"),
        Mutant("scale forgotten", SCALED, "grad_S = grad_S"),
        Mutant("scale forgotten in ∂L/∂Q", GRAD_Q, "given_back(grad_S / ctx.scale @ K, query)"),
        Mutant("scale forgotten in ∂L/∂K", GRAD_K, "given_back(grad_S.mT / ctx.scale @ Q, key)"),
        Mutant("scale twice", SCALED, SCALED.replace("ctx.scale", "ctx.scale**2")),
        Mutant(
            "the mask's gradient scaled too",
            "given_back(grad_S, mask)",
            "given_back(ctx.scale * grad_S, mask)",
        ),
        Mutant("V for P in ∂L/∂V", GRAD_V, "given_back(torch.ones_like(P).mT @ G, value)"),
        Mutant(
            "grouped heads in the wrong order",
            "x.shape[-3], heads // x.shape[-3], rows, columns).sum(-3)",
            "heads // x.shape[-3], x.shape[-3], rows, columns).sum(-4)",
            file="_heads",
        ),
        Mutant("what was broadcast is not summed", SUMMED, "return narrow(grad, x.dtype)", file="_heads"),
        Mutant("P detached: second derivative lost", SLOPE, SLOPE.replace("= P *", "= P.detach() *")),
        Mutant("tangent of the softmax without its sum", "dS - (P * dS).sum(-1, keepdim=True)", "dS"),
    ),
    mistakes=(
        (lambda f: f.scaled_dot_product_attention(1, k, v), "query must be a Tensor, got int"),
        (lambda f: f.scaled_dot_product_attention(q, k, v, 1), "attn_mask must be a Tensor, got int"),
        (lambda f: f.scaled_dot_product_attention(q[0], k, v), r"got \(2,\), \(5, 2\) and \(5, 7\)"),
        (lambda f: f.scaled_dot_product_attention(q, v, v), r"same last size E.*\(3, 2\), \(5, 7\)"),
        (lambda f: f.scaled_dot_product_attention(q, k, q), r"number S of rows.*\(3, 2\)"),
        (
            lambda f: f.scaled_dot_product_attention(randn(2, 3, 2), randn(3, 5, 2), v),
            r"cannot be broadcast.*\(2, 3, 2\), \(3, 5, 2\)",
        ),
        (lambda f: f.scaled_dot_product_attention(q.float(), k, v), "torch.float32, torch.float64"),
        (lambda f: f.scaled_dot_product_attention(q.long(), k.long(), v.long()), "got torch.int64"),
        (lambda f: f.scaled_dot_product_attention(q + 0j, k + 0j, v + 0j), "got torch.complex128"),
        (lambda f: f.scaled_dot_product_attention(q, k, v, sees.long()), "got torch.int64"),
        (lambda f: f.scaled_dot_product_attention(q, k, v, sees[:2]), r"to \(3, 5\), got \(2, 5\)"),
        (
            lambda f: f.scaled_dot_product_attention(q[None, None], k[None, None], v[None, None], sees[0]),
            r"got \(5,\)",
        ),
        (lambda f: f.scaled_dot_product_attention(q, k, v, sees, is_causal=True), "give one of them"),
        (lambda f: f.scaled_dot_product_attention(q, k, v, dropout_p=1.5), "got 1.5"),
        (
            lambda f: f.scaled_dot_product_attention(
                randn(5, 3, 2), randn(2, 5, 2), randn(2, 5, 2), enable_gqa=True
            ),
            r"must divide that of query, got \(5, 3, 2\), \(2, 5, 2\)",
        ),
        (lambda f: f.scaled_dot_product_attention(q, k, v, enable_gqa=True), "needs a dimension of heads"),
    ),
    adapt=with_mask,
    drawn=Drawn(attended(((), (2,), (1, 2), (0,)), is_causal=(True,), scale=(0.7, 2.0))),
)
