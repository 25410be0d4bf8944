"""A derivation is shown only after its code has given autograd's gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.numbers import doubles

DRAWS = 3
ROUNDINGS = 1e-7  # relative to the largest entry: PyTorch has the slope of hardsigmoid in float32


class Disproved(Exception):  # noqa: N818 - a defect of this package, which is told and not printed over
    """The code that was written does not give autograd's gradients."""


def module_of(source: str) -> dict[str, Any]:
    """What a file defines."""
    scope: dict[str, Any] = {"__name__": "derived"}
    exec(compile(source, "<derived>", "exec"), scope)
    return scope


@dataclass
class Proof:
    """What the code that is written has to give: the function's values and autograd's gradients.

    Attributes:
        function: what was derived.
        points: the inputs, several times.
        differentiable: the positions of those that have a gradient.
        used: the positions of those that the code takes.
        difference: the largest that was found, relative to the largest entry.
    """

    function: Callable[..., Any]
    points: Sequence[Sequence[Tensor]]
    differentiable: Sequence[int]
    used: Sequence[int]
    difference: float = 0.0

    @cached_property
    def expected(self) -> list[tuple[list[Tensor], list[Tensor], list[Tensor]]]:
        """The outputs, ∂L/∂ of each output, and the gradients, at each point."""
        found = []
        for number, point in enumerate(self.points):
            leaves = [
                x.detach().clone().requires_grad_(i in self.differentiable) for i, x in enumerate(point)
            ]
            with torch.enable_grad(), doubles():
                outputs = _listed(self.function(*leaves))
                with torch.no_grad():  # code in NumPy is run as it is
                    values = _listed(self.function(*(x.clone() for x in point)))
            generator = torch.Generator().manual_seed(number)
            upstreams = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for x in outputs]
            wanted = [leaves[i] for i in self.differentiable]
            gradients = torch.autograd.grad(outputs, wanted, upstreams, allow_unused=True)
            filled = [torch.zeros_like(x) if g is None else g for x, g in zip(wanted, gradients, strict=True)]
            found.append((values, upstreams, filled))
        return found

    def of(
        self,
        source: str,
        dialect: str,
        functions: tuple[str, str] = ("forward", "backward"),
        constants: Sequence[Tensor] = (),
    ) -> None:
        """Run a file at each point, and compare.

        Args:
            source: the file.
            dialect: in which it is written.
            functions: the names of its forward and its backward.
            constants: what its forward takes after the inputs.

        Raises:
            Disproved: it gives something else.
        """
        scope = module_of(source)
        for point, (outputs, upstreams, gradients) in zip(self.points, self.expected, strict=True):
            inputs = [x.clone() for x in (*(point[i] for i in self.used), *constants)]
            wanted = [*(i in self.differentiable for i in self.used), *(False for _ in constants)]
            values, given = RUNS[dialect](scope, functions, inputs, wanted, upstreams)
            for value, output in zip(values, outputs, strict=True):
                self._compare("the output", value, output)
            for i, mine, right in zip(self.differentiable, given, gradients, strict=True):
                self._compare(
                    f"the gradient of input {i}", torch.zeros_like(right) if mine is None else mine, right
                )

    def _compare(self, what: str, given: Tensor, right: Tensor) -> None:
        scale = float(right.abs().max()) if right.numel() else 0.0
        if given.shape != right.shape:
            raise Disproved(f"derive: {what} has shape {tuple(given.shape)}, expected {tuple(right.shape)}")
        error = float((given - right).abs().max()) if right.numel() else 0.0
        if not error <= ROUNDINGS * max(scale, 1.0):
            raise Disproved(
                f"derive: {what} is off by {error:.3g}, of {scale:.3g}: please report this forward"
            )
        self.difference = max(self.difference, error / max(scale, 1.0))


Run = tuple[list[Tensor], list[Tensor | None]]


def _torch(
    scope: dict[str, Any],
    functions: tuple[str, str],
    inputs: list[Tensor],
    differentiable: list[bool],
    upstreams: list[Tensor],
) -> Run:
    forward, backward = (scope[name] for name in functions)
    with torch.no_grad():
        *values, cache = forward(*inputs)
        return values, _listed(backward(*upstreams, cache))


def _numpy(
    scope: dict[str, Any],
    functions: tuple[str, str],
    inputs: list[Tensor],
    differentiable: list[bool],
    upstreams: list[Tensor],
) -> Run:
    forward, backward = (scope[name] for name in functions)
    *values, cache = forward(*(x.numpy() for x in inputs))
    if isinstance(values[0], tuple):
        values = [*values[0]]
    gradients = _listed(backward(*(v.numpy() for v in upstreams), cache))
    return [*map(_tensor, values)], [None if g is None else _tensor(g) for g in gradients]


def _tensor(value: Any) -> Tensor:
    return torch.tensor(np.ascontiguousarray(value).reshape(np.shape(value)))


def _function(
    scope: dict[str, Any],
    functions: tuple[str, str],
    inputs: list[Tensor],
    differentiable: list[bool],
    upstreams: list[Tensor],
) -> Run:
    leaves = [x.requires_grad_(wanted) for x, wanted in zip(inputs, differentiable, strict=True)]
    with torch.enable_grad():
        values = _listed(scope["Derived"].apply(*leaves))
    wanted = [x for x in leaves if x.requires_grad]
    gradients = torch.autograd.grad(values, wanted, upstreams, allow_unused=True)
    return [x.detach() for x in values], list(gradients)


def _listed(gradients: Any) -> list[Any]:
    return list(gradients) if isinstance(gradients, tuple | list) else [gradients]


RUNS: dict[str, Callable[..., Run]] = {"torch": _torch, "numpy": _numpy, "function": _function}
