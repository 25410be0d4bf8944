"""What `where` is held to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.shapes.where import where
from tests.functional.drawn import ANY, TWO, Drawn, calls, condition_of
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(grad_output: Tensor, x: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    grads = (torch.zeros(x.shape, dtype=x.dtype), torch.zeros(t.shape, dtype=t.dtype))
    places = [torch.arange(v.numel()).reshape(v.shape).expand(grad_output.shape) for v in (x, t)]
    chosen = condition.expand(grad_output.shape)
    for at in indices(grad_output):
        which = 0 if chosen[at] else 1
        grads[which].view(-1)[places[which][at]] += grad_output[at]
    return grads


def condition_last(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, t, condition: function(condition, x, t)


CHOSEN = "back_to(ctx.like[0], grad_output.where(condition, 0))"
REST = "back_to(ctx.like[1], torch.where(condition, 0, grad_output))"
HALF = randn(5, 3, seed="c") > 0

ROW = Row(
    name="where",
    function=condition_last(where),
    twin=condition_last(torch.where),
    derivation=derivation,
    keeps=frozenset({"condition"}),
    samples=(
        Sample("two matrices", (randn(5, 3), randn(5, 3, seed="t")), {"condition": HALF}),
        Sample("a row and a column", (randn(3), randn(5, 1)), {"condition": HALF}),
        Sample(
            "a condition for each row",
            (transposed(randn(5, 3)), randn(5, 3, seed="t")),
            {"condition": HALF[:, :1]},
        ),
        Sample("two numbers", (randn(), randn(seed="t")), {"condition": HALF}),
        Sample("always", (randn(5, 3), randn(5, 3, seed="t")), {"condition": torch.tensor(True)}),
        Sample("no examples", (randn(0, 3), randn(3)), {"condition": HALF[:0]}),
        Sample(
            "infinities and NaN",
            (torch.tensor([inf, 1.0, nan]).double(), torch.tensor([nan, -inf, 0.0]).double()),
            {"condition": torch.tensor([True, False, False])},
            smooth=False,
            finite=False,
        ),
    ),
    mutants=(
        Mutant("exchanged", CHOSEN, CHOSEN.replace("condition", "~condition")),
        Mutant("to both", REST, "back_to(ctx.like[1], grad_output)"),
        Mutant("sign of the rest", REST, "-" + REST),
        Mutant("upstream ignored", CHOSEN, CHOSEN.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("not summed over a broadcast", REST, "torch.where(condition, 0, grad_output)"),
        Mutant(
            "the condition's product with 1 + g",
            CHOSEN,
            "back_to(ctx.like[0], condition * (1 + grad_output))",
        ),
        Mutant(
            "tangent of x alone",
            "return torch.where(condition, x, t)",
            "return torch.where(condition, x, 0 * t)",
        ),
    ),
    mistakes=(
        (lambda f: f.where(torch.ones(5) > 0, torch.zeros(3), torch.zeros(5)), "size of tensor|must match"),
        (lambda f: f.where(torch.ones(5), torch.zeros(5), torch.zeros(5)), "bool"),
        (lambda f: f.where([True], torch.zeros(5), torch.zeros(5)), "Tensor"),
    ),
    adapt=condition_last,
    drawn=Drawn(calls(TWO, ANY, condition_of), each_by_itself=True),
)
