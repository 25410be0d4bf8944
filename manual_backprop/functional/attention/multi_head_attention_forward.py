"""Attention with several heads: projections cut into parts, attention in each, and a projection of all.

Given   query, key and value, and from them, for n heads h with d = E/n columns each,

            Q = query W_qᵀ + b_q        K = key W_kᵀ + b_k        V = value W_vᵀ + b_v
            O_h = softmax(λ Q_h K_hᵀ) V_h with λ² = 1/d
            out = [O₁ O₂ …] W_oᵀ + b_o

        O being the heads side by side again; and the upstream gradient ∂L/∂out, and one to the softmax's
        weights where they are returned.
Want    the gradients of query, key and value, and of all weights and biases.

1.  Each line is an operation whose gradients are derived already: the first and the last are `linear`, the
    second is attention (`attention_and_weights` where the weights are returned too). To cut into heads and
    to put them side by side again moves numbers, as `reshape` and `permute` do. So nothing new is derived
    here, and autograd calls one backward after the other.

2.  A tensor that is used three times, as in self-attention, gets the sum of three gradients. With one weight
    [W_q; W_k; W_v] it is used once, and the three stand side by side in one product.

Why several heads: one softmax yields one mean. With the same number of products, n heads of E/n columns yield
n means, each over places of its own.

The numerical trap: a query whose keys are all masked out. Where the weights are returned, they are NaN, as
PyTorch has it, and where they are not, the query's output is 0 before the last projection.

Shapes: query (L, N, E), key and value (S, N, ·), output (L, N, E), weights (N, L, S) or (N, n, L, S).

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2.2.
"""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.affine.linear import linear
from manual_backprop.functional.attention._checks import check_added, check_heads
from manual_backprop.functional.attention._masks import merged
from manual_backprop.functional.attention.attention_and_weights import attention_and_weights
from manual_backprop.functional.attention.scaled_dot_product_attention import scaled_dot_product_attention
from manual_backprop.functional.operation import example, public, require_tensor
from manual_backprop.functional.shapes.broadcast_to import broadcast_to
from manual_backprop.functional.shapes.cat import cat
from manual_backprop.functional.shapes.permute import permute
from manual_backprop.functional.shapes.reshape import reshape, squeeze, unsqueeze
from manual_backprop.functional.shapes.split import split


def _with_two_heads(attention: Callable[..., Any], *inputs: Tensor) -> Tensor:
    query, key, value, in_weight, in_bias, out_weight, out_bias = inputs
    projected = (in_weight, in_bias, None, None, False, 0.0, out_weight, out_bias)
    output: Tensor = attention(query, key, value, 4, 2, *projected)[0]
    return output


@public(
    T.multi_head_attention_forward,
    example=example((3, 2, 4), (3, 2, 4), (3, 2, 4), (12, 4), (12,), (4, 4), (4,), call=_with_two_heads),
)
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention with several heads; as torch.nn.functional's, with hand-written gradients.

    Args:
        query: (L, N, E), or (L, E) for one example.
        key: (S, N, ·), or (S, ·).
        value: (S, N, ·), or (S, ·).
        embed_dim_to_check: E.
        num_heads: n, a divisor of E.
        in_proj_weight: W_q, W_k and W_v one below the other, (3E, E).
        in_proj_bias: b_q, b_k and b_v likewise, (3E,).
        bias_k: one more key for all examples, (1, 1, E).
        bias_v: its value.
        add_zero_attn: one more key and value, of zeros.
        dropout_p: in training, the share of weights that are set to 0.
        out_proj_weight: W_o, (E, E).
        out_proj_bias: b_o, (E,).
        training: whether this is training.
        key_padding_mask: (N, S), or (S,): True for keys to leave out, or a number to add to their scores.
        need_weights: return the weights too.
        attn_mask: (L, S) or (N · n, L, S), likewise.
        use_separate_proj_weight: W_q, W_k and W_v come by themselves, and keys and values may have sizes of
            their own.
        q_proj_weight: W_q, (E, E).
        k_proj_weight: W_k.
        v_proj_weight: W_v.
        static_k: K itself, (N · n, S, E/n), in the place of what is projected.
        static_v: V itself.
        average_attn_weights: of the weights, the mean over the heads.
        is_causal: a hint that `attn_mask` is the causal one; without other masks and weights it is then not
            looked at.

    Returns:
        The output, (L, N, E) or (L, E), and the weights, or None.

    Raises:
        TypeError: an argument is not a Tensor.
        AssertionError: shapes that do not fit each other, as in the twin.
        RuntimeError: a mask of another shape, or `is_causal` without one.
    """
    require_tensor("multi_head_attention_forward", query=query, key=key, value=value)
    batched = check_heads(
        query, key, value, embed_dim_to_check, num_heads, attn_mask, key_padding_mask, is_causal
    )
    check_added(bias_k, bias_v, static_k, static_v)
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    Q, K, V = projected(query, key, value, weights, in_proj_bias)
    if not batched:  # (L, E) → (L, 1, E)
        Q, K, V = (unsqueeze(x, 1) for x in (Q, K, V))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    L, N, E = Q.shape
    of_mask = (N, num_heads, L, K.shape[0])

    K, V = one_longer(K, bias_k), one_longer(V, bias_v)
    Q = in_heads(Q, num_heads)
    K = in_heads(K, num_heads) if static_k is None else from_static(static_k, Q)
    V = in_heads(V, num_heads) if static_v is None else from_static(static_v, Q)
    if add_zero_attn:
        K, V = (cat((x, x.new_zeros((*x.shape[:2], 1, x.shape[3]))), 2) for x in (K, V))

    causal_only = is_causal and key_padding_mask is None and not need_weights
    added = (bias_k is not None) + add_zero_attn
    mask = None if causal_only else merged(attn_mask, key_padding_mask, query.dtype, of_mask, added)
    p = dropout_p if training else 0.0
    if need_weights:
        heads, P = attention_and_weights(Q, K, V, mask, p, average_attn_weights)
        P = P if batched else squeeze(P, 0)
    else:
        heads, P = scaled_dot_product_attention(Q, K, V, mask, p, causal_only), None
    beside = reshape(permute(heads, (2, 0, 1, 3)), (L, N, E) if batched else (L, E))
    return linear(beside, out_proj_weight, out_proj_bias), P


def projected(
    query: Tensor, key: Tensor, value: Tensor, weights: Any, bias: Tensor | None
) -> tuple[Tensor, ...]:
    """Q, K and V; in one product where they are projections of one tensor."""
    E = query.shape[-1]
    name = "multi_head_attention_forward"
    if isinstance(weights, Tensor):
        if query is key and key is value:
            return split(linear(query, weights, bias), E, -1)
        weights = split(weights, E)
    if weights is None or any(weight is None for weight in weights):
        raise AssertionError(f"{name}: the weights of the projections are missing")
    for x, weight in zip((query, key, value), weights, strict=True):
        if weight.shape != (E, x.shape[-1]):
            raise AssertionError(
                f"{name}: expected a weight {(E, x.shape[-1])} for {tuple(x.shape)}, got "
                f"{tuple(weight.shape)}"
            )
    biases = (None, None, None) if bias is None else split(bias, E)
    return tuple(map(linear, (query, key, value), weights, biases))


def in_heads(x: Tensor, heads: int) -> Tensor:
    """(S, N, E) → (N, n, S, E/n)."""
    S, N, E = x.shape
    return permute(reshape(x, (S, N, heads, E // heads)), (1, 2, 0, 3))


def one_longer(x: Tensor, bias: Tensor | None) -> Tensor:
    """(S, N, E) → (S + 1, N, E), with the bias (1, 1, E) as the last row of each example."""
    return x if bias is None else cat((x, broadcast_to(bias, (1, *x.shape[1:]))))


def from_static(x: Tensor, query: Tensor) -> Tensor:
    """(N · n, S, E/n) → (N, n, S, E/n), as the queries have it."""
    N, heads, _, d = query.shape
    if len(x) != N * heads or x.shape[2] != d:
        raise AssertionError(
            f"multi_head_attention_forward: expected static_k and static_v ({N * heads}, S, {d}), "
            f"got {tuple(x.shape)}"
        )
    return reshape(x, (N, heads, x.shape[1], d))
