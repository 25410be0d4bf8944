"""The exercises of “Writing your own autograd.Function”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import Unanswered, numbers_in, returned, shown
from manual_backprop.exercises.judges import Judge, Judgement, choice, number
from manual_backprop.verify import verify


def silu(answer: Any) -> Judgement:
    """Judge a torch.autograd.Function for z σ(z), its second derivative included."""
    if not (isinstance(answer, type) and issubclass(answer, torch.autograd.Function)):
        return False, f"a class derived from torch.autograd.Function is asked for, not {shown(answer)}."
    judged: Judgement | None = returned(lambda: _value(answer) or _gradient(answer) or _second(answer))
    return judged or (True, "right.")


def _points() -> Tensor:
    return torch.linspace(-3, 3, 15, dtype=torch.float64).reshape(5, 3)


def _value(answer: Any) -> Judgement | None:
    z = _points()
    given = answer.apply(z)
    if given is ...:
        raise Unanswered
    numbers = numbers_in(given)
    if numbers.shape != z.shape or not torch.allclose(numbers, z * z.sigmoid()):
        return False, "forward does not return z σ(z)."
    return None


def _gradient(answer: Any) -> Judgement | None:
    report = verify(answer, against=lambda z: z * z.sigmoid(), shapes=[(5, 3)])
    return None if report else (False, f"the first derivative is not right yet.\n{report}")


def _second(answer: Any) -> Judgement | None:
    z = _points().requires_grad_()

    def second(function: Any) -> Tensor:
        (first,) = torch.autograd.grad((function(z) ** 2).sum(), z, create_graph=True)
        (derivative,) = torch.autograd.grad(first.sum(), z)
        return derivative

    try:
        given = second(answer.apply)
    except RuntimeError as error:
        return False, f"the first derivative is right, and the second one is refused: {error}"
    if not torch.allclose(given, second(lambda z: z * z.sigmoid())):
        return False, (
            "the first derivative is right, and the second one silently wrong: to autograd, something in "
            "backward is a constant. Keep the input with save_for_backward, and compute the rest from it in "
            "backward."
        )
    return None


EXERCISES: dict[str, Judge] = {
    "13.1": choice(
        "input",
        "The derivative is −sin z.",
        {
            "output": "sin z is ±√(1 − a²), and the output does not tell which sign.",
            "both": "the derivative is −sin z: the input alone gives it.",
            "neither": "the derivative, −sin z, changes with z. Nothing is kept where it is a constant.",
        },
    ),
    "13.2": number(
        2,
        {
            4: "that is what it takes if nothing is skipped: ∂L/∂W², ∂L/∂a¹, ∂L/∂W¹ and ∂L/∂x.",
            3: "that is one too many. ∂L/∂W² is not asked for, and neither is ∂L/∂x.",
            1: "the way from L to W¹ leads through the second layer: ∂L/∂a¹ is needed, though W² is frozen.",
            0: "W¹ is trained.",
        },
    ),
    "13.3": silu,
}
