"""What `dropout` is held to once its mask is drawn; `test_dropout.py` tests the drawing."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.activations.dropout import dropout
from tests.functional.drawn import ANY, ONE, Drawn, calls, mask_of
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, strided, transposed


def derived(grad_output: Tensor, x: Tensor, mask: Tensor, p: float) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        if mask[at]:
            grad[at] = grad_output[at] / (1 - p)  # ∂L/∂yᵢ · mᵢ / (1 − p)
    return (grad,)


def with_mask(function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The operation that `dropout` calls, which takes the mask as an input."""
    apply = function.__globals__["_dropout"]
    return lambda x, mask, p: apply(x, mask, p)


def twin(x: Tensor, mask: Tensor, p: float) -> Tensor:
    return x * (mask.to(x.dtype) / (1 - p) if p < 1 else mask.to(x.dtype) * 0)


def sample(name: str, x: Tensor, p: float = 0.3, **options: bool) -> Sample:
    mask = randn(*x.shape, seed="mask") > 0 if p < 1 else torch.zeros(x.shape, dtype=torch.bool)
    return Sample(name, (x,), {"mask": mask, "p": p}, **options)


FACTOR = "return dropped(grad_output, mask, ctx.p), None, None"

ROW = Row(
    name="dropout",
    function=with_mask(dropout),
    twin=twin,
    derivation=derived,
    keeps=frozenset({"mask"}),
    samples=(
        sample("a matrix", randn(5, 3)),
        sample("a number", randn()),
        sample("nearly all left out", randn(7), p=0.9),
        sample("all left out", randn(5), p=1.0, smooth=False),
        sample("reversed strides", transposed(randn(2, 3, 5))),
        sample("every second number", strided(randn(11))),
        sample("no examples", randn(0, 3)),
        sample("expanded", randn(3, 1).expand(3, 5), smooth=False),
        sample("zeros, kept or not", torch.zeros(7).double()),
        sample("infinities", torch.tensor([-inf, inf, nan, 1e4]).double(), smooth=False, finite=False),
    ),
    mutants=(
        Mutant("the factor 1/(1 − p) forgotten", FACTOR, "return grad_output * mask, None, None"),
        Mutant("mask forgotten", FACTOR, "return grad_output / (1 - ctx.p), None, None"),
        Mutant("mask turned round", FACTOR, FACTOR.replace("mask,", "~mask,")),
        Mutant("divided by p", FACTOR, FACTOR.replace("ctx.p", "1 - ctx.p")),
        Mutant("upstream ignored", FACTOR, FACTOR.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("factor taken twice", FACTOR, FACTOR.replace("p)", "p) / (1 - ctx.p)")),
        Mutant("the sign", FACTOR, FACTOR.replace("return ", "return -")),
        Mutant(
            "tangent without its mask",
            "return dropped(input_tangent, mask, ctx.p)",
            "return input_tangent / (1 - ctx.p)",
        ),
    ),
    mistakes=(
        (lambda f: f.dropout(randn(3), 1.5), "from 0 to 1, got 1.5"),
        (lambda f: f.dropout(randn(3), -0.5), "got -0.5"),
        (lambda f: f.dropout([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.dropout(torch.arange(3)), "got torch.int64"),
    ),
    adapt=with_mask,
    drawn=Drawn(calls(ONE, ANY, mask_of), each_by_itself=True),
)
