"""The backward of a composition, written out as a person would: to be read, as code, and as mathematics."""

from collections.abc import Sequence
from reprlib import repr as shortened
from typing import Any, Literal

from torch import Tensor

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
from manual_backprop.derive.deriving import Forward, derived
from manual_backprop.derive.proof import Disproved
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
    what = Forward(function, names, frozenset(buffers))
    return derived(what, [*given, *held.values()], elementary=depth == "elementary", seed=seed)
