"""Tensors of different types in one call: the type of the value and of each gradient is the twin's."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.outcomes import Twins, difference, outcome_of
from tests.functional.samples import randn

TYPES = (torch.float32, torch.float16, torch.float64, torch.int64, torch.complex64)
OF_TWO = (*TYPES, torch.bfloat16, torch.bool)
ROW, MATRIX, IMAGES = (3,), (5, 3), (2, 3, 5, 5)
Shapes = tuple[tuple[int, ...], ...]
NAMES = "abc"

PRODUCTS: dict[str, Shapes] = {
    "mm(a, b)": (MATRIX, (3, 2)),
    "bmm(a, b)": ((2, 5, 3), (2, 3, 2)),
    "mv(a, b)": (MATRIX, ROW),
    "dot(a, b)": (ROW, ROW),
    "matmul(a, b)": ((2, 5, 3), (3, 2)),
    "addmm(a, b, c)": ((5, 2), MATRIX, (3, 2)),
    "baddbmm(a, b, c)": ((2, 5, 2), (2, 5, 3), (2, 3, 2)),
    "linear(a, b)": (MATRIX, (7, 3)),
    "linear(a, b, c)": (MATRIX, (7, 3), (7,)),
    "conv2d(a, b)": (IMAGES, (4, 3, 2, 2)),
    "conv2d(a, b, c)": (IMAGES, (4, 3, 2, 2), (4,)),
    "scaled_dot_product_attention(a, b, c)": ((2, 3, 5), (2, 4, 5), (2, 4, 5)),
    "scaled_dot_product_attention(a, a, a, b.detach())": ((2, 3, 5), (3, 3)),
}
ELEMENTWISE: dict[str, Shapes] = {
    **{f"{name}(a, b)": (MATRIX, ROW) for name in ("add", "sub", "mul", "div", "pow")},
    **{f"{name}(b, a)": (MATRIX, ()) for name in ("add", "sub", "mul", "div", "pow")},
    **{f"{name}(a, b * 1)": (MATRIX, ()) for name in ("add", "sub", "mul", "div", "pow")},
    "div(a, b, rounding_mode='floor')": (MATRIX, ROW),
    "where(mask, a, b)": (MATRIX, ROW),
    "where(mask, b, a)": (MATRIX, ()),
    "masked_fill(a, mask, b)": (MATRIX, ()),
    "cat((a, b))": (MATRIX, (2, 3)),
    "stack((a, b))": (MATRIX, MATRIX),
}
LOSSES: dict[str, Shapes] = {
    f"{name}(a, b{option}{reduction})": (MATRIX, MATRIX)
    for name, options in {
        "mse_loss": ("",),
        "l1_loss": ("",),
        "huber_loss": ("",),
        "smooth_l1_loss": ("", ", beta=0"),
        "kl_div": ("", ", log_target=True"),
        "binary_cross_entropy_with_logits": ("",),
        "cross_entropy": ("", ", label_smoothing=0.1"),
    }.items()
    for option in options
    for reduction in ("", ", reduction='sum'", ", reduction='none'")
}
WEIGHTED: dict[str, Shapes] = {
    **{f"{name}(a, b, weight=c)": (MATRIX,) * 3 for name in ("mse_loss", "l1_loss", "huber_loss")},
    **{
        f"{name}(a, b, weight=c, reduction='none')": (MATRIX,) * 3
        for name in ("mse_loss", "l1_loss", "huber_loss")
    },
    "binary_cross_entropy_with_logits(a, b, c.detach())": (MATRIX, MATRIX, ROW),
    "binary_cross_entropy_with_logits(a, b, pos_weight=c.detach())": (MATRIX, MATRIX, ROW),
    "cross_entropy(a, b, c.detach())": (MATRIX, MATRIX, ROW),
    "cross_entropy(a, y, b.detach())": (MATRIX, ROW),
    "nll_loss(a, y, b.detach())": (MATRIX, ROW),
}
NORMALISED: dict[str, Shapes] = {
    "layer_norm(a, (3,), b)": (MATRIX, ROW),
    "layer_norm(a, (3,), None, b)": (MATRIX, ROW),
    "layer_norm(a, (3,), b, c)": (MATRIX, ROW, ROW),
    "rms_norm(a, (3,), b)": (MATRIX, ROW),
    "group_norm(a, 2, b)": ((5, 4, 3), (4,)),
    "group_norm(a, 2, b, c)": ((5, 4, 3), (4,), (4,)),
    "batch_norm(a, None, None, b, None, True)": ((5, 4, 3), (4,)),
    "batch_norm(a, None, None, b, c, True)": ((5, 4, 3), (4,), (4,)),
    "batch_norm(a, b.detach().clone(), c.detach().clone(), None, None, True)": ((5, 4, 3), (4,), (4,)),
    "batch_norm(a, b.detach(), c.detach())": ((5, 4, 3), (4,), (4,)),
}
CAST: dict[str, Shapes] = {
    f"{name}(a, 1, dtype=b.dtype)": (MATRIX, ()) for name in ("sum", "mean", "softmax", "log_softmax")
}
CALLS = ELEMENTWISE | PRODUCTS | LOSSES | WEIGHTED | NORMALISED | CAST
WITHOUT_TRUTH = {"bmm(a, b)", "baddbmm(a, b, c)", "conv2d(a, b)", "conv2d(a, b, c)"}
"""To which truth values are wrong in any case: ours names the pair of types, the twin the one."""


def has_gradient(dtype: torch.dtype) -> bool:
    return dtype.is_floating_point or dtype.is_complex


def of(dtype: torch.dtype, name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers from 0.2 on, in that type; a leaf that requires a gradient if it can."""
    x = (randn(*shape, seed=name).abs() + 0.2).to(dtype)
    return x.requires_grad_(has_gradient(dtype))


def combinations(call: str) -> list[tuple[torch.dtype, ...]]:
    """All pairs of types; of three tensors, two are of one type."""
    several = len(CALLS[call])
    types = [
        dtype for dtype in (OF_TWO if several == 2 else TYPES) if dtype.is_signed or call not in WITHOUT_TRUTH
    ]
    return [dtypes for dtypes in product(types, repeat=several) if len({*dtypes}) < 3]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_types_are_the_twins(call: str) -> None:
    known = {"mask": torch.tensor([True, False, True]), "y": torch.tensor([0, 2, 1, 1, 0])}
    function: Any = eval(f"lambda f, {', '.join(NAMES[: len(CALLS[call])])}: f.{call}", known)
    wrong = {}
    for dtypes in combinations(call):
        given = [of(*each) for each in zip(dtypes, NAMES, CALLS[call], strict=False)]
        ours, twins = (outcome_of(lambda *x, f=f: function(f, *x), given) for f in (F, Twins()))
        coarsest = max((torch.finfo(dtype).eps for dtype in dtypes if has_gradient(dtype)), default=0.0)
        told = difference(ours, twins, coarsest)
        if told:
            wrong[" × ".join(str(dtype)[6:] for dtype in dtypes)] = told
    assert wrong == {}
