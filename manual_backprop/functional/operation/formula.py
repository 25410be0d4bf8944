"""What an operation computes and what its backward multiplies with what, in one line of mathematics each.

In the lines, {out} is what comes out, {0}, {1}, … are the arguments, in the order of the operation's own
`forward`, {all} is every tensor among them, {last} the last argument, and {g} is the upstream gradient
∂L/∂out; {this} is the argument that a line of the backward is about, or the first, and {others} the other
tensors. What stands in ‹…› is left out where its argument is None, or is the number 1 and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Kind = Literal[
    "layer",  # weights and inputs make a pre-activation
    "activated layer",  # a layer together with its activation
    "recurrent layer",
    "activation",  # of one tensor, number by number, between two layers
    "elementwise",  # number by number
    "normalisation",  # over a dimension: softmax, batch norm, …
    "pooling",
    "attention",
    "product",
    "reduction",
    "choice",  # numbers picked by their places
    "shape",
    "loss",
    "other",
]
FORMULAS: dict[str, "Formula"] = {}
"""The formula of each operation, by its name."""


@dataclass(frozen=True)
class Formula:
    """An operation in one line of mathematics, forward and backward.

    Attributes:
        name: of the operation.
        kind: what it is for.
        forward: what comes out.
        backward: ∂L/∂ of each argument; the last line stands for those after it.
        slope: of an elementwise function of one tensor: its derivative, from what goes in and what comes out.
        delta: what δ stands for in `backward`, where it has to be formed first.
        reordered: whether PyTorch's own function of this name takes its arguments in another order than
            `forward`.
    """

    name: str
    kind: Kind
    forward: str
    backward: tuple[str, ...]
    slope: Callable[[Tensor, Tensor], Tensor] | None = None
    delta: str = ""
    reordered: bool = False

    def gradient(self, at: int) -> str:
        """∂L/∂ of argument `at`."""
        line = self.backward[min(at, len(self.backward) - 1)]
        return f"δ = {self.delta}; {line}" if self.delta else line


def bare(name: str) -> Formula:
    """What can be written of a function of which the name alone is known."""
    return Formula(name, "other", f"{name}({{all}})", (f"{name}′({{g}})",))
