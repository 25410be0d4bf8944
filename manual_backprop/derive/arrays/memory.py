"""An array's numbers as NumPy code sees them: views show the same memory, and what is written shows in them.

autograd does not let a tensor be overwritten whose numbers a backward needs. So an array that is written to
takes a new tensor where the old one is needed still, and its views are read again when they are next used.
"""

from collections.abc import Callable
from typing import Any, Self
from weakref import ReferenceType, ref

import torch
from torch import Tensor

from manual_backprop.derive.arrays.tensors import Held, shares_memory

Read = Callable[[Tensor], Tensor]
Write = Callable[["Memory", Tensor], None]


class Memory(Held):
    """A tensor, or a view of another array's.

    Attributes:
        owner: the array whose memory is shown; itself where it is not a view.
        kept: of an owner, whether its tensor is needed as it is: by a backward, or by whoever gave it.
        version: of an owner, how many times its memory was written to.
        turned: whether it shows the other one in reverse, which torch copies.
        selected: of what a mask has picked, the whole array and the mask, until it is used otherwise.
    """

    __slots__ = (
        "__weakref__", "_parent", "_read", "_scalars", "_seen", "_write", "index", "kept", "owner",
        "selected", "turned", "version",
    )  # fmt: skip

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self._parent: Memory | None = None
        self._read: Read | None = None
        self._write: Write | None = None
        self._seen = self.version = 0
        self.index: Any = None
        self.owner: Memory = self
        self.kept = True
        self.turned = False
        self.selected: tuple[Tensor, Tensor] | None = None
        self._scalars: list[ReferenceType[Memory]] = []

    @property
    def tensor(self) -> Tensor:
        """The numbers as they are now."""
        if self.selected is not None:
            whole, mask = self.selected
            self._tensor, self.selected = whole[mask], None
            self.kept = self._tensor.requires_grad
        if self._parent is not None and self._read is not None and self._seen != self.owner.version:
            self._tensor = self._read(self._parent.tensor)
            self._seen = self.owner.version
        return self._tensor

    @classmethod
    def made(cls, tensor: Tensor) -> Self:
        """The array of a tensor that has just been computed."""
        array = cls(tensor)
        array.kept = tensor.requires_grad
        return array

    def view(self, read: Read, write: Write, index: Any = None, part: Tensor | None = None) -> Self:
        """What `read` makes of this array's tensor, or the `part` that it is; `write` puts others there."""
        given = self.tensor
        array = self.made(read(given) if part is None else part)
        array.owner, array.turned = self.owner, self.turned
        if array._tensor.dim() or not given.dim():
            array._parent, array._read, array._write, array.index = self, read, write, index
            array._seen = self.owner.version
        else:  # a scalar does not change
            self.owner._scalars.append(ref(array))
        return array

    def assign(self, new: Tensor) -> None:
        """All numbers are those of `new` from now on."""
        self.selected = None
        if self._parent is not None and self._write is not None:
            self._write(self._parent, new)
            self._tensor, self._seen = new, self.owner.version
            return
        self._tensor = new
        self.kept = new.requires_grad
        self._changed()

    def put(self, index: Any, value: Any) -> None:
        """The numbers at an index are others from now on."""
        if self._parent is not None:
            new = self.tensor.clone()
            new[index] = value
            self.assign(new)
            return
        if _is_mask_of(index, self.tensor) and isinstance(value, int | float):
            self.assign(self.tensor.masked_fill(index, value))  # whatever the mask, the sizes are the same
            return
        if self.selected is not None or self.kept or any(scalar() is not None for scalar in self._scalars):
            self._tensor = self.tensor.clone()
            self.kept = False
        self._tensor[index] = value
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._scalars.clear()

    def is_used_by(self, result: Tensor) -> None:
        """What was computed of it may need it as it is, or lie in the same memory."""
        if result.requires_grad or shares_memory(result, self._tensor):
            self.owner.kept = True

    def is_current_view_of(self, parent: "Memory", index: Any) -> bool:
        """Whether it shows the parent's part at an index as it is now."""
        same = self.index is index or (isinstance(index, slice) and self.index == index)
        return same and self._parent is parent and self._seen == self.owner.version


def _is_mask_of(index: Any, tensor: Tensor) -> bool:
    """Whether an index is a truth for each element."""
    return isinstance(index, Tensor) and index.dtype == torch.bool and index.shape == tensor.shape
