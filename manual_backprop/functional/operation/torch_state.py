"""What PyTorch is doing, where only a private name of PyTorch tells: every such name is used here alone.

Tests hold each function to what it says, with the oldest and the newest version of PyTorch that is supported.
"""

from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._pytree import tree_leaves, tree_map

__all__ = [
    "base_of",
    "is_forward_mode",
    "is_transformed",
    "is_view",
    "tree_leaves",
    "tree_map",
    "without_torch_functions",
]


def is_transformed() -> bool:
    """Whether a transform of torch.func, such as `grad` or `vmap`, is at work."""
    return torch._C._are_functorch_transforms_active()


def is_forward_mode() -> bool:
    """Whether tangents are computed: inside `torch.autograd.forward_ad.dual_level`."""
    return forward_ad._current_level >= 0


def is_view(tensor: Tensor) -> bool:
    """Whether autograd knows the tensor as a view of another one."""
    return tensor._is_view()


def base_of(tensor: Tensor) -> Tensor:
    """The tensor that a view is a view of; any other tensor itself."""
    return tensor if tensor._base is None else tensor._base


def without_torch_functions() -> AbstractContextManager[None]:
    """Inside, torch asks no `__torch_function__`, and no mode, which the public context manager leaves on."""
    return torch._C.DisableTorchFunction()
