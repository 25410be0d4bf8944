"""The backward of a composition, written out as a person would: to be read, as code, and as mathematics."""

from collections.abc import Callable, Mapping, Sequence
from reprlib import repr as shortened
from typing import Any, Literal

from torch import Tensor

from manual_backprop.derive.array_forward import array_subject
from manual_backprop.derive.computation import (
    Computation,
    as_function,
    buffers_of,
    input_names,
    is_computation,
    is_function_class,
    is_module,
    parameters_of,
)
from manual_backprop.derive.derivation import Derivation
from manual_backprop.derive.deriving import Subject, derived
from manual_backprop.derive.forms.arguments import Arguments, arguments_of
from manual_backprop.derive.forms.frameworks import framework_of, framework_of_module, framework_of_values
from manual_backprop.derive.forms.given import inputs_of, shapes_given
from manual_backprop.derive.proof import Disproved
from manual_backprop.derive.trace import Underivable

__all__ = ["Depth", "Derivation", "Disproved", "Underivable", "derive"]

Depth = Literal["operation", "elementary"]


def derive(
    forward: Computation,
    *,
    shapes: Sequence[Any] | Mapping[str, Any] | str | None = None,
    inputs: Any = None,
    depth: Depth = "operation",
    seed: int = 0,
) -> Derivation:
    """The backward of a forward, as named steps in the forward's own names.

    The steps are those of the forward's own operations, each with its hand-written backward. The code is run
    in float64 and compared with autograd at several points before it is returned. A forward in NumPy is
    answered in NumPy: of `affine_forward(x, w, b)`, which returns `out, cache`, the source has
    `affine_forward` and `affine_backward(dout, cache)`.

    Args:
        forward: what is computed: a function of tensors or of NumPy arrays, with its cache or without, a
            module, or a module with its loss as a pair, whose last input is the loss's target. A module's
            parameters are inputs too; `fc1.weight` is called fc1_weight.
        shapes: of the inputs, [(5, 3), (7, 3)] or "(5,3) (7,3)"; a tensor or an array in this list, such as
            labels, is taken as it is, and so are flags and options. Or a dict of them by name. Sizes stand
            in the code as they are given.
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
    given = inputs_of("derive", inputs) if inputs is not None else shapes_given("derive", shapes)
    elementary = depth == "elementary"
    framework = framework_of(forward) or framework_of_values([given]) or framework_of_module(forward)
    names = tuple(given) if isinstance(given, dict) else input_names(forward, len(given))
    arguments = arguments_of(given, lambda count: input_names(forward, count), drawn=inputs is None)
    if framework == "numpy" and not is_module(forward):
        return derived(
            array_subject(forward, arguments, names), arguments.given, elementary=elementary, seed=seed
        )
    if framework == "jax":
        raise Underivable(
            "the forward is written in JAX, of which derive has no code: write it in NumPy or torch"
        )
    parameters, buffers = parameters_of(forward), buffers_of(forward)
    held = parameters | buffers
    function = as_function(forward, tuple(held))
    if not arguments.is_plain:
        function = _with_flags(function, arguments)
    subject = Subject(function, (*arguments.names, *held), frozenset(buffers))
    return derived(subject, [*arguments.given, *held.values()], elementary=elementary, seed=seed)


def _with_flags(function: Callable[..., Any], arguments: Arguments) -> Callable[..., Any]:
    count = len(arguments.names)

    def filled(*tensors: Tensor) -> Any:
        args, keywords = arguments.filled(tensors[:count])
        return function(*args, *tensors[count:], **keywords)

    return filled
