"""What an operation's `written` form is made with: the way back through broadcasting and reductions.

Each function writes only what these shapes ask for, so that nothing stands in the code that does nothing.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor


def summed_to(g: Tensor, like: Any) -> Tensor | None:
    """The gradient of what was broadcast: summed over the dimensions along which it was repeated.

    Args:
        g: the gradient of every copy.
        like: what was broadcast, a tensor; a number has no gradient.
    """
    if not isinstance(like, Tensor):
        return None
    shape = tuple(like.shape)
    if tuple(g.shape) == shape:
        return g
    added = g.dim() - len(shape)
    repeated = [d + added for d, n in enumerate(shape) if n == 1 and g.shape[d + added] != 1]
    if not repeated:
        return g.sum(tuple(range(added))) if added else g
    if not added:
        return g.sum(tuple(repeated), keepdim=True)
    if all(n == 1 for n in shape):
        return g.sum().reshape(shape)
    return g.sum((*range(added), *repeated)).reshape(shape)


def spread_over(g: Tensor, like: Tensor, dim: int | Sequence[int] | None, keepdim: bool) -> Tensor:
    """The gradient of what was summed over `dim`: given to every term of the sum.

    Args:
        g: the gradient of the sum.
        like: what was summed.
        dim: the dimensions that were; None or () for all of them.
        keepdim: whether the sum has them still.
    """
    dims = range(like.dim()) if dim is None or dim == () else (dim,) if isinstance(dim, int) else dim
    if not keepdim and g.dim():
        for d in sorted(d % like.dim() for d in dims):
            g = g.unsqueeze(d)
    return g.expand(like.shape)


BROADCAST = {summed_to.__code__}
"""The code that sums over what was repeated."""
