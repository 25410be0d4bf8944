"""What a recording is made of: tensors with their gradients, and the operations that they go through."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import Formula
from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map
from manual_backprop.record.formulas import formula_of

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"
MOST_LISTED = 4  # symbols or numbers in a row


@dataclass(eq=False)
class Value:
    """A tensor of the step.

    Attributes:
        symbol: as it is written, "W²".
        name: as the model has it, "2.weight"; "" for what has none.
        kind: "input", "parameter", "intermediate", "loss" or "constant".
        tensor: its numbers.
        gradient: ∂L/∂ of it; None where nothing comes back.
        uses: the operations that it goes into.
        identifier: as it is written in code, "W2".
    """

    symbol: str
    name: str
    kind: str
    tensor: Tensor
    gradient: Tensor | None = None
    uses: list["Call"] = field(default_factory=list)
    identifier: str = ""

    @property
    def norm(self) -> float:
        """The Euclidean norm of its numbers."""
        return norm(self.tensor)

    @property
    def zeros(self) -> float:
        """The share of its numbers that are zero."""
        return share_of_zeros(self.tensor)

    @property
    def per_example(self) -> bool:
        """Whether its rows are examples."""
        return self.kind in ("input", "intermediate") and self.tensor.dim() >= 2

    def places(self) -> list[tuple["Call", int]]:
        """The operations that it goes into, each with its place among the inputs."""
        return [
            (call, at)
            for call in dict.fromkeys(self.uses)
            for at, used in enumerate(call.inputs)
            if used is self
        ]

    @property
    def used_again(self) -> bool:
        """Whether its gradient is a sum over several uses."""
        return len(self.uses) > 1

    @property
    def gradient_symbol(self) -> str:
        """How ∂L/∂ of it is written: δ where it is a pre-activation."""
        is_z = self.symbol[:1] == "z" and self.symbol.rstrip(SUPERSCRIPTS) == "z"
        return "δ" + self.symbol[1:] if is_z else f"∂L/∂{self.symbol}"


@dataclass(eq=False)
class Call:
    """One operation.

    Attributes:
        place: where in the model, "0" or "loss"; "" for the model itself.
        operation: its name.
        by_hand: whether its backward is this package's.
        arguments: what it was given, tensors as Values.
        outputs: what came out.
        gradients: what came back to each input, by its place among `inputs`; to be summed over its uses.
        built_in: the same by PyTorch's own backward, where this one is hand-written: the number, or the
            norm of many.
        ulps: the largest difference of the two, in ulps of the largest entry.
        rule: the operation itself, where it is this package's.
    """

    place: str
    operation: str
    by_hand: bool
    arguments: tuple[Any, ...]
    outputs: list[Value] = field(default_factory=list)
    gradients: dict[int, Tensor] = field(default_factory=dict)
    built_in: dict[int, float] = field(default_factory=dict)
    ulps: dict[int, float] = field(default_factory=dict)
    rule: Any = None
    twin: Callable[..., Any] | None = None
    aliases: dict[int, Tensor] = field(default_factory=dict)
    result: Tensor | None = None

    @property
    def inputs(self) -> list[Value]:
        """The tensors among what it was given."""
        return [value for value in tree_leaves(self.arguments) if isinstance(value, Value)]

    def by_twin(self, tensors: Sequence[Tensor]) -> Any:
        """What the twin makes of these tensors, in the place of `inputs`."""
        assert self.twin is not None
        rest = iter(tensors)
        return self.twin(*tree_map(lambda a: next(rest) if isinstance(a, Value) else a, self.arguments))

    @property
    def output(self) -> Value:
        """What came out, the first of it."""
        return self.outputs[0]

    @property
    def positions(self) -> list[int]:
        """Of each of `inputs`, which argument it is, or is in."""
        return [
            position
            for position, argument in enumerate(self.arguments)
            for value in tree_leaves(argument)
            if isinstance(value, Value)
        ]

    @property
    def formula(self) -> Formula:
        """Its lines."""
        return formula_of(self.operation, self.by_hand)

    def line(self) -> str:
        """The forward formula in this step's symbols."""
        symbols = _listed([value.symbol for value in self.outputs])
        return f"{symbols} = {self._fill(self.formula.forward)}"

    def backward_line(self, at: int) -> str:
        """The backward formula of input `at` in this step's symbols, with += where other uses add to it."""
        value = self.inputs[at]
        right = self._fill(self.formula.gradient(self.positions[at]), at)
        return f"{value.gradient_symbol} {'+=' if value.used_again else '='} {right}"

    def local_derivative(self) -> Tensor | None:
        """∂out/∂in, number by number, of an elementwise function of one tensor."""
        slope = self.formula.slope
        return None if slope is None else slope(self.inputs[0].tensor, self.output.tensor)

    def chosen(self, template: str) -> str:
        """A formula with what these arguments leave of it."""

        def given(optional: re.Match[str]) -> str:
            position = int(optional[2])
            argument = self.arguments[position] if position < len(self.arguments) else None
            says_nothing = argument is None or (isinstance(argument, int | float) and argument == 1)
            return "" if says_nothing else optional[1]

        template = re.sub(r"‹([^›]*\{(\d)\}[^›]*)›", given, template)
        if "sum" not in self.arguments:  # the reduction
            return template
        for of_a_mean, of_a_sum in (("/N", ""), ("/n", ""), ("averaged", "summed"), ("mean of", "Σ")):
            template = template.replace(of_a_mean, of_a_sum)
        return template

    def _fill(self, template: str, at: int = 0) -> str:
        template = self.chosen(template)
        operands = [*map(written, self.arguments), *["…"] * 9]
        symbols = [value.symbol for value in self.inputs]
        filled = template.format(
            *operands,
            out=self.output.symbol,
            g="1" if self.output.kind == "loss" else self.output.gradient_symbol,
            all=_listed(symbols),
            last=operands[len(self.arguments) - 1],
            this=symbols[at],
            others=" ".join(symbols[:at] + symbols[at + 1 :]),
        )
        return filled.replace("  ", " ")  # where there are no others


def written(argument: Any) -> str:
    """An argument as it stands in a formula."""
    if isinstance(argument, Value):
        return argument.symbol
    if isinstance(argument, slice):
        ends = ["" if end is None else str(end) for end in (argument.start, argument.stop)]
        return ":".join(ends if argument.step is None else [*ends, str(argument.step)])
    if isinstance(argument, list | tuple):
        return _listed([written(part) for part in argument])
    return "…" if argument is ... else f"{argument:.6g}" if isinstance(argument, float) else str(argument)


def _listed(words: list[str]) -> str:
    return ", ".join(words if len(words) <= MOST_LISTED else [*words[: MOST_LISTED - 1], "…"])


def superscript(number: int) -> str:
    """12 → ¹²."""
    return str(number).translate(str.maketrans("0123456789", SUPERSCRIPTS))


def subscript(number: int) -> str:
    """12 → ₁₂."""
    return str(number).translate(str.maketrans("0123456789", SUBSCRIPTS))


def norm(tensor: Tensor) -> float:
    """‖·‖₂ in float64, so that it neither overflows nor loses a small number."""
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64)) if tensor.is_floating_point() else 0.0


def matrix(tensor: Tensor) -> Tensor:
    """As rows and columns; a vector is one row."""
    return tensor.reshape(len(tensor), -1) if tensor.dim() > 1 and tensor.numel() else tensor.reshape(1, -1)


def share_of_zeros(tensor: Tensor) -> float:
    """The share of exact zeros, 0 for a tensor without numbers."""
    return 1 - int(torch.count_nonzero(tensor)) / tensor.numel() if tensor.numel() else 0.0
