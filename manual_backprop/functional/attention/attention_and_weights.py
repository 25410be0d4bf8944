"""Attention that returns its weights too, as a second output.

Given   O = P V,  P = D ⊙ softmax(λ Q Kᵀ + M)       as in `scaled_dot_product_attention`, for n heads,
        and upstream gradients G to O, and H to P, or to its mean over the heads.
Want    ∂L/∂Q, ∂L/∂K, ∂L/∂V, ∂L/∂M.

1.  P reaches L in two ways, through O and directly, and the chain rule adds them:

        ∂L/∂pᵢⱼ = Σₑ gᵢₑ vⱼₑ + hᵢⱼ              that is, ∂L/∂P = G Vᵀ + H

2.  In the mean over n heads, each has the share 1/n, and so its gradient: H/n.

3.  From there, the steps of `scaled_dot_product_attention`: back through D, the softmax and the scores.

The numerical trap: a query whose keys are all masked out. Its weights are 0/0 = NaN here, and so is its
output, as PyTorch has it where it hands out the weights; a gradient of NaN is what tells of it.

Shapes: Q (N, n, L, d), K (N, n, S, d), V (N, n, S, d), P (N, n, L, S), or (N, L, S) for the mean.

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2.
"""

import math
from dataclasses import replace
from typing import Any

import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.attention._checks import scores_shape
from manual_backprop.functional.attention._written import factor, written
from manual_backprop.functional.attention.scaled_dot_product_attention import (
    Attention,
    attention_backward,
    attention_tangents,
    operands,
    probabilities,
    random_kept,
    weights_of,
)
from manual_backprop.functional.operation import function_of, is_autocasting, keep, narrow, widen


class AttentionAndWeights(Attention):
    """O and P; ∂L/∂P = G Vᵀ + H, and from there as in `ScaledDotProductAttention`."""

    formula = replace(Attention.formula, name="attention_and_weights")

    @staticmethod
    def written(
        Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None, kept: Tensor | None, *options: Any
    ) -> Any:
        if kept is not None:
            return NotImplemented
        _, average, scale, _ = options
        out, P, through = written(Q, K, V, mask, False, scale, empty_is_zero=False)
        weights = P.mean(1) if average else P

        def backward(g: Tensor | None, dweights: Tensor | None) -> Any:
            if average and dweights is not None:
                dweights = dweights.unsqueeze(1) / P.shape[1]
            return through(g, dweights)

        return (out, weights), backward

    @staticmethod
    def elementary(
        Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None, kept: Tensor | None, *options: Any
    ) -> Any:
        """Softmax(Q Kᵀ / √d) V and the softmax."""
        if kept is not None:
            return NotImplemented
        _, average, scale, _ = options
        times, number = factor(scale, Q.shape[-1])
        scores = Q @ K.mT * number if times else Q @ K.mT / number
        P = T.softmax(scores if mask is None else scores + mask, -1)
        return P @ V, P.mean(1) if average else P

    @staticmethod
    def forward(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        kept: Tensor | None,
        dropout_p: float,
        average: bool,
        scale: float,
        wide: bool,
    ) -> tuple[Tensor, Tensor]:
        Q, K, V = operands(query, key, value)
        P = weights_of(probabilities(Q, K, mask, False, scale, empty_is_zero=False), kept, dropout_p)
        weights = P.mean(1) if average else P
        return narrow(P @ V, query.dtype), weights if wide else narrow(weights, query.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        *tensors, ctx.dropout_p, ctx.average, ctx.scale, ctx.wide = inputs
        keep(ctx, *tensors)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, grad_weights: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, mask, _ = ctx.saved_tensors
        Q, K, V = operands(query, key, value)
        P = probabilities(Q, K, mask, False, ctx.scale, empty_is_zero=False)
        H = widen(grad_weights)
        H = H.unsqueeze(1) / P.shape[1] if ctx.average else H
        return attention_backward(ctx, (Q, K, V, P), widen(grad_output), H)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, Tensor]:
        query, key, value, mask, _ = ctx.saved_tensors
        Q, K, V = operands(query, key, value)
        P = probabilities(Q, K, mask, False, ctx.scale, empty_is_zero=False)
        moved, weights = attention_tangents(ctx, (Q, K, V, P), *tangents[:4])
        weights = weights.mean(1) if ctx.average else weights
        return narrow(moved, query.dtype), weights if ctx.wide else narrow(weights, query.dtype)


_attention_and_weights = function_of(AttentionAndWeights)


def attention_and_weights(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    dropout_p: float = 0.0,
    average: bool = False,
) -> tuple[Tensor, Tensor]:
    """Attention within each head, and its weights.

    Args:
        query: Q, (N, n, L, d).
        key: K, (N, n, S, d).
        value: V, (N, n, S, d).
        mask: numbers to add to the scores, that broadcast to (N, n, L, S).
        dropout_p: with this probability a weight is set to 0.
        average: return the mean of the weights over the heads.

    Returns:
        O, (N, n, L, d), and P, (N, n, L, S) or (N, L, S); this in float32 under autocast on a GPU.
    """
    kept = random_kept(scores_shape(query, key, value, False), dropout_p, query.device)
    scale = 1 / math.sqrt(query.shape[-1])
    device_type = query.device.type
    wide = device_type != "cpu" and is_autocasting(device_type)  # as its softmax is there
    return _attention_and_weights(query, key, value, mask, kept, dropout_p, average, scale, wide)
