"""The ways to judge an answer; each returns a judge, which says of an answer whether it is right, and why."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import (
    Misfit,
    numbers_in,
    require_function,
    returned,
)
from manual_backprop.exercises.questions import Judgement
from manual_backprop.verify import verify

Judge = Callable[[Any], Judgement]
Backward = Callable[..., tuple[Tensor, ...]]


def derivation(
    forward: Callable[..., Tensor],
    *shapes: tuple[int, ...] | Tensor,
    mistakes: Mapping[str, Backward] | None = None,
) -> Judge:
    """The answer is a backward of `forward`, judged by `verify` on inputs of these shapes.

    Args:
        forward: what is differentiated.
        shapes: of its inputs, or inputs themselves.
        mistakes: backwards that a mistake leads to, by what to say of it. They are tried first, and are
            quicker than `verify`.
    """

    def judge(answer: Any) -> Judgement:
        require_function(answer)
        inputs = [torch.ones(s, dtype=torch.float64) if isinstance(s, tuple) else s for s in shapes]
        with suppress(Misfit):  # verify says what is wrong
            returned(answer, torch.ones_like(forward(*inputs)), *inputs)
        named = _mistakes_in(answer, forward, shapes, mistakes) if mistakes else []
        if named:
            return False, "\n".join(["not yet.", *named])
        report = verify(forward, answer, shapes=list(shapes))
        return bool(report), ("right.\n" if report else "not yet.\n") + str(report)

    return judge


def _mistakes_in(
    answer: Callable[..., Any],
    forward: Callable[..., Tensor],
    shapes: Sequence[tuple[int, ...] | Tensor],
    mistakes: Mapping[str, Backward],
) -> list[str]:
    """What to say of a backward with a gradient that is wrong, and is the one that a mistake leads to."""
    generator = torch.Generator().manual_seed(0)

    def draw(shape: Sequence[int]) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    inputs = [draw(s) if isinstance(s, tuple) else s.clone() for s in shapes]
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = forward(*leaves)
    upstream = draw(output.shape)
    right = torch.autograd.grad(output, leaves, upstream)
    try:
        given = returned(answer, upstream, *inputs)
    except Misfit:  # verify says what is wrong
        return []
    if not isinstance(given, list | tuple):
        given = [given]
    return [
        why
        for why, mistake in mistakes.items()
        if any(
            _close(gradient, wrong) and not _close(wrong, expected)
            for gradient, wrong, expected in zip(given, mistake(upstream, *inputs), right, strict=False)
        )
    ]


def _close(given: Any, other: Tensor) -> bool:
    try:
        numbers = numbers_in(given)
    except Misfit:
        return False
    return numbers.shape == other.shape and torch.allclose(numbers, other)


def same_numbers(
    right: Callable[..., Tensor],
    cases: Callable[[], Sequence[tuple[Any, ...]]],
    mistakes: Mapping[str, Callable[..., Tensor]],
) -> Judge:
    """The answer is a function that must compute what `right` does.

    Args:
        right: the function that is asked for.
        cases: makes the arguments that both are tried with.
        mistakes: functions that a mistake leads to, by what to say of it.
    """

    def judge(answer: Any) -> Judgement:
        for arguments in cases():
            given = numbers_in(returned(answer, *arguments))
            expected = right(*arguments)
            if expected.dim() == 0 and given.numel() == 1:
                given = given.squeeze()
            if given.shape != expected.shape:
                due = f"expected a result of shape {tuple(expected.shape)}, got {tuple(given.shape)}."
                alike = given.numel() == expected.numel() and _close(given.reshape(expected.shape), expected)
                return False, f"the numbers are right, but {due}" if alike else due
            if not torch.allclose(given, expected, rtol=1e-4, atol=1e-9, equal_nan=True):
                for why, mistake in mistakes.items():
                    as_if = torch.as_tensor(mistake(*arguments))
                    if as_if.shape == given.shape and torch.allclose(
                        given, as_if.to(given), rtol=1e-4, equal_nan=True
                    ):
                        return False, f"not yet: {why}"
                at = int((given - expected).abs().nan_to_num(nan=float("inf")).argmax())
                numbers = f"expected {expected.flatten()[at]:.6g}, got {given.flatten()[at]:.6g}"
                return False, f"not yet: {numbers}."
        return True, "right."

    return judge
