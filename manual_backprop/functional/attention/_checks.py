"""Which queries, keys, values and masks fit each other."""

import torch
from torch import Tensor

from manual_backprop.functional.operation import broadcasts


def scores_shape(query: Tensor, key: Tensor, value: Tensor, grouped: bool) -> torch.Size:
    """(*, L, S), one score for each query and key.

    Raises:
        RuntimeError: the shapes do not fit each other.
    """
    given = f"got {tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}"
    name = "scaled_dot_product_attention"
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError(f"{name}: expected query (*, L, E), key (*, S, E) and value (*, S, V), {given}")
    if query.shape[-1] != key.shape[-1]:
        raise RuntimeError(f"{name}: query and key must have the same last size E, {given}")
    if key.shape[-2] != value.shape[-2]:
        raise RuntimeError(f"{name}: key and value must have the same number S of rows, {given}")
    leading = [x.shape[:-2] for x in (query, key, value)]
    if grouped:
        if min(map(len, leading)) < 1:
            raise IndexError(f"{name}: enable_gqa=True needs a dimension of heads, {given}")
        heads = query.shape[-3]
        if any(x.shape[-3] == 0 or heads % x.shape[-3] for x in (key, value)):
            raise RuntimeError(
                f"{name}: with enable_gqa=True the number of heads, dimension -3, of key and value must "
                f"divide that of query, {given}"
            )
        leading = [(*sizes[:-1], heads) for sizes in leading]  # type: ignore[misc]
    try:
        alike = leading[0] == leading[1] == leading[2]
        batch = leading[0] if alike else torch.broadcast_shapes(*leading)
    except RuntimeError:
        raise RuntimeError(f"{name}: the leading sizes cannot be broadcast, {given}") from None
    return torch.Size((*batch, query.shape[-2], key.shape[-2]))


def check_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    """Raise if the types, or the mask, do not fit."""
    name = "scaled_dot_product_attention"
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            f"{name}: query, key and value must have the same dtype, got {query.dtype}, {key.dtype} and "
            f"{value.dtype}"
        )
    if query.is_complex():
        raise NotImplementedError(f"{name}: expected real numbers, got {query.dtype}")
    if not query.is_floating_point():
        raise RuntimeError(f"{name}: expected floating-point numbers, got {query.dtype}")
    if mask is None:
        return
    if mask.dtype not in (torch.bool, query.dtype, torch.float32):
        raise RuntimeError(f"{name}: attn_mask must be torch.bool or {query.dtype}, got {mask.dtype}")
    heads = query.shape[-3:-2] if query.dim() > 2 and query.shape[-3] > 1 else key.shape[-3:-2]
    batch = torch.broadcast_shapes(query.shape[:-3], key.shape[:-3])
    scores = (*batch, *heads, query.shape[-2], key.shape[-2])
    short = mask.dim() < 2 and query.dim() == 4  # which the twin does not take, unlike with other inputs
    if short or not broadcasts(mask.shape, torch.Size(scores)):
        raise (IndexError if short else RuntimeError)(
            f"{name}: expected attn_mask (*, L, S) that broadcasts to {scores}, got {tuple(mask.shape)}"
        )


def check_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim: int,
    num_heads: int,
    mask: Tensor | None,
    padding: Tensor | None,
    is_causal: bool,
) -> bool:
    """Whether there is a dimension of examples.

    Raises:
        AssertionError: the shapes do not fit each other, or a mask is of another type.
        RuntimeError: the shape of a mask does not fit, or `is_causal` comes without one.
    """
    name = "multi_head_attention_forward"
    dims = query.dim()
    if dims not in (2, 3) or key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"{name}: expected query, key and value all (L, N, E) or all (L, E), got {tuple(query.shape)}, "
            f"{tuple(key.shape)} and {tuple(value.shape)}"
        )
    if key.shape[:-1] != value.shape[:-1]:
        raise AssertionError(
            f"{name}: key and value must have the same sizes but for the last, got {tuple(key.shape)} and "
            f"{tuple(value.shape)}"
        )
    if query.shape[-1] != embed_dim or embed_dim % num_heads:
        raise AssertionError(
            f"{name}: expected query (L, N, {embed_dim}), a multiple of {num_heads} heads, got "
            f"{tuple(query.shape)}"
        )
    L, S, N = query.shape[0], key.shape[0], query.shape[1] if dims == 3 else 1
    allowed = {
        "attn_mask": ((L, S), (N * num_heads, L, S)),
        "key_padding_mask": ((N, S) if dims == 3 else (S,),),
    }
    for argument, given in (("attn_mask", mask), ("key_padding_mask", padding)):
        if given is None:
            continue
        if given.dtype != torch.bool and not given.is_floating_point():
            raise AssertionError(
                f"{name}: {argument} must be torch.bool or floating-point, got {given.dtype}"
            )
        if given.shape not in allowed[argument]:
            shapes = " or ".join(map(str, allowed[argument]))
            wrong_size = argument == "attn_mask" and given.dim() in (2, 3) and dims == 3
            raise (RuntimeError if wrong_size else AssertionError)(
                f"{name}: expected {argument} {shapes}, got {tuple(given.shape)}"
            )
    if is_causal and mask is None:
        raise RuntimeError(f"{name}: is_causal=True is a hint about attn_mask, which is missing")
    return dims == 3


def check_added(
    bias_k: Tensor | None, bias_v: Tensor | None, static_k: Tensor | None, static_v: Tensor | None
) -> None:
    """Raise an AssertionError if the key that is added has no value, or would be added to static keys."""
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("multi_head_attention_forward: bias_k and bias_v must be given together")
    if bias_k is not None and not (static_k is None and static_v is None):
        raise AssertionError("multi_head_attention_forward: bias_k cannot be added to static keys")
