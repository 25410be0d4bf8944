"""The precision of float32 products on CUDA: the engine's during its work, the caller's otherwise.

cuBLAS multiplies matrices, cuDNN convolves and runs recurrent networks; each may round its factors to TF32.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import torch

from manual_backprop.training.config import TrainingConfig


class HasPrecision(Protocol):
    """An engine that has asked `tf32_of`.

    Attributes:
        tf32: whether products are computed in TF32; None where nothing is to be set.
    """

    tf32: bool | None


E = TypeVar("E", bound=HasPrecision)
P = ParamSpec("P")
R = TypeVar("R")


def tf32_of(config: TrainingConfig, device: torch.device) -> bool | None:
    """Whether `config` asks for TF32 on a CUDA device; None on another one."""
    return config.precision == "tf32" if device.type == "cuda" else None


def in_its_precision(method: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
    """Decorate a method of an engine that computes matrix products."""

    @wraps(method)
    def computed(engine: E, /, *arguments: P.args, **options: P.kwargs) -> R:
        if engine.tf32 is None:
            return method(engine, *arguments, **options)
        with float32_products("tf32" if engine.tf32 else "ieee"):
            return method(engine, *arguments, **options)

    return computed


@contextmanager
def float32_products(precision: str) -> Iterator[None]:
    """Compute float32 products on CUDA in "ieee", which is full, or in "tf32"; afterwards as before.

    The settings for single operations follow the one for all of them until they are set themselves. So that
    one is set first, and another only if it does not follow, which keeps it as it was.
    """
    backends: Any = torch.backends  # whose attributes are not all declared
    cudnn, matmul = backends.cudnn, backends.cuda.matmul
    changed: list[tuple[Any, str]] = []
    try:
        for setting in (cudnn, matmul, cudnn.conv, cudnn.rnn):
            before = setting.fp32_precision
            if before != precision:
                changed.append((setting, before))
                setting.fp32_precision = precision
        yield
    finally:
        for setting, before in reversed(changed):
            setting.fp32_precision = "none"
            if setting.fp32_precision != before:  # it did not follow another one
                setting.fp32_precision = before
