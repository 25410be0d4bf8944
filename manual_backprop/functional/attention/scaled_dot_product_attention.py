"""Attention: every query takes a mean of the values, weighted by how well it fits their keys.

Given   sᵢⱼ = λ Σₑ qᵢₑ kⱼₑ + mᵢⱼ        the score of query i and key j, with a scale λ and a mask m
        pᵢⱼ = e^sᵢⱼ / Σₖ e^sᵢₖ          the softmax over the keys: row i of P sums to 1
        oᵢₑ = Σⱼ dᵢⱼ pᵢⱼ vⱼₑ            the mean of the values; d is dropout's factor, 1 without dropout

        and the upstream gradient gᵢₑ = ∂L/∂oᵢₑ.
Want    ∂L/∂q, ∂L/∂k, ∂L/∂v, ∂L/∂m.

1.  The last line is a product of matrices, O = (D ⊙ P) V, so its gradients are those of `linear`:

        ∂L/∂vⱼₑ = Σᵢ dᵢⱼ pᵢⱼ gᵢₑ
        ∂L/∂pᵢⱼ = dᵢⱼ Σₑ gᵢₑ vⱼₑ

2.  The softmax. Its Jacobian within row i is ∂pₖ/∂sⱼ = pₖ ([k = j] − pⱼ), and the chain rule sums over k:

        ∂L/∂sᵢⱼ = pᵢⱼ (∂L/∂pᵢⱼ − Σₖ ∂L/∂pᵢₖ pᵢₖ)

    The S × S Jacobian of each row is gone: what is left of it is one number for each query, the sum.

3.  The scores are a product of matrices again, and m is added to it:

        ∂L/∂qᵢₑ = λ Σⱼ ∂L/∂sᵢⱼ kⱼₑ
        ∂L/∂kⱼₑ = λ Σᵢ ∂L/∂sᵢⱼ qᵢₑ
        ∂L/∂mᵢⱼ = ∂L/∂sᵢⱼ

4.  All queries at once:

        ∂L/∂V = (D ⊙ P)ᵀ G              ∂L/∂P = D ⊙ (G Vᵀ)
        ∂L/∂S = P ⊙ (∂L/∂P − r)         rᵢ = Σⱼ ∂L/∂pᵢⱼ pᵢⱼ
        ∂L/∂Q = λ ∂L/∂S K               ∂L/∂K = λ (∂L/∂S)ᵀ Q

5.  A row of P needs no other row. So the sums over i are taken for some queries at a time, and of the L × S
    numbers only a block is there at any time, in the cache: O and ∂L/∂Q are found row by row, ∂L/∂K and
    ∂L/∂V are added up. Under a causal mask, a block meets the keys up to its last query only.

Where one key serves several queries' heads, or a tensor was broadcast, its gradients are summed.

Why the scores are scaled: of E products of independent numbers with variance 1 the sum has variance E. With
λ² = 1/E it is 1 again, and the softmax does not saturate, where P is one-hot and ∂L/∂S is next to 0.

The numerical trap: a key that is masked out has the score −∞, whose exponential is 0, and so drops out of
both sums. If a row has no key left, the softmax is 0/0 = NaN; here, as in PyTorch, such a query gets P = 0,
the output 0 and the gradient 0.

Shapes: query (*, L, E), key (*, S, E), value (*, S, V), mask (*, L, S), output (*, L, V).

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2.1; for a backward that forms P
anew, Dao, Fu, Ermon, Rudra and Ré, "FlashAttention: fast and memory-efficient exact attention with
IO-awareness", NeurIPS 2022.
"""

import math
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import require_flags
from manual_backprop.functional.activations.dropout import dropped
from manual_backprop.functional.attention._blocks import has_blocks, in_blocks
from manual_backprop.functional.attention._checks import check_attention, scores_shape
from manual_backprop.functional.attention._heads import for_heads_of, given_back
from manual_backprop.functional.attention._written import (
    factor,
    for_heads,
    has_empty_row,
    visible,
    written,
)
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    widen,
)
from manual_backprop.functional.operation.torch_state import is_transformed, may_look_at, may_overwrite_own


class Attention(Operation):
    """What attention is, whether or not its weights are returned."""

    formula = Formula(
        "scaled_dot_product_attention",
        "attention",
        "softmax(λ {0} {1}ᵀ) {2}",
        (
            "λ dS {1}",
            "λ dSᵀ {0}",
            "Pᵀ {g}",
            "dS, where P = softmax(S), dP = {g} {2}ᵀ, dS = P ⊙ (dP − Σ P ⊙ dP)",
        ),
    )

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *_: Any) -> None:
        check_attention(query, key, value, mask)


class ScaledDotProductAttention(Attention):
    """O = (D ⊙ P) V with P = softmax(λ Q Kᵀ + M), and ∂L/∂S = P ⊙ (∂L/∂P − r)."""

    @staticmethod
    def written(
        Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None, kept: Tensor | None, *options: Any
    ) -> Any:
        if kept is not None:
            return NotImplemented
        _, is_causal, scale = options
        out, _, through = written(Q, K, V, mask, is_causal, scale, empty_is_zero=True)
        return out, lambda g: through(g, None)

    @staticmethod
    def elementary(
        Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None, kept: Tensor | None, *options: Any
    ) -> Tensor:
        """Softmax(Q Kᵀ / √E) V."""
        if kept is not None:
            return NotImplemented
        _, is_causal, scale = options
        K, V = for_heads(K, Q), for_heads(V, Q)
        times, number = factor(scale, Q.shape[-1])
        scores = Q @ K.mT * number if times else Q @ K.mT / number
        sees = visible(scores.shape, mask, is_causal)
        if sees is not None:
            scores = torch.where(sees, scores, -math.inf)
        elif mask is not None:
            scores = scores + mask
        if mask is not None and has_empty_row(scores):
            return NotImplemented
        P = T.softmax(scores, -1)
        return P @ V

    @staticmethod
    def forward(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        kept: Tensor | None,
        dropout_p: float,
        is_causal: bool,
        scale: float,
    ) -> Tensor:
        if has_kernel(query, key, value, mask, kept):
            return FORWARD(query, key, value, 0.0, is_causal, scale=scale)[0]
        Q, K, V = operands(query, key, value)
        P = probabilities(Q, K, mask, is_causal, scale)
        return narrow(weights_of(P, kept, dropout_p) @ V, query.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, ctx.dropout_p, ctx.is_causal, ctx.scale = inputs
        keep(ctx, *tensors)  # Q, K and V, which are there anyway: P, (L, S), is formed anew from Q and K

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        if has_blocks(ctx) and may_overwrite_own(grad_output):
            return in_blocks(ctx, grad_output, gradients)
        return gradients(ctx, grad_output)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        query, key, value, mask, _ = ctx.saved_tensors
        Q, K, V = operands(query, key, value)
        P = probabilities(Q, K, mask, ctx.is_causal, ctx.scale)
        return narrow(attention_tangents(ctx, (Q, K, V, P), *tangents[:4])[0], query.dtype)


FORWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu

Operands = tuple[Tensor, Tensor, Tensor, Tensor]  # Q, K, V and P


def gradients(ctx: Any, grad_output: Tensor, first: int = 0) -> tuple[Tensor | None, ...]:
    """Step 4, for all queries, or for those from number `first` on that `ctx` has."""
    query, key, value, mask, _ = ctx.saved_tensors
    Q, K, V = operands(query, key, value)
    may_look = may_overwrite_own(grad_output) and may_look_at(query)
    P = probabilities(Q, K, mask, ctx.is_causal, ctx.scale, first=first, may_look=may_look)
    return attention_backward(ctx, (Q, K, V, P), widen(grad_output), None)


def operands(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Q, K and V as they are multiplied: wide, and with K and V for each head of Q."""
    return widen(query), for_heads_of(query, widen(key)), for_heads_of(query, widen(value))


def probabilities(
    Q: Tensor,
    K: Tensor,
    mask: Tensor | None,
    is_causal: bool,
    scale: float,
    empty_is_zero: bool = True,
    first: int = 0,
    may_look: bool = False,
) -> Tensor:
    """P = softmax(λ Q Kᵀ + M), each row over the keys; of a row without a key 0, or else NaN.

    `first` is the number of the first query, where Q has not all of them. Where `may_look` is True and every
    query sees the first key, as mostly, P is not written over.
    """
    S = scores(Q, K, scale)
    if is_causal:
        later = torch.ones(S.shape[-2:], dtype=torch.bool, device=S.device).triu(first + 1)
        S.masked_fill_(later, -torch.inf)
    elif mask is not None:
        S = S.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else S + widen(mask)
    P = torch.softmax(S, -1)
    if empty_is_zero and (is_causal or mask is not None) and 0 not in S.shape:
        if may_look and S[..., 0].amin().item() > -torch.inf:
            return P
        return P.masked_fill(S.amax(-1, keepdim=True) == -torch.inf, 0)
    return P


def scores(Q: Tensor, K: Tensor, scale: float) -> Tensor:
    """The product λ Q Kᵀ in one step; since β = 0, what it would be added to is not read."""
    if Q.shape[:-2] != K.shape[:-2]:
        lead = torch.broadcast_shapes(Q.shape[:-2], K.shape[:-2])
        Q, K = Q.expand(*lead, *Q.shape[-2:]), K.expand(*lead, *K.shape[-2:])
    *leading, L, E = Q.shape
    n, S = math.prod(leading), K.shape[-2]
    product = torch.baddbmm(Q.new_empty(()), Q.reshape(n, L, E), K.reshape(n, S, E).mT, beta=0, alpha=scale)
    return product.reshape(*leading, L, S)


def attention_backward(
    ctx: Any, operands: Operands, G: Tensor, grad_weights: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Step 4; a function by itself for the operation that returns D ⊙ P too, whose gradient is added."""
    query, key, value, mask, kept = ctx.saved_tensors
    needs_query, needs_key, needs_value, needs_mask, *_ = ctx.needs_input_grad
    Q, K, V, P = operands
    grad_query = grad_key = grad_value = grad_mask = None
    if needs_value:
        grad_value = given_back(weights_of(P, kept, ctx.dropout_p).mT @ G, value)
    if needs_query or needs_key or needs_mask:
        grad_P = G @ V.mT if grad_weights is None else G @ V.mT + grad_weights
        grad_P = weights_of(grad_P, kept, ctx.dropout_p)
        grad_S = P * (grad_P - (grad_P * P).sum(-1, keepdim=True))
        grad_mask = given_back(grad_S, mask) if needs_mask else None
        grad_S = ctx.scale * grad_S  # from here on λ ∂L/∂S
        grad_query = given_back(grad_S @ K, query) if needs_query else None
        grad_key = given_back(grad_S.mT @ Q, key) if needs_key else None
    options = len(ctx.needs_input_grad) - 4
    return grad_query, grad_key, grad_value, grad_mask, *(None,) * options


def has_kernel(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, kept: Tensor | None) -> bool:
    """Whether PyTorch's own kernel, which forms no P, computes O, row by row as it is written here."""
    if mask is not None or kept is not None or query.device.type != "cpu" or query.dim() != 4:
        return False
    same = query.shape[:2] == key.shape[:2] == value.shape[:2] and key.shape == value.shape
    return same and 0 not in (*query.shape, *key.shape) and not is_transformed()


def attention_tangents(ctx: Any, operands: Operands, *tangents: Tensor | None) -> tuple[Tensor, Tensor]:
    """The product rule, for the output and for D ⊙ P: Ȯ = (D ⊙ Ṗ) V + (D ⊙ P) V̇."""
    query, *_, kept = ctx.saved_tensors
    Q, K, V, P = operands
    dq, dk, dv, dm = (None if t is None else widen(t) for t in tangents)
    dS = torch.zeros_like(P)
    if dq is not None:
        dS = dS + ctx.scale * (dq @ K.mT)
    if dk is not None:
        dS = dS + ctx.scale * (Q @ for_heads_of(query, dk).mT)
    if dm is not None:
        dS = dS + dm
    dP = weights_of(P * (dS - (P * dS).sum(-1, keepdim=True)), kept, ctx.dropout_p)
    dO = dP @ V
    if dv is not None:
        dO = dO + weights_of(P, kept, ctx.dropout_p) @ for_heads_of(query, dv)
    return dO, dP


def weights_of(P: Tensor, kept: Tensor | None, p: float) -> Tensor:
    """D ⊙ P, or P where nothing is dropped."""
    return P if kept is None else dropped(P, kept, p)


def random_kept(shape: torch.Size, p: float, device: torch.device) -> Tensor | None:
    """Dropout's mask, True with probability 1 − p; None where nothing is dropped."""
    return torch.empty(shape, dtype=torch.bool, device=device).bernoulli_(1 - p) if p > 0 else None


_scaled_dot_product_attention = function_of(ScaledDotProductAttention)


@public(T.scaled_dot_product_attention, example=example((2, 3, 5), (2, 4, 5), (2, 4, 5)))
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(λ Q Kᵀ + M) V; as torch.nn.functional's, with a hand-written gradient.

    Args:
        query: Q, (*, L, E).
        key: K, (*, S, E).
        value: V, (*, S, V).
        attn_mask: (*, L, S): boolean, True for the keys that take part, or a number to add to each score.
        dropout_p: with this probability a weight is set to 0, in evaluation too.
        is_causal: query i sees the keys 0 to i only.
        scale: λ; 1/√E where none is given.
        enable_gqa: grouped queries: the heads, dimension −3, of `key` and `value` may be fewer, each for
            several heads of `query`.

    Returns:
        O, (*, L, V).

    Raises:
        TypeError: an argument is not a Tensor, or a flag not a bool.
        RuntimeError: shapes or types that do not fit each other, `is_causal` together with a mask, or a
            `dropout_p` outside 0 to 1.
        NotImplementedError: complex numbers.
    """
    require_tensor("scaled_dot_product_attention", query=query, key=key, value=value)
    require_flags("scaled_dot_product_attention", is_causal=is_causal, enable_gqa=enable_gqa)
    if attn_mask is not None:
        require_tensor("scaled_dot_product_attention", attn_mask=attn_mask)
        if is_causal:
            raise RuntimeError(
                "scaled_dot_product_attention: attn_mask and is_causal=True both say which keys take part; "
                "give one of them"
            )
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"scaled_dot_product_attention: dropout_p must be from 0 to 1, got {dropout_p}")
    kept = random_kept(scores_shape(query, key, value, enable_gqa), dropout_p, query.device)
    scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
    return _scaled_dot_product_attention(query, key, value, attn_mask, kept, dropout_p, is_causal, scale)
