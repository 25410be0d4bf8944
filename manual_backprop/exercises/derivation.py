"""The exercises of “Is my derivation right?”."""

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import Misfit, require_function, returned
from manual_backprop.exercises.judges import Judge, Judgement, derivation, number
from manual_backprop.verify import verify

EPSILON = torch.finfo(torch.float64).eps


def normalised(x: Tensor) -> Tensor:
    """Each row of x, divided by its length."""
    return x / (x * x).sum(1, keepdim=True).sqrt()


def fools_ones(answer: Any) -> Judgement:
    """Judge a backward of log-softmax that is to be wrong, and yet to pass a test with ones."""
    require_function(answer)
    ones = torch.ones(5, 3, dtype=torch.float64)
    with suppress(Misfit):  # verify says what is wrong
        returned(answer, ones, 0.1 * ones)
    verdict = (report := verify(lambda z: z.log_softmax(1), answer, shapes=[(5, 3)])).verdicts
    if report:
        return False, "this backward is right. A wrong one is asked for."
    if not verdict or verdict[0].status != "wrong":
        return False, f"nobody would be fooled, since this is not a gradient of z.\n{report}"
    if not verdict[0].passes_with_ones:
        return False, f"it is wrong, but a test with ones would notice: 1 − C pᵢ is expected there.\n{report}"
    return True, f"right: it is wrong, and ones do not see it.\n{report}"


EXERCISES: dict[str, Judge] = {
    "10.1": number(
        (2 * EPSILON) ** (1 / 2),
        {
            (1.5 * EPSILON) ** (1 / 3): "that is the best step of the central difference. To one side, the "
            "truncation error is (h/2) |f″|, and the difference is divided by h.",
            EPSILON ** (1 / 3): "the cube root belongs to a truncation error in h². Here it is in h.",
            EPSILON ** (1 / 2): "the right power. But the truncation error is h/2 times |f″|, not h times, "
            "and two values are each wrong by up to ε |f| / 2.",
            (EPSILON / 2) ** (1 / 2): "the right power. But the ½ of h/2 goes into the other factor: "
            "½ = ε/h².",
            EPSILON ** (1 / 2) / 2: "½ = ε/h² has to be solved for h, under the root.",
            2
            * EPSILON ** (1 / 2): "the rounding error is ε |f| / h: each of the two values is wrong by up to "
            "ε |f| / 2, not by ε |f|.",
            EPSILON: "there, x + h is hardly another number than x, and rounding is as large as the slope.",
        },
        relative=0.02,
    ),
    "10.2": fools_ones,
    "10.3": derivation(normalised, (5, 3)),
}
