"""Is my derivation right, and if not, what is wrong with it?"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from manual_backprop.verify.computation import Computation, as_function, input_names, parameters_of
from manual_backprop.verify.draws import draws_of
from manual_backprop.verify.findings import Diagnosis, Status
from manual_backprop.verify.judging.judge import judge
from manual_backprop.verify.judging.oracles import confirm
from manual_backprop.verify.problem import Malformed, Problem, Unjudged, of_function
from manual_backprop.verify.reporting.report import Evidence, Report, Verdict

__all__ = ["Diagnosis", "Report", "Verdict", "verify"]


def verify(
    forward: Computation,
    backward: Callable[..., Any] | None = None,
    *,
    against: Computation | None = None,
    inputs: Sequence[Tensor] | None = None,
    shapes: Sequence[tuple[int, ...] | Tensor] | None = None,
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
        shapes: or their shapes: float64 numbers are drawn (for a module, numbers of its parameters' type),
            away from zero. Sizes that differ from one another (primes, say) make a wrong transpose show. A
            tensor in this list is taken as it is.
        seed: of the random numbers.

    Returns:
        A report, truthy if every gradient is right; print it to read it, `plot` it to see it.

    Raises:
        TypeError: not exactly one of `backward` and `against`, or of `inputs` and `shapes`, is given.
        ValueError: the two modules have different parameters.
    """
    if (backward is None) == (against is None):
        raise TypeError("verify: give either a backward or against=, a function to compare with")
    if (inputs is None) == (shapes is None):
        raise TypeError("verify: give either inputs= or shapes=")
    given = list(inputs if inputs is not None else shapes or ())
    parameters = parameters_of(forward)
    if against is not None:
        _require_same(parameters, parameters_of(against))
    points = [*given, *parameters.values()]
    strange = [str(x.dtype) for x in points if isinstance(x, Tensor) and x.is_complex()]
    differentiable = tuple(
        i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point()
    )
    if strange or not differentiable:
        what = f"an input is {strange[0]}" if strange else "no input has a gradient: all are integers"
        return Report(
            "unjudged", problem=f"{what}; only derivatives with respect to real numbers can be judged"
        )
    judged = as_function(forward, tuple(parameters))
    problem = Problem(
        judged if against is None else as_function(against, tuple(parameters)),
        backward if backward is not None else of_function(judged),
        (*input_names(forward, len(given)), *parameters),
        differentiable,
    )
    try:
        draws = draws_of(
            problem,
            None if inputs is None else [*inputs, *parameters.values()],
            None if shapes is None else [*shapes, *parameters.values()],
            seed,
        )
        oracles = confirm(problem, draws[0])
        verdicts = tuple(Verdict(**vars(finding)) for finding in judge(problem, draws))
    except Unjudged as reason:
        return Report("unjudged", problem=str(reason))
    except Malformed as reason:
        return Report("malformed", problem=str(reason))
    order: tuple[Status, ...] = ("right", "wrong", "malformed")
    worst = max((verdict.status for verdict in verdicts), key=order.index)
    return Report(worst, verdicts, oracles, evidence=Evidence(problem, draws[0]))


def _require_same(judged: dict[str, Tensor], reference: dict[str, Tensor]) -> None:
    ours, theirs = ({name: tuple(p.shape) for name, p in side.items()} for side in (judged, reference))
    if reference and ours != theirs:
        different = sorted(set(ours.items()) ^ set(theirs.items()))
        raise ValueError(f"verify: the two modules have different parameters: {different}")
