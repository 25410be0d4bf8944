"""Functions of tensors: a pair of them with one output, and what is judged against a reference."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.computation import Computation, as_function, parameters_of
from manual_backprop.derive.forms.arguments import Arguments
from manual_backprop.derive.forms.forward import Forward
from manual_backprop.derive.forms.frameworks import Framework, framework_of, has_gradient
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms import forms, held, objects
from manual_backprop.verify.forms.question import Asked
from manual_backprop.verify.forms.signature import takes_upstream_first
from manual_backprop.verify.problem import Malformed, OwnBackward, Problem
from manual_backprop.verify.settings import untransformed


def compared(forward: Computation, against: Computation, arguments: Arguments, seed: int) -> Asked:
    """A computation with a backward of its own, against a reference."""
    parameters = parameters_of(forward)
    names = (*arguments.names, *parameters)
    points = (*arguments.given, *parameters.values())
    real = tuple(i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point())
    needed = tuple(i for i in real if i not in arguments.kept)

    def of(computation: Computation) -> Forward:
        function = as_function(computation, tuple(parameters))

        def run(tensors: Sequence[Any]) -> tuple[list[Any], Any]:
            count = len(arguments.names)
            args, keywords = arguments.filled(tensors[:count])
            returned: Any = function(*args, *tensors[count:], **keywords)
            outputs = list(returned) if isinstance(returned, tuple | list) else [returned]
            return [x for x in outputs if has_gradient(x)], None

        jax = framework_of(computation) == "jax"
        return Forward(run, "jax" if jax else "torch", seed=seed)

    judged, reference = of(forward), of(against)
    sample = sample_of(points, seed)
    outputs, ours = [_first_outputs(each, sample, seed) for each in (reference, judged)]
    if [x.shape for x in outputs] != [x.shape for x in ours]:
        raise Malformed(
            f"yours returns outputs of shapes {[tuple(x.shape) for x in ours]}, the reference "
            f"{[tuple(x.shape) for x in outputs]}"
        )
    problem = Problem(reference, OwnBackward(judged), names, needed)
    if len(outputs) == 1:
        return Asked(problem, points)
    alone = tuple(
        (f"output {i}", Problem(reference.at_output(i), OwnBackward(judged.at_output(i)), names, needed))
        for i in range(len(outputs))
    )
    return Asked(problem, points, reference, alone)


def _first_outputs(forward: Forward, sample: Sequence[Tensor], seed: int) -> list[Tensor]:
    found: list[Tensor] = forms.first_run(lambda: forward.outputs(sample)[0], seed)
    return found


def is_plain(
    forward: Any,
    backward: Any,
    against: Any,
    arguments: Arguments,
    frameworks: tuple[Framework, Framework],
    cache: bool | None,
) -> bool:
    """Whether it is one function of tensors, written in torch, with one output and a backward of its own."""
    if frameworks != ("torch", "torch") or not arguments.is_plain or cache:
        return False
    if against is None and (backward is None or objects.is_object(forward)):
        return False
    if held.are_methods_of_one(forward, backward):
        return False
    if against is None and arguments.kept:
        return False
    if framework_of(against) == "jax":
        return False
    function = as_function(forward, tuple(parameters := parameters_of(forward)))
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            returned: Any = function(
                *(x.clone() for x in sample_of(arguments.given, 0)), *parameters.values()
            )
    except (Exception, SystemExit):  # it is told when it is judged
        return True
    if isinstance(returned, tuple | list):
        return False
    return backward is None or takes_upstream_first(backward, arguments.names)


def plainly(forward: Any, backward: Any, against: Any, arguments: Arguments) -> Asked:
    """A pair of functions of tensors, or two that are compared."""
    parameters = parameters_of(forward)
    judged = as_function(forward, tuple(parameters))
    points = (*arguments.given, *(untransformed(x) for x in parameters.values()))
    problem = Problem(
        judged if against is None else as_function(against, tuple(parameters)),
        backward if backward is not None else OwnBackward(judged),
        (*arguments.names, *parameters),
        tuple(i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point()),
    )
    return Asked(problem, points)
