"""What `linear_relu` is held to."""

from collections.abc import Callable

import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import LAYERS, Drawn, calls
from tests.functional.samples import Mutant, Row
from tests.functional.table.linear import LINEAR, linear, weighted_sums
from tests.functional.table.relu import relu


def linear_relu(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None) -> tuple[Tensor, ...]:
    return linear(*relu(grad_output, weighted_sums(x, W, b)), x, W, b)


def after_linear(activation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda x, W, b=None: activation(T.linear(x, W, b))


GATED = "gate(grad_output, a)"

ROW = Row(
    name="linear_relu",
    function=F.linear_relu,
    twin=after_linear(T.relu),
    derivation=linear_relu,
    keeps=frozenset({"input 0", "input 1", "output"}),
    samples=LINEAR,
    mutants=(
        Mutant("ReLU's slope left out", GATED, "grad_output"),
        Mutant("the wrong half passes", GATED, "grad_output.masked_fill(a > 0, 0)"),
        Mutant("a for its sign", GATED, "grad_output * a"),
        Mutant("dropped minus", GATED, f"-{GATED}"),
        Mutant("upstream ignored", GATED, "gate(a * 0 + 1, a)"),
        Mutant("the gradient clipped, not the activation", GATED, "grad_output.clamp(min=0)"),
    ),
    drawn=Drawn(calls(LAYERS)),
)
