"""The masks of attention with several heads, as one that is added to the scores."""

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.add import add
from manual_backprop.functional.shapes.cat import cat
from manual_backprop.functional.shapes.reshape import reshape


def merged(
    mask: Tensor | None, padding: Tensor | None, dtype: torch.dtype, sizes: tuple[int, ...], added: int
) -> Tensor | None:
    """One mask to add, (N or 1, n or 1, L or 1, S); what was added behind the keys is never masked."""
    N, heads, L, S = sizes
    parts = []
    if mask is not None:
        shape = (1, 1, L, S) if mask.dim() == 2 else (N, heads, L, S)
        parts.append(reshape(additive(mask, dtype), shape))
    if padding is not None:
        parts.append(reshape(additive(padding, dtype), (N, 1, 1, S)))
    if added:
        parts = [cat((part, part.new_zeros((*part.shape[:3], added))), 3) for part in parts]
    if len(parts) < 2:
        return parts[0] if parts else None
    return add(*parts)


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A boolean mask, True for what is left out, as one to add: −∞ there and 0 elsewhere."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, -torch.inf)
