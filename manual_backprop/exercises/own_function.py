"""The exercises of “Writing your own autograd.Function”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import Unanswered, numbers_in, returned, shown
from manual_backprop.exercises.judges import Judge
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question
from manual_backprop.verify import verify


def mish(answer: Any) -> Judgement:
    """Judge a torch.autograd.Function for z tanh(ln(1 + eᶻ)), its second derivative included."""
    if not (isinstance(answer, type) and issubclass(answer, torch.autograd.Function)):
        return False, f"a class derived from torch.autograd.Function is asked for, not {shown(answer)}."
    judged: Judgement | None = returned(lambda: _value(answer) or _gradient(answer) or _second(answer))
    return judged or (True, "right.")


def _right(z: Tensor) -> Tensor:
    return z * torch.nn.functional.softplus(z).tanh()


def _points() -> Tensor:
    return torch.linspace(-3, 3, 15, dtype=torch.float64).reshape(5, 3)


def _value(answer: Any) -> Judgement | None:
    z = _points()
    given = answer.apply(z)
    if given is ...:
        raise Unanswered
    numbers = numbers_in(given)
    if numbers.shape != z.shape or not torch.allclose(numbers, _right(z)):
        return False, "forward does not return z tanh(ln(1 + eᶻ))."
    return None


def _gradient(answer: Any) -> Judgement | None:
    report = verify(answer, against=_right, shapes=[(5, 3)])
    return None if report else (False, f"backward is not right yet.\n{report}")


def _second(answer: Any) -> Judgement | None:
    z = _points().requires_grad_()

    def second(function: Any) -> Tensor:
        (first,) = torch.autograd.grad((function(z) ** 2).sum(), z, create_graph=True)
        (derivative,) = torch.autograd.grad(first.sum(), z)
        return derivative

    try:
        given = second(answer.apply)
    except RuntimeError as error:
        why = (
            "to autograd, what backward returns depends on nothing. Is something in it detached?"
            if "does not require grad" in str(error)
            else error
        )
        return False, f"the first derivative is right, and the second one is refused: {why}"
    if not torch.allclose(given, second(_right)):
        return False, (
            "the first derivative is right, and the second one silently wrong: to autograd, something in "
            "backward is a constant. Keep the input with save_for_backward, and compute the rest from it in "
            "backward."
        )
    return None


PREDICTIONS: dict[str, Question] = {
    "13a": Choice(
        "288",
        {
            "480": (
                "That is right, and what it should say. But the slope was computed in forward, where nothing "
                "is recorded, so autograd does not know that it depends on x."
            ),
            "288": (
                "The product rule for g · slope has two terms, 288 and 192. To autograd the slope is a "
                "constant, so it finds the first term only."
            ),
            "192": (
                "That is the first derivative, and also the term of the product rule that is lost: g times "
                "the derivative of the slope."
            ),
            "0": (
                "The slope is a constant to autograd, indeed. But grad_output = 2 f(x) depends on x too, and "
                "that it knows."
            ),
            "nothing: it raises an error": (
                "That would be better. Everything that autograd sees can be differentiated; it does not see "
                "all."
            ),
        },
    ),
    "13b": Number(
        2,
        because="The exponential keeps its output, whose derivative is that output itself, and so does the "
        "reciprocal, 1/u, with the derivative −a².",
        mistakes={
            0: "The backward of the exponential multiplies by e⁻ᶻ, which depends on z.",
            1: "One would be enough, by σ′ = a (1 − a). But autograd does not know that formula: the "
            "exponential keeps its output, and the reciprocal its own.",
            3: "The sign and the sum have constant slopes, −1 and 1, and need nothing.",
            4: "Two of the four steps, the sign and the sum, have constant slopes and need nothing.",
        },
    ),
    "13c": Choice(
        "Attribute a wrong number, Saved an error",
        {
            "both ¼": ("Neither has kept a copy: what both have kept is the tensor a, and that was changed."),
            "both a wrong number": (
                "Both find a changed tensor. But save_for_backward has noted how often it was changed in "
                "place, and autograd compares."
            ),
            "Attribute a wrong number, Saved an error": (
                "Both have kept the tensor that was changed. Of what goes through save_for_backward, "
                "autograd notes a version, and compares it."
            ),
            "Attribute an error, Saved ¼": (
                "Autograd does not know what stands in an attribute, so it cannot complain. And "
                "save_for_backward keeps the tensor itself, not a copy."
            ),
        },
    ),
    "13d": Choice(
        "it passes",
        {
            "it passes": (
                "Before gradcheck sees the gradient, autograd's engine has summed it down to the shape of "
                "the bias."
            ),
            "it fails: the shape is wrong": (
                "The shape that backward returns is wrong. But autograd's engine sums it down to the shape "
                "of the bias before gradcheck sees it."
            ),
            "it fails: the numbers are wrong": (
                "Without the sum they would be. The sum over the rows is made by autograd's engine, which "
                "fits the gradient to the shape of the bias."
            ),
        },
    ),
    "13e": Number(
        4,
        because="Both terms of the sum receive the same tensor, 1. One doubles it in place, so the other "
        "finds 2 there: 2 + 2.",
        mistakes={
            3: "It would be 3 if each term had a grad_output of its own. Both are given the same tensor.",
            2: "That is the slope of 2x alone. The other term passes on what it finds in grad_output.",
            6: "Doubled once, the upstream gradient is 2, and each of the two terms returns that.",
            5: "The doubling is done once: one term returns 2, and the other what it finds then.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "13.1": Choice(
        "input",
        {
            "both": "the derivative is −sin z: the input alone gives it.",
            "input": "The derivative is −sin z.",
            "neither": "the derivative, −sin z, changes with z. Nothing is kept where it is a constant.",
            "output": "sin z is ±√(1 − a²), and the output does not tell which sign.",
        },
    ),
    "13.2": Number(
        2,
        mistakes={
            4: "that is what it takes if nothing is skipped: ∂L/∂W², ∂L/∂a¹, ∂L/∂W¹ and ∂L/∂x.",
            3: "that is one too many. ∂L/∂W² is not asked for, and neither is ∂L/∂x.",
            1: "the way from L to W¹ leads through the second layer: ∂L/∂a¹ is needed, though W² is frozen.",
            0: "W¹ is trained.",
        },
    ),
    "13.3": mish,
}
