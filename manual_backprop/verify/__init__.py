"""Is my derivation right, and if not, what is wrong with it?"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from reprlib import repr as shortened
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.computation import (
    Computation,
    first_number_of,
    is_computation,
    is_function_class,
    parameters_of,
)
from manual_backprop.derive.forms.given import inputs_of, shapes_given
from manual_backprop.derive.numbers import doubles
from manual_backprop.functional.operation.torch_state import tree_map
from manual_backprop.verify.draws import draws_of
from manual_backprop.verify.findings import Diagnosis, Status
from manual_backprop.verify.forms.asked import question_of
from manual_backprop.verify.forms.held import first_number_of as first_number_of_object
from manual_backprop.verify.forms.objects import is_network, is_object, is_object_class
from manual_backprop.verify.forms.question import Asked
from manual_backprop.verify.forms.returned import Misfit
from manual_backprop.verify.judging.judge import judge
from manual_backprop.verify.judging.oracles import confirm
from manual_backprop.verify.judging.several_outputs import of_each_output
from manual_backprop.verify.problem import Malformed, Problem, Unjudged
from manual_backprop.verify.reporting.report import Evidence, Report, Verdict
from manual_backprop.verify.settings import untransformed, with_gradients

__all__ = ["Diagnosis", "Report", "Verdict", "verify"]


def verify(
    forward: Computation | Any,
    backward: Callable[..., Any] | None = None,
    *,
    against: Computation | None = None,
    inputs: Sequence[Any] | Mapping[str, Any] | Tensor | None = None,
    shapes: Sequence[Any] | Mapping[str, Any] | str | None = None,
    cache: bool | None = None,
    seed: int = 0,
) -> Report:
    """Judge a derivation: right or wrong for each input, and where it is wrong, which mistake explains it.

    It is taken in the form that it has, in torch or in NumPy:

    - `forward(x, w)` and `backward(grad_output, x, w)`;
    - `forward(x, w) → (out, cache)` and `backward(grad_output, cache)`;
    - several outputs, `forward(…) → ((h, c), cache)` or `(h, c, cache)`, and as many upstream gradients, one
      by one or as a tuple: each output is judged alone, then all together;
    - `loss(w, x, y)` and `gradient(w, x, y)` or `backward(x, y, cache)`, which take no upstream gradient;
    - `loss(params, x) → (loss, grads)`, without a backward;
    - an object with `forward(x)` and `backward(grad_output)` that leaves the gradients of its arrays in
      itself, `self.dW` of `self.W`, or in `self.grads`, or that moves them by a `learning_rate`; a loss with
      `loss(x, y)` and `gradient(x, y)`; or one with `params` and `loss(x, y)`. The methods may also be
      `__call__`, `forward_pass`, `backward_pass`, …, and leave their results in `self.output`, `self.dx`.

    Gradients are returned as an array, a tuple, a list, or a dictionary with the names of the inputs, "W" or
    "dW". Those of a loss may be of some inputs only.

    Args:
        forward: what is computed, a function of tensors made of differentiable torch functions, or of arrays.
            With `against`, what has a backward of its own, which is judged: a function, a
            torch.autograd.Function, a module (each parameter's gradient is judged too), or a module with its
            loss as a pair, whose last input is the loss's target.
        backward: what was derived: `backward(grad_output, *inputs)` returns ∂L/∂input for each input. It also
            gets the forward's output if it has a parameter named `output`.
        against: in place of `backward`, the same computation, whose gradient by autograd is right. A module
            is given the parameters of the one that is judged.
        inputs: what to judge on: the arguments of the forward in order, or by name in a dictionary. Tensors
            and arrays of real numbers have a gradient, also in dictionaries and lists; integers, truths,
            masks and whatever else there is are passed on, and so is a plain number whose gradient is not
            returned.
        shapes: or their shapes, [(5, 3), (7, 3)] or "(5,3) (7,3)"; (5, 3) is that of a single input. Float64
            numbers are drawn (for a module, numbers of its parameters' type), away from zero. Sizes that
            differ from one another (primes, say) make a wrong transpose show. A tensor or an array in this
            list is taken as it is, and so are flags and options, "train" or {"stride": 1}; a dictionary of
            shapes is one of inputs.
        cache: whether the last thing that the forward returns is for the backward alone; by default that is
            seen by what it returns and by the backward's parameters.
        seed: of the random numbers, those of a forward that draws some too.

    Returns:
        A report, truthy if every gradient is right; print it to read it, `plot` it to see it. It also tells
        what becomes of a derivation where an input is exactly zero and where the upstream gradient is
        expanded, transposed or strided, whether it writes over what it is given and, with `against`, whether
        its second derivatives are right.

    What the caller has set is neither felt nor changed: `torch.no_grad`, `torch.inference_mode`,
    `torch.autocast`, the random state. It may be called inside a function that torch.func transforms.

    Raises:
        TypeError: what is judged cannot be called; both `backward` and `against` are given, or neither, and
            the forward returns no gradients; not exactly one of `inputs` and `shapes` is given; there is no
            array among the inputs.
        ValueError: the shapes are none; the two modules have different parameters.
    """
    _require_computations(forward, backward, against)
    if (inputs is None) == (shapes is None):
        raise TypeError("verify: give either inputs= or shapes=")
    given = inputs_of("verify", inputs) if inputs is not None else shapes_given("verify", shapes)
    if against is not None:
        _require_same(parameters_of(forward), parameters_of(against))
    given = tree_map(lambda x: untransformed(x) if isinstance(x, Tensor) else x, given)
    like = first_number_of_object(forward) if is_object(forward) else first_number_of(forward)

    def question() -> Asked:
        try:
            return question_of(
                forward, backward, against, given, drawn=inputs is None, cache=cache, seed=seed
            )
        except Misfit as reason:
            if backward is not None or (is_object(forward) and not is_network(forward)):
                raise Malformed(str(reason)) from reason
            raise TypeError(
                f"verify: give either a backward or against=, a function to compare with; {reason}"
            ) from None

    def judged() -> Report:
        try:
            return _report(question(), like, fresh=inputs is None, seed=seed)
        except Unjudged as reason:
            return Report("unjudged", problem=str(reason))
        except Malformed as reason:
            return Report("malformed", problem=str(reason))

    return with_gradients(judged)


def _report(question: Asked, like: Tensor | None, *, fresh: bool, seed: int) -> Report:
    problem, points = question.problem, question.points
    if reason := _unjudgeable(problem, points):
        raise Unjudged(reason)
    if like is None:
        device = next((x.device for x in points if isinstance(x, Tensor)), torch.get_default_device())
        like = torch.empty(0, dtype=torch.float64, device=device)
    if fresh and like.is_meta:
        raise Unjudged("on the meta device, where numbers would be drawn, there are none")
    with nullcontext() if problem.has_convention else doubles():
        draws = draws_of(problem, points, like, fresh=fresh, seed=seed)
        oracles = confirm(problem, draws[0])
        judgement = of_each_output(question, draws) if question.alone else judge(problem, draws)
    verdicts = tuple(Verdict(**vars(finding)) for finding in judgement.findings)
    order: tuple[Status, ...] = ("right", "unjudged", "wrong", "malformed")
    found = [verdict.status for verdict in verdicts]
    return Report(
        max([*found, "wrong"] if judgement.flaw else found, key=order.index),
        verdicts,
        oracles,
        problem=judgement.flaw,
        remark=" ".join(filter(None, (judgement.remark, question.remark))),
        second_derivatives=judgement.second_derivatives,
        evidence=Evidence(problem, draws[0]),
    )


def _require_computations(forward: Any, backward: Any, against: Any) -> None:
    for name, value in (("forward", forward), ("against", against)):
        if isinstance(value, type) and not is_function_class(value) and is_object_class(value):
            raise TypeError(
                f"verify: {name} must be a layer, got its class: give one, such as {value.__name__}(…)"
            )
        if not (is_computation(value) or is_object(value) or (value is None and name == "against")):
            raise TypeError(
                f"verify: {name} must be a function, a module, a module with its loss, or an object with "
                f"forward and backward or loss and gradient, got {shortened(value)}"
            )
    if backward is not None and not callable(backward):
        raise TypeError(f"verify: backward must be a function, got {shortened(backward)}")
    if backward is not None and against is not None:
        raise TypeError("verify: give either a backward or against=, a function to compare with")


def _unjudgeable(problem: Problem, points: Sequence[Tensor | tuple[int, ...]]) -> str:
    """Why no derivative can be compared at these points; "" if one can."""
    tensors = [(name, x) for name, x in zip(problem.names, points, strict=True) if isinstance(x, Tensor)]
    for name, x in tensors:
        if x.is_complex():
            return f"an input is {x.dtype}; only derivatives with respect to real numbers can be judged"
        if x.is_meta:
            return f"{name} is on the meta device, where a tensor has no numbers"
    if len(tensors) == len(points) and not any(x.is_floating_point() for _, x in tensors):
        return (
            "no input has a gradient: all are integers; only derivatives with respect to real numbers can "
            "be judged"
        )
    return ""


def _require_same(judged: dict[str, Tensor], reference: dict[str, Tensor]) -> None:
    ours, theirs = ({name: tuple(p.shape) for name, p in side.items()} for side in (judged, reference))
    if reference and ours != theirs:
        different = sorted(set(ours.items()) ^ set(theirs.items()))
        raise ValueError(f"verify: the two modules have different parameters: {different}")
