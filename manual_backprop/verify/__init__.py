"""Is my derivation right, and if not, what is wrong with it?"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from manual_backprop.verify.judge import judge
from manual_backprop.verify.oracles import Disagreement, confirm
from manual_backprop.verify.problem import Malformed, Problem, draws_of, names_of, of_function
from manual_backprop.verify.report import Diagnosis, Report, Status, Verdict

__all__ = ["Diagnosis", "Report", "Verdict", "verify"]


def verify(
    forward: Callable[..., Tensor],
    backward: Callable[..., Any] | None = None,
    *,
    against: Callable[..., Tensor] | None = None,
    inputs: Sequence[Tensor] | None = None,
    shapes: Sequence[tuple[int, ...] | Tensor] | None = None,
    seed: int = 0,
) -> Report:
    """Judge a derivation: right or wrong for each input, and where it is wrong, which mistake explains it.

    Args:
        forward: what is computed, a function of tensors made of differentiable torch functions. With
            `against`, a function that has a backward of its own, which is judged.
        backward: what was derived: `backward(grad_output, *inputs)` returns ∂L/∂input for each input. It also
            gets the forward's output if it has a parameter named `output`.
        against: in place of `backward`, a function whose gradient by autograd is right.
        inputs: the tensors to judge on; integer tensors are passed on and have no gradient.
        shapes: or their shapes: float64 numbers are drawn, away from zero. Sizes that differ from one another
            (primes, say) leave a wrong transpose no chance to fit. A tensor in this list is taken as it is.
        seed: of what is drawn.

    Returns:
        A report, true in a condition if every gradient is right; print it to read it.

    Raises:
        TypeError: other than one of `backward` and `against`, or of `inputs` and `shapes`.
    """
    if (backward is None) == (against is None):
        raise TypeError("verify: give either a backward or against=, a function to compare with")
    if (inputs is None) == (shapes is None):
        raise TypeError("verify: give either inputs= or shapes=")
    points = list(inputs if inputs is not None else shapes or ())
    floating = tuple(i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point())
    problem = Problem(
        forward if against is None else against,
        backward if backward is not None else of_function(forward),
        names_of(forward, len(points)),
        floating,
    )
    try:
        draws = draws_of(problem, inputs, shapes, seed)
        oracles = confirm(problem, draws[0])
        verdicts = tuple(judge(problem, draws, at) for at in range(len(floating)))
    except Disagreement as reason:
        return Report("unjudged", problem=str(reason))
    except Malformed as reason:
        return Report("malformed", problem=str(reason))
    order: tuple[Status, ...] = ("right", "wrong", "malformed")
    found = {verdict.status for verdict in verdicts}
    worst = max((status for status in order if status in {"right", *found}), key=order.index)
    return Report(worst, verdicts, oracles)
