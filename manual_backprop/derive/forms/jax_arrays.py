"""Arrays of JAX as tensors."""

from typing import Any

from torch import Tensor


def is_jax(value: Any) -> bool:
    """Whether it is an array of JAX."""
    return False


def to_jax(tensor: Tensor) -> Any:
    """A tensor as an array of JAX."""
    raise NotImplementedError


def from_jax(array: Any) -> Tensor:
    """An array of JAX as a tensor."""
    raise NotImplementedError
