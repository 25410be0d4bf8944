"""What each hand-written operation is set beside: the same value, differentiated by PyTorch.

For most of them that is their own `forward`, under PyTorch's autograd. Others have a forward that autograd
does not differentiate as PyTorch's function is: it works in place, or has a corner on the way. For them,
PyTorch's function is called. What comes in are the operation's own inputs, in its order.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.functional.attention.scaled_dot_product_attention import ScaledDotProductAttention
from manual_backprop.functional.in_place._places import Places

Twin = Callable[..., Any]


def twin_for(operation: Any) -> Twin:
    """PyTorch's own way to the same value, of the operation's inputs."""
    name = operation.__name__
    own = operation.__mro__[1] if operation.overwrites else operation  # in place: what it is made of
    return TWINS.get(name.removesuffix("InPlace")) or own.forward


def _batch_norm(
    x: Tensor, w: Any, b: Any, mean: Any, var: Any, old_mean: Any, old_var: Any, training: bool, *rest: float
) -> Tensor:
    """In training without the running statistics, which change once only."""
    mean, var = (None, None) if training else (mean, var)
    momentum, eps = rest
    return torch.batch_norm(x, w, b, mean, var, training, momentum, eps, False)


def _cross_entropy(z: Tensor, y: Tensor, w: Any, ignore: int, reduction: str, epsilon: float) -> Tensor:
    options: Any = {"ignore_index": ignore, "reduction": reduction, "label_smoothing": epsilon}
    return F.cross_entropy(z, y, w, **options)


def _linear_cross_entropy(
    x: Tensor, W: Tensor, b: Any, y: Tensor, w: Any, ignore: int, reduction: str, epsilon: float, *_: Any
) -> Tensor:
    return _cross_entropy(F.linear(x, W, b), y, w, ignore, reduction, epsilon)


def _attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Any, kept: Any, p: float, causal: bool, scale: float
) -> Tensor:
    """PyTorch's own draws the mask of its dropout itself, so that there it is `forward`."""
    heads = (q.shape[-3], k.shape[-3]) if min(q.dim(), k.dim()) > 2 else (1, 1)
    grouped = heads[0] != heads[1] and heads[0] % heads[1] == 0
    if kept is not None:
        return ScaledDotProductAttention.forward(q, k, v, mask, kept, p, causal, scale)
    options: Any = {"is_causal": causal, "scale": scale, "enable_gqa": grouped}
    return F.scaled_dot_product_attention(q, k, v, mask, **options)


def _hardsigmoid(z: Tensor) -> Tensor:
    """F.hardsigmoid's own slope is a float32's 1/6."""
    return torch.where((z > -3) & (z < 3), (z + 3) / 6, (z >= 3).to(z))


def _kl_div(x: Tensor, t: Tensor, reduction: str, log_target: bool) -> Tensor:
    """F.kl_div warns of its "mean"."""
    if reduction != "mean":
        return F.kl_div(x, t, reduction=reduction, log_target=log_target)
    return F.kl_div(x, t, reduction="none", log_target=log_target).mean()


def _set_item(x: Tensor, v: Any, index: Any) -> Tensor:
    x = x.clone()
    x[index] = v
    return x


def _write_view(x: Tensor, w: Tensor, places: Places) -> Tensor:
    numbers = places.numbers(x.device)
    return x.flatten().index_copy(0, numbers, w.flatten()).reshape(x.shape)


mse_loss: Twin = F.mse_loss  # whose stubs know of no weight
l1_loss: Twin = F.l1_loss
huber_loss: Twin = F.huber_loss

TWINS: dict[str, Twin] = {
    "BatchNorm": _batch_norm,
    "BinaryCrossEntropyWithLogits": lambda x, t, w, p, r: F.binary_cross_entropy_with_logits(
        x, t, w, pos_weight=p, reduction=r
    ),
    "CrossEntropy": _cross_entropy,
    "CrossEntropyProbabilities": lambda z, y, w, r, e: F.cross_entropy(
        z, y, w, reduction=r, label_smoothing=e
    ),
    "ELU": F.elu,
    "Embedding": lambda W, i, padding, frequencies: torch.embedding(W, i, padding, frequencies),
    "Hardsigmoid": _hardsigmoid,
    "Hardswish": F.hardswish,
    "Hardtanh": F.hardtanh,
    "LinearCrossEntropy": _linear_cross_entropy,
    "LinearReLU": lambda *inputs: F.relu(F.linear(*inputs)),
    "LinearSigmoid": lambda *inputs: torch.sigmoid(F.linear(*inputs)),
    "HuberLoss": lambda x, t, w, r, d, _: huber_loss(x, t, reduction=r, delta=d, weight=w),
    "KLDiv": _kl_div,
    "L1Loss": lambda x, t, w, r: l1_loss(x, t, reduction=r, weight=w),
    "WeightedL1Loss": lambda x, t, w, r: l1_loss(x, t, reduction=r, weight=w),
    "SmoothL1Loss": lambda x, t, _w, r, _d, b: F.smooth_l1_loss(x, t, reduction=r, beta=b),
    "LogSoftmax": lambda z, dim, dtype: torch.log_softmax(z, dim, dtype=dtype),
    "MSELoss": lambda x, t, w, r: mse_loss(x, t, reduction=r, weight=w),
    "NLLLoss": lambda x, y, w, i, r: F.nll_loss(x, y, w, ignore_index=i, reduction=r),
    "Overwrite": lambda x, v: v.to(x).expand_as(x),
    "ReLU": F.relu,
    "ScaledDotProductAttention": _attention,
    "SetItem": _set_item,
    "Softplus": F.softplus,
    "Std": lambda x, dim, correction, keepdim: torch.std(x, dim, correction=correction, keepdim=keepdim),
    "Var": lambda x, dim, correction, keepdim: torch.var(x, dim, correction=correction, keepdim=keepdim),
    "Update": lambda x, v: v.to(x).expand_as(x),
    "WriteView": _write_view,
}
