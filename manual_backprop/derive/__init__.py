"""The backward of a composition, written out as a person would: to be read, as code, and as mathematics."""

from collections.abc import Sequence
from reprlib import repr as shortened
from typing import Any, Literal

import torch
from torch import Tensor

from manual_backprop.derive.backward import program_of, require_fixed_sizes, require_tensor
from manual_backprop.derive.computation import (
    Computation,
    as_function,
    buffers_of,
    input_names,
    is_computation,
    is_function_class,
    parameters_of,
)
from manual_backprop.derive.derivation import Derivation
from manual_backprop.derive.numbers import doubles, drawn, near
from manual_backprop.derive.proof import DRAWS, Disproved, Proof
from manual_backprop.derive.shapes import shapes_of
from manual_backprop.derive.trace import Underivable

__all__ = ["Depth", "Derivation", "Disproved", "Underivable", "derive"]

Depth = Literal["operation", "elementary"]


def derive(
    forward: Computation,
    *,
    shapes: Sequence[Any] | str | None = None,
    inputs: Sequence[Tensor] | Tensor | None = None,
    depth: Depth = "operation",
    seed: int = 0,
) -> Derivation:
    """The backward of a forward, as named steps in the forward's own names.

    The steps are those of the forward's own operations, each with its hand-written backward. The code is run
    in float64 and compared with autograd at several points before it is returned.

    Args:
        forward: what is computed: a function of tensors, a module, or a module with its loss as a pair, whose
            last input is the loss's target. A module's parameters are inputs too; `fc1.weight` is called
            fc1_weight.
        shapes: of the inputs, [(5, 3), (7, 3)] or "(5,3) (7,3)"; a tensor in this list, such as labels, is
            taken as it is. Sizes stand in the code as they are given.
        inputs: or the inputs themselves.
        depth: "operation", the short one; "elementary": every softmax, norm and loss taken apart into
            arithmetic.
        seed: of the random numbers.

    Raises:
        TypeError: what is derived cannot be called, or not exactly one of shapes and inputs is given.
        ValueError: the shapes are none, or depth is another one.
        Underivable: a step cannot be written out: an operation without a hand-written backward, or one that
            depends on values; with the line of the forward in which it stands.
        Disproved: the code does not give autograd's gradients, which is a defect of this package.
    """
    if not is_computation(forward) or is_function_class(forward):
        raise TypeError(
            "derive: forward must be a function of tensors, a module, or a module with its loss, "
            f"got {shortened(forward)}"
        )
    if depth not in ("operation", "elementary"):
        raise ValueError(f"derive: depth must be operation or elementary, got {depth!r}")
    if (inputs is None) == (shapes is None):
        raise TypeError("derive: give either inputs= or shapes=")
    if inputs is not None:
        given: list[Any] = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        for value in given:
            if not isinstance(value, Tensor):
                raise TypeError(f"derive: inputs must be tensors, got {shortened(value)}")
    else:
        given = [*shapes_of("derive", shapes)]
    parameters, buffers = parameters_of(forward), buffers_of(forward)
    held = parameters | buffers
    function = as_function(forward, tuple(held))
    names = (*input_names(forward, len(given)), *held)
    given = [_double(x) for x in (*given, *held.values())]
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=[]), doubles():
        point = drawn(function, given, seed)
        differentiable = [
            i
            for i, (name, x) in enumerate(zip(names, point, strict=True))
            if x.is_floating_point() and name not in buffers
        ]
        derivation = _derivation(function, names, given, point, differentiable, depth, seed)
    derivation.source()
    return derivation


def _derivation(
    function: Any,
    names: Sequence[str],
    given: Sequence[Any],
    point: tuple[Tensor, ...],
    differentiable: list[int],
    depth: Depth,
    seed: int,
) -> Derivation:
    with torch.no_grad():
        output = function(*(x.clone() for x in point))
    require_tensor(output)
    upstream = torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=output.dtype)
    elementary = depth == "elementary"

    def program(of: Any, taken_apart: bool) -> Any:
        return program_of(function, names, point, differentiable, of, elementary=taken_apart)

    whole = program(upstream, elementary)
    require_fixed_sizes(whole)
    short = whole if output.dim() else program(None, elementary)
    long = None if elementary else program(upstream if output.dim() else None, True)
    generator = torch.Generator("cpu").manual_seed(seed + 1)
    others = [
        tuple(near(x, generator) if isinstance(g, Tensor) else x for g, x in zip(given, more, strict=True))
        for more in (drawn(function, given, seed + n) for n in range(1, DRAWS))
    ]
    used = [i for i, node in enumerate(whole.inputs) if node in whole.parameters]
    return Derivation(whole, short, long, Proof(function, [point, *others], differentiable, used))


def _double(x: Any) -> Any:
    return x.detach().double() if isinstance(x, Tensor) and x.is_floating_point() else x
