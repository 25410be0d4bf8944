"""What runs NumPy code on torch tensors, in one place."""

from manual_backprop.derive.arrays.array import TracedArray
from manual_backprop.derive.arrays.tensors import Untraceable, as_tensor
from manual_backprop.derive.arrays.tracing import tracing

__all__ = ["TracedArray", "Untraceable", "as_tensor", "tracing"]
