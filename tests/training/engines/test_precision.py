"""The settings of products are as they were, in every one of PyTorch's newer and older names for them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import torch

from manual_backprop.training.engines.precision import float32_products
from tests.training.forked import alone

PRECISIONS: dict[str, Callable[[Any], object]] = {
    "as PyTorch starts": lambda backends: None,
    "matrix products by the older name": lambda backends: setattr(backends.cuda.matmul, "allow_tf32", True),
    "cuDNN by the older name": lambda backends: setattr(backends.cudnn, "allow_tf32", False),
    "both older names, by one function": lambda backends: torch.set_float32_matmul_precision("high"),
    "bfloat16 on a CPU": lambda backends: torch.set_float32_matmul_precision("medium"),
    "everything in tf32": lambda backends: setattr(backends, "fp32_precision", "tf32"),
    "everything in full": lambda backends: setattr(backends, "fp32_precision", "ieee"),
    "CUDA in tf32": lambda backends: setattr(backends.cudnn, "fp32_precision", "tf32"),
    "CUDA in full": lambda backends: setattr(backends.cudnn, "fp32_precision", "ieee"),
    "convolutions in full": lambda backends: setattr(backends.cudnn.conv, "fp32_precision", "ieee"),
}
READINGS: dict[str, Callable[[Any], object]] = {
    "all": lambda backends: backends.fp32_precision,
    "cudnn": lambda backends: backends.cudnn.fp32_precision,
    "conv": lambda backends: backends.cudnn.conv.fp32_precision,
    "rnn": lambda backends: backends.cudnn.rnn.fp32_precision,
    "matmul": lambda backends: backends.cuda.matmul.fp32_precision,
    "mkldnn": lambda backends: backends.mkldnn.matmul.fp32_precision,
    "conv, older": lambda backends: backends.cudnn.allow_tf32,
    "matmul, older": lambda backends: backends.cuda.matmul.allow_tf32,
    "matmul, by a function": lambda backends: torch.get_float32_matmul_precision(),
}


def settings() -> dict[str, object]:
    """All of them; "refused" where PyTorch does not say, which it does where old and new names were mixed."""
    found: dict[str, object] = {}
    for name, read in READINGS.items():
        try:
            found[name] = read(torch.backends)
        except RuntimeError:
            found[name] = "refused"
    return found


def what_follows(work: Callable[[], object] | None, callers: str) -> list[dict[str, object]]:
    """The settings that a caller made, and those after each of a caller's later changes, in a new process."""
    PRECISIONS[callers](torch.backends)
    if work is not None:
        work()
    seen = [settings()]
    for everything in ("ieee", "tf32", "none"):
        torch.backends.fp32_precision = everything
        seen.append(settings())
    return seen


def products_in_both_precisions() -> None:
    for precision in ("ieee", "tf32", "ieee"):
        with suppress(KeyError), float32_products(precision):
            inside = settings()
            assert {inside[name] for name in ("conv", "rnn", "matmul")} == {precision}
            raise KeyError


@pytest.mark.parametrize("callers", PRECISIONS)
def test_the_callers_precisions_are_as_they_were_and_follow_each_other_as_before(callers: str) -> None:
    assert alone(what_follows, products_in_both_precisions, callers) == alone(what_follows, None, callers)
