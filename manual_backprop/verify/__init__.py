"""Is my derivation right, and if not, what is wrong with it?"""

from collections.abc import Callable, Sequence
from reprlib import repr as shortened
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.computation import (
    Computation,
    as_function,
    first_number_of,
    input_names,
    is_computation,
    parameters_of,
)
from manual_backprop.derive.shapes import shapes_of
from manual_backprop.verify.draws import draws_of
from manual_backprop.verify.findings import Diagnosis, Status
from manual_backprop.verify.judging.judge import judge
from manual_backprop.verify.judging.oracles import confirm
from manual_backprop.verify.problem import Malformed, OwnBackward, Problem, Unjudged
from manual_backprop.verify.reporting.report import Evidence, Report, Verdict
from manual_backprop.verify.settings import untransformed, with_gradients

__all__ = ["Diagnosis", "Report", "Verdict", "verify"]


def verify(
    forward: Computation,
    backward: Callable[..., Any] | None = None,
    *,
    against: Computation | None = None,
    inputs: Sequence[Tensor] | Tensor | None = None,
    shapes: Sequence[Sequence[int] | Tensor] | Sequence[int] | str | None = None,
    seed: int = 0,
) -> Report:
    """Judge a derivation: right or wrong for each input, and where it is wrong, which mistake explains it.

    Args:
        forward: what is computed, a function of tensors made of differentiable torch functions. With
            `against`, what has a backward of its own, which is judged: a function, a torch.autograd.Function,
            a module (each parameter's gradient is judged too), or a module with its loss as a pair, whose
            last input is the loss's target.
        backward: what was derived: `backward(grad_output, *inputs)` returns ∂L/∂input for each input. It also
            gets the forward's output if it has a parameter named `output`.
        against: in place of `backward`, the same computation, whose gradient by autograd is right. A module
            is given the parameters of the one that is judged.
        inputs: the tensors to judge on; integer tensors are passed on and have no gradient.
        shapes: or their shapes, [(5, 3), (7, 3)] or "(5,3) (7,3)"; (5, 3) is that of a single input. Float64
            numbers are drawn (for a module, numbers of its parameters' type), away from zero. Sizes that
            differ from one another (primes, say) make a wrong transpose show. A tensor in this list is taken
            as it is.
        seed: of the random numbers.

    Returns:
        A report, truthy if every gradient is right; print it to read it, `plot` it to see it. It also tells
        what becomes of a derivation where an input is exactly zero and where the upstream gradient is
        expanded, transposed or strided, whether it writes over what it is given and, with `against`, whether
        its second derivatives are right.

    What the caller has set is neither felt nor changed: `torch.no_grad`, `torch.inference_mode`,
    `torch.autocast`, the random state. It may be called inside a function that torch.func transforms.

    Raises:
        TypeError: what is judged cannot be called; not exactly one of `backward` and `against`, or of
            `inputs` and `shapes`, is given; an input is not a Tensor.
        ValueError: the shapes are none; the two modules have different parameters.
    """
    for name, value in (("forward", forward), ("against", against)):
        if not (is_computation(value) or (value is None and name == "against")):
            raise TypeError(
                f"verify: {name} must be a function, a module, or a module with its loss, "
                f"got {shortened(value)}"
            )
    if backward is not None and not callable(backward):
        raise TypeError(f"verify: backward must be a function, got {shortened(backward)}")
    if (backward is None) == (against is None):
        raise TypeError("verify: give either a backward or against=, a function to compare with")
    if (inputs is None) == (shapes is None):
        raise TypeError("verify: give either inputs= or shapes=")
    given = _inputs_of(inputs) if inputs is not None else shapes_of("verify", shapes)
    parameters = parameters_of(forward)
    if against is not None:
        _require_same(parameters, parameters_of(against))
    points = [untransformed(x) if isinstance(x, Tensor) else x for x in (*given, *parameters.values())]
    judged = as_function(forward, tuple(parameters))
    names = (*input_names(forward, len(given)), *parameters)
    problem = Problem(
        judged if against is None else as_function(against, tuple(parameters)),
        backward if backward is not None else OwnBackward(judged),
        names,
        tuple(i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point()),
    )
    reason = _unjudgeable(names, points)
    if reason:
        return Report("unjudged", problem=reason)
    like = first_number_of(forward)
    return with_gradients(lambda: _report(problem, points, like, fresh=inputs is None, seed=seed))


def _report(
    problem: Problem,
    points: Sequence[Tensor | tuple[int, ...]],
    like: Tensor | None,
    *,
    fresh: bool,
    seed: int,
) -> Report:
    if like is None:
        device = next((x.device for x in points if isinstance(x, Tensor)), torch.get_default_device())
        like = torch.empty(0, dtype=torch.float64, device=device)
    if fresh and like.is_meta:
        return Report("unjudged", problem="on the meta device, where numbers would be drawn, there are none")
    try:
        draws = draws_of(problem, points, like, fresh=fresh, seed=seed)
        oracles = confirm(problem, draws[0])
        judgement = judge(problem, draws)
    except Unjudged as reason:
        return Report("unjudged", problem=str(reason))
    except Malformed as reason:
        return Report("malformed", problem=str(reason))
    verdicts = tuple(Verdict(**vars(finding)) for finding in judgement.findings)
    order: tuple[Status, ...] = ("right", "unjudged", "wrong", "malformed")
    found = [verdict.status for verdict in verdicts]
    return Report(
        max([*found, "wrong"] if judgement.flaw else found, key=order.index),
        verdicts,
        oracles,
        problem=judgement.flaw,
        remark=judgement.remark,
        second_derivatives=judgement.second_derivatives,
        evidence=Evidence(problem, draws[0]),
    )


def _inputs_of(given: Any) -> list[Tensor]:
    inputs = [given] if isinstance(given, Tensor) else list(given)
    for value in inputs:
        if not isinstance(value, Tensor):
            raise TypeError(f"verify: inputs must be tensors, got {shortened(value)}; shapes go to shapes=")
    return inputs


def _unjudgeable(names: Sequence[str], points: Sequence[Tensor | tuple[int, ...]]) -> str:
    """Why no derivative can be compared at these points; "" if one can."""
    tensors = [(name, x) for name, x in zip(names, points, strict=True) if isinstance(x, Tensor)]
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
