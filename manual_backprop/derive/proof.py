"""A derivation is shown only after its code has given autograd's gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

DRAWS = 3
ROUNDINGS = 1e-9  # relative to the largest entry, in float64


class Disproved(Exception):  # noqa: N818 - a defect of this package, which is told and not printed over
    """The code that was written does not give autograd's gradients."""


def module_of(source: str) -> dict[str, Any]:
    """What a file defines."""
    scope: dict[str, Any] = {"__name__": "derived"}
    exec(compile(source, "<derived>", "exec"), scope)
    return scope


def prove(
    source: str,
    function: Callable[..., Any],
    points: Sequence[Sequence[Tensor]],
    differentiable: Sequence[int],
    used: Sequence[int],
) -> None:
    """Run the file's forward and backward at each point, beside the function and autograd.

    Args:
        source: the file.
        function: what was derived.
        points: the inputs.
        differentiable: the positions of those that have a gradient.
        used: the positions of those that the file's forward takes.

    Raises:
        Disproved: they differ.
    """
    scope = module_of(source)
    for number, point in enumerate(points):
        leaves = [x.detach().clone().requires_grad_(i in differentiable) for i, x in enumerate(point)]
        output = function(*leaves)
        upstream = torch.randn(
            output.shape, generator=torch.Generator().manual_seed(number), dtype=output.dtype
        )
        wanted = [leaves[i] for i in differentiable]
        expected = torch.autograd.grad(output, wanted, upstream, allow_unused=True)
        with torch.no_grad():
            value, cache = scope["forward"](*(point[i].clone() for i in used))
            given = scope["backward"](upstream, cache)
        gradients = given if isinstance(given, tuple) else (given,)
        _compare("the output", value, output.detach())
        for i, mine, theirs in zip(differentiable, gradients, expected, strict=True):
            right = torch.zeros_like(leaves[i]) if theirs is None else theirs
            _compare(f"the gradient of input {i}", torch.zeros_like(right) if mine is None else mine, right)


def _compare(what: str, given: Tensor, right: Tensor) -> None:
    scale = float(right.abs().max()) if right.numel() else 0.0
    if given.shape != right.shape:
        raise Disproved(f"derive: {what} has shape {tuple(given.shape)}, expected {tuple(right.shape)}")
    error = float((given - right).abs().max()) if right.numel() else 0.0
    if not error <= ROUNDINGS * max(scale, 1.0):
        raise Disproved(f"derive: {what} is off by {error:.3g}, of {scale:.3g}: please report this forward")
