"""What torch computes in one call, written out in the elementary steps in which people derive it.

Only the values count, at numbers of ordinary size: none of these guards against overflow as the real ones do.
"""

from collections.abc import Callable, Sequence
from math import pi, sqrt
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten
MEAN, SUM = 1, 2  # aten's codes of a reduction


def softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    exponentials = x.exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


def log_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    return x - x.exp().sum(dim, keepdim=True).log()


def logsumexp(x: Tensor, dim: Sequence[int], keepdim: bool = False) -> Tensor:
    return x.exp().sum(list(dim), keepdim=keepdim).log()


def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        return 0.5 * x * (1 + (sqrt(2 / pi) * (x + 0.044715 * x**3)).tanh())
    return x * (0.5 * (1 + (x / sqrt(2)).erf()))


def silu(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def mean(x: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, **_: Any) -> Tensor:
    total = x.sum() if dim is None else x.sum(list(dim), keepdim=keepdim)
    return total / (x.numel() // max(total.numel(), 1))


def variance(
    x: Tensor, dim: Sequence[int] | None = None, *, correction: float | None = None, keepdim: bool = False
) -> Tensor:
    over = list(range(x.dim())) if dim is None else list(dim)
    centred = x - mean(x, over, keepdim=True)
    total = (centred**2).sum(over, keepdim=keepdim)
    return total / (x.numel() // max(total.numel(), 1) - (1 if correction is None else correction))


def standard_deviation(x: Tensor, dim: Sequence[int] | None = None, **options: Any) -> Tensor:
    return variance(x, dim, **options).sqrt()


def norm(
    x: Tensor, ord: float = 2, dim: Sequence[int] | None = None, keepdim: bool = False, **_: Any
) -> Tensor:
    over = list(range(x.dim())) if dim is None else list(dim)
    if ord == 2:
        return (x**2).sum(over, keepdim=keepdim).sqrt()
    return (x.abs() ** ord).sum(over, keepdim=keepdim) ** (1 / ord)


def layer_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    over = list(range(x.dim() - len(shape), x.dim()))
    centre, scale = mean(x, over, keepdim=True), (variance_of(x, over) + eps).sqrt()
    normal = (x - centre) / scale
    normal = normal if weight is None else normal * weight
    return (normal if bias is None else normal + bias), centre, scale


def batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    _m: Any,
    _v: Any,
    training: bool,
    _: Any,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor] | Any:
    if not training:
        return NotImplemented
    over = [d for d in range(x.dim()) if d != 1]
    centre, scale = mean(x, over, keepdim=True), (variance_of(x, over) + eps).sqrt()
    channels = [-1 if d == 1 else 1 for d in range(x.dim())]
    normal = (x - centre) / scale
    normal = normal if weight is None else normal * weight.view(channels)
    return (normal if bias is None else normal + bias.view(channels)), centre, scale


def variance_of(x: Tensor, over: list[int]) -> Tensor:
    return variance(x, over, correction=0, keepdim=True)


def reduced(losses: Tensor, reduction: int) -> Tensor:
    return mean(losses) if reduction == MEAN else losses.sum() if reduction == SUM else losses


def squared_error(x: Tensor, target: Tensor, reduction: int = MEAN) -> Tensor:
    return reduced((x - target) ** 2, reduction)


def huber(x: Tensor, target: Tensor, reduction: int = MEAN, delta: float = 1.0) -> Tensor:
    error = x - target
    near = error.abs() < delta
    return reduced(torch.where(near, 0.5 * error**2, delta * (error.abs() - 0.5 * delta)), reduction)


def smooth_l1(x: Tensor, target: Tensor, reduction: int = MEAN, beta: float = 1.0) -> Tensor:
    error = x - target
    near = error.abs() < beta
    return reduced(torch.where(near, 0.5 * error**2 / beta, error.abs() - 0.5 * beta), reduction)


def cross_entropy_of_bits(
    x: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = MEAN
) -> Tensor:
    losses = -(target * x.log() + (1 - target) * (1 - x).log())
    return reduced(losses if weight is None else losses * weight, reduction)


def cross_entropy_of_logits(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = MEAN,
) -> Tensor | Any:
    if pos_weight is not None:
        return NotImplemented
    losses = (1 + x.exp()).log() - x * target
    return reduced(losses if weight is None else losses * weight, reduction)


def nll_loss(
    x: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int
) -> tuple[Tensor, Tensor] | Any:
    if x.dim() != 2:
        return NotImplemented
    classes = target.clamp(min=0)
    weights = (target != ignore_index).to(x.dtype) * (1.0 if weight is None else weight[classes])
    losses = -x.gather(1, classes[:, None]).squeeze(1) * weights
    total = weights.sum()
    return (losses.sum() / total if reduction == MEAN else reduced(losses, reduction)), total


def linear(bias: Tensor, x: Tensor, weight: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    product = x @ weight
    return beta * bias + alpha * product if (alpha, beta) != (1, 1) else product + bias


def attention(
    query: Tensor, key: Tensor, value: Tensor, dropout: float = 0.0, is_causal: bool = False, **options: Any
) -> tuple[Tensor, Tensor] | Any:
    if is_causal or dropout or options.get("attn_mask") is not None:
        return NotImplemented
    scale = options.get("scale") or 1 / sqrt(query.shape[-1])
    scores = query @ key.mT * scale
    return softmax(scores, -1) @ value, scores


DECOMPOSITIONS: dict[Any, Callable[..., Any]] = {
    aten._softmax.default: softmax,
    aten._log_softmax.default: log_softmax,
    aten.logsumexp.default: logsumexp,
    aten.gelu.default: gelu,
    aten.silu.default: silu,
    aten.mean.default: mean,
    aten.mean.dim: mean,
    aten.var.correction: variance,
    aten.std.correction: standard_deviation,
    aten.linalg_vector_norm.default: norm,
    aten.native_layer_norm.default: layer_norm,
    aten.native_batch_norm.default: batch_norm,
    aten.mse_loss.default: squared_error,
    aten.huber_loss.default: huber,
    aten.smooth_l1_loss.default: smooth_l1,
    aten.binary_cross_entropy.default: cross_entropy_of_bits,
    aten.binary_cross_entropy_with_logits.default: cross_entropy_of_logits,
    aten.nll_loss_forward.default: nll_loss,
    aten.addmm.default: linear,
    aten._scaled_dot_product_flash_attention_for_cpu.default: attention,
}
