"""What PyTorch is doing, where only a private name of PyTorch tells: every such name is used here alone.

Tests hold each function to what it says, with the oldest and the newest version of PyTorch that is supported.
"""

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack
from torch.utils._pytree import tree_leaves, tree_map

__all__ = [
    "WithoutFunctionModes",
    "base_of",
    "function_modes",
    "has_function_modes",
    "is_checkpointing",
    "is_differentiating",
    "is_forward_mode",
    "is_ordinary",
    "is_overwritable_view",
    "is_transformed",
    "is_view",
    "loses_views",
    "may_look_at",
    "may_overwrite_own",
    "overrides_torch_functions",
    "tree_leaves",
    "tree_map",
    "view_as_built_in",
    "without_counting_a_change",
    "without_torch_functions",
]


Creation: Any = torch._C._autograd.CreationMeta
_creation: Any = torch._C._autograd._get_creation_meta


def is_transformed() -> bool:
    """Whether a transform of torch.func, such as `grad` or `vmap`, is at work."""
    return torch._C._are_functorch_transforms_active()


def loses_views() -> bool:
    """Whether `torch.func.grad` or another reverse-mode transform is at work.

    It does not know what a Function returns as a view, even where that lies in the memory of the input. So
    writing over the one would change the other, and the graph would not tell.
    """
    grad = torch._C._functorch.TransformType.Grad
    return any(level.key() == grad for level in torch._C._functorch.get_interpreter_stack() or ())


def is_ordinary() -> bool:
    """Whether autograd at most is at work: no compiler, no autocast, no transform, no tangents."""
    if torch.compiler.is_compiling() or forward_ad._current_level >= 0:
        return False
    return not (torch._C._are_functorch_transforms_active() or torch._C._is_any_autocast_enabled())


def is_forward_mode() -> bool:
    """Whether tangents are computed: inside `torch.autograd.forward_ad.dual_level`."""
    return forward_ad._current_level >= 0


def may_overwrite_own(upstream: Tensor) -> bool:
    """Whether a backward may overwrite what it has made: that is not differentiated, traced or batched."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or forward_ad._current_level >= 0:
        return False
    if torch._C._are_functorch_transforms_active():
        return False
    return not torch._C._functorch.is_legacy_batchedtensor(upstream)  # of autograd.grad's is_grads_batched


def may_look_at(tensor: Tensor) -> bool:
    """Whether its numbers are there to be read, without waiting for a GPU: none are of what is traced."""
    usual = type(tensor) is Tensor or type(tensor) is torch.nn.Parameter
    return usual and tensor.device.type == "cpu" and torch._C._len_torch_dispatch_stack() == 0


def is_view(tensor: Tensor) -> bool:
    """Whether autograd knows the tensor as a view of another one."""
    return tensor._is_view()


def base_of(tensor: Tensor) -> Tensor:
    """The tensor that a view is a view of; any other tensor itself."""
    return tensor if tensor._base is None else tensor._base


def is_overwritable_view(tensor: Tensor) -> bool:
    """Whether autograd would let this view be overwritten in place, and what it is a view of with it."""
    return _creation(tensor) == Creation.DEFAULT


def view_as_built_in(output: Any) -> None:
    """Let autograd take views for ones that its own functions made.

    By itself it takes a view that a Function returns for one that may not be overwritten, since the graph of
    an overwritten view is made anew, from its strides, without the Function. Of a Function that does nothing
    but view, that graph is right. Several views that one call has made stay refused, as built-in ones are.
    """
    several = isinstance(output, tuple)
    for view in output if several else (output,):
        if is_view(view) and _creation(view) == Creation.IN_CUSTOM_FUNCTION:
            new = Creation.MULTI_OUTPUT_NODE if several else Creation.DEFAULT
            torch._C._autograd._set_creation_meta(view, new)


def is_differentiating() -> bool:
    """Whether a backward pass is under way in this thread, forward mode, or a transform of torch.func."""
    return torch._C._current_autograd_node() is not None or is_forward_mode() or is_transformed()


def is_checkpointing() -> bool:
    """Whether torch.utils.checkpoint keeps what is saved now, to compute it again in the backward pass."""
    hooks = torch._C._autograd._top_saved_tensors_default_hooks(True)
    return hooks is not None and getattr(hooks[0], "__module__", None) == "torch.utils.checkpoint"


def function_modes() -> list[TorchFunctionMode]:
    """The modes that see the calls of torch functions in this thread."""
    return _get_current_function_mode_stack()


def has_function_modes() -> bool:
    """Whether a mode sees the calls of torch functions in this thread."""
    return torch._C._len_torch_function_stack() > 0


class WithoutFunctionModes:
    """Inside, no mode sees the calls of torch functions in this thread."""

    def __enter__(self) -> None:
        count = torch._C._len_torch_function_stack()
        self.modes = [torch._C._pop_torch_function_stack() for _ in range(count)]

    def __exit__(self, *exception: object) -> None:
        for mode in reversed(self.modes):
            torch._C._push_on_torch_function_stack(mode)


def overrides_torch_functions(tensor: Tensor) -> bool:
    """Whether it is of a subclass that has torch functions of its own."""
    handler = type(tensor).__torch_function__
    none: Any = torch._C._disabled_torch_function_impl
    inherited: Any = Tensor.__torch_function__
    return handler is not none and getattr(handler, "__func__", handler) is not inherited.__func__


def without_counting_a_change(tensor: Tensor) -> AbstractContextManager[None]:
    """Inside, "overwriting" the tensor is not counted: for what leaves its numbers as they are."""
    autograd: Any = torch.autograd
    kept: AbstractContextManager[None] = autograd._unsafe_preserve_version_counter(tensor)
    return kept


def without_torch_functions() -> AbstractContextManager[None]:
    """Inside, torch asks no `__torch_function__`, and no mode, which the public context manager leaves on."""
    return torch._C.DisableTorchFunction()
