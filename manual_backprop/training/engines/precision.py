"""The precision of float32 matrix products on CUDA: the engine's during its work, the caller's otherwise."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

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
        matmul = torch.backends.cuda.matmul
        before = matmul.fp32_precision
        matmul.fp32_precision = "tf32" if engine.tf32 else "ieee"
        try:
            return method(engine, *arguments, **options)
        finally:
            matmul.fp32_precision = before

    return computed
