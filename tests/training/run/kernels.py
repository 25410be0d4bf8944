"""A CUDA graph, imitated on any device: the kernels of a call are written down, and repeated without Python.

What a graph reads and writes is where it was when it was captured, and what Python remembers of the last step
stays as it was. A function that were called again would set both anew.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only


class Kernels(TorchDispatchMode):
    """Writes down the kernels that are called inside, with their tensors; `repeat` calls them again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.repeated = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        call = (func, args, kwargs or {}, out)
        self.calls.append(tree_map_only(Tensor, Tensor.detach, call))  # their memory; a kernel knows no graph
        return out

    def repeat(self) -> None:
        """Each kernel on the same tensors, its output where it was."""
        self.repeated += 1
        for func, args, kwargs, out in self.calls:
            for place, value in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(place, Tensor) and place.data_ptr() != value.data_ptr():
                    place.copy_(value)


def captured(steps: Callable[[], None]) -> Kernels:
    """The kernels of `steps`, after a warm-up."""
    steps()
    with Kernels() as kernels:
        steps()
    return kernels
