"""The exercises of “Where it came from”."""

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import returned, tensors_in
from manual_backprop.exercises.judges import (
    Backward,
    Choice,
    Judge,
    Judgement,
    Number,
    Question,
    derivation,
    number,
)

INPUTS = [list(bits) for bits in product((0, 1), repeat=3)]


def one_neuron_can() -> int:
    """How many of the 16 tables of two inputs a neuron with a threshold computes."""
    rows = torch.tensor(list(product((0.0, 1.0), repeat=2)))
    weights = torch.cartesian_prod(*[torch.arange(-2.0, 3.0)] * 2, torch.arange(-2.5, 3.0))
    tables = weights[:, :2] @ rows.T + weights[:, 2:] > 0
    return len(set(map(tuple, tables.tolist())))


T = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)  # the targets of XOR
SIGNS = 2 * T - 1
SOME_RIGHT_SOME_WRONG = torch.tensor([1.2, -0.7, 0.5, -0.3], dtype=torch.float64)  # z, of both targets


def losses(z: Tensor) -> Tensor:
    """ℓ = max(0, −s z), with the signs s of XOR's targets."""
    return (-SIGNS * z).clamp(min=0)


def _slopes_not_of(slopes: Callable[[Tensor], Tensor]) -> Backward:
    return lambda grad_output, z: (grad_output * slopes(z),)


MISTAKEN_SLOPES: dict[str, Backward] = {
    "A right answer costs nothing, and a small change of z leaves it right: its slope is 0.": _slopes_not_of(
        lambda z: -SIGNS
    ),
    "That is the slope of logistic regression's loss; this loss has no sigmoid in it.": _slopes_not_of(
        lambda z: z.sigmoid() - T
    ),
    "That is the slope where the answer is right; the loss is not 0 where it is wrong.": _slopes_not_of(
        lambda z: -SIGNS * (SIGNS * z > 0)
    ),
    "That is right for the targets 1; for the target 0, s is −1 and not 0.": _slopes_not_of(
        lambda z: -T * (SIGNS * z < 0)
    ),
    "That is the slope of the loss by z, times z. The slope of −s z is −s.": _slopes_not_of(
        lambda z: (-SIGNS * z).clamp(min=0)
    ),
}


def parity_of_three(answer: Any) -> Judgement:
    """The answer makes W¹, b¹, W² and b² of a network of threshold neurons."""
    given = returned(answer)
    w1, b1, w2, b2 = tensors_in(given, 4, "four tensors are asked for, W¹, b¹, W² and b²")
    if w1.dim() != 2 or w1.shape[1] != 3:
        return False, (
            f"W¹ has shape {tuple(w1.shape)}; it needs one row for each hidden neuron, with a weight for "
            "each of the three inputs."
        )
    hidden = len(w1)
    if b1.numel() != hidden or w2.numel() != hidden or b2.numel() != 1:
        return False, (
            f"with {hidden} hidden neurons, b¹ needs {hidden} numbers, W² {hidden} and b² one; they have "
            f"{b1.numel()}, {w2.numel()} and {b2.numel()}."
        )
    x = torch.tensor(INPUTS).double()
    z1 = x @ w1.T + b1.flatten()
    says = (z1 > 0).double() @ w2.flatten() + b2 > 0
    ones = x.sum(1)
    parity = ones % 2 == 1
    if torch.equal(says, parity):
        return True, "right."
    if torch.equal((z1 >= 0).double() @ w2.flatten() + b2 >= 0, parity):
        return False, "a weighted sum of exactly 0 does not make a neuron say 1; put thresholds in between."
    for why, table in (
        ("that is 'not all alike', which OR and NAND give: not parity when there are three", ones % 3 != 0),
        ("that is 'exactly one', and three ones are odd too", ones == 1),
        ("that is 'at least one', OR", ones >= 1),
        ("that is 'at least two', the majority", ones >= 2),
    ):
        if torch.equal(says, table):
            return False, f"not yet: {why}."
    wrong = [f"{INPUTS[n]} gives {int(says[n])}" for n in range(8) if says[n] != parity[n]]
    return False, f"not yet: {', '.join(wrong)}."


PREDICTIONS: dict[str, Question] = {
    "1a": Number(
        4,
        because="The four corrections of a round cancel: from the third round on each ends where it began, "
        "and every answer in between is wrong.",
        mistakes={
            0: "The rule ends without a mistake if some weights get all rows right. The page has not shown "
            "such weights for XOR, and there are none: the rule never comes to rest.",
            1: "There are weights that get three rows right. But the rule does not look for them: it changes "
            "its weights for the one row that is wrong, and then another is.",
            2: "One row of each kind right would be as good as guessing. The rule does worse, since each "
            "correction spoils the answer to the next row.",
            3: "Close: the second round has three mistakes. But the next one is worse, and it stays so.",
        },
    ),
    "1b": Choice(
        right="one half for all four",
        remarks={
            "about 0, 1, 1, 0": "A belief above one half is a weighted sum above 0. The proof above says "
            "that no weights and bias have these signs, however smooth the neuron is.",
            "three rows right, the fourth wrong": "Weights with three rows on their right sides do exist. "
            "But the loss of a sure and wrong belief is large, larger than three small ones save.",
            "one half for all four": "Since z₀₀ + z₁₁ = z₀₁ + z₁₀, what lowers the loss of some rows raises "
            "that of the others at least as much. Nothing is better than z = 0 everywhere.",
            "it goes round in a circle, like the rule": "The rule takes steps of one size, row by row. Here "
            "a step follows the slope of the mean loss, which is 0 where the loss is least: it rests.",
        },
    ),
    "1c": Choice(
        right="most, but not all",
        remarks={
            "none": "Then the hidden layer would have no slope to follow. It has one: sigmoids are smooth, "
            "and the loss depends on every weight.",
            "one or two": "Two neurons are no more than the task needs, and a start may lead astray. But it "
            "has not to hit the one network above: OR and NAND may change places, or signs be turned over.",
            "most, but not all": "Many networks of this size compute XOR, and most starts lead to one of "
            "them; some lead to where the slope is gentle and two rows get the same answer.",
            "all ten": "That they can represent XOR does not mean that going downhill finds it. "
            "What is lowest nearby depends on where one starts.",
        },
    ),
    "1d": Choice(
        right="more",
        remarks={
            "fewer": "There are more numbers to set right, but they need not be set one by one: "
            "each has its own slope. More of them are more ways down.",
            "as many": "The task is the same, and two neurons can do it. What changes is the way there: "
            "where two neurons have no way down, a third or fourth may have one.",
            "more": "Where two neurons are stuck, one more may still lead down. "
            "A network larger than the task needs is easier to train.",
        },
    ),
}
EXERCISES: dict[str, Judge] = {
    "1.1": number(
        one_neuron_can,
        {
            16: "a neuron computes many of the tables, but not XOR.",
            15: "XOR is not the only one. Turn its targets over, and the same proof holds.",
            13: "not XOR and its opposite cannot be computed; which third one did you leave out?",
            12: "'always 0' and 'always 1' count too: weights may be 0.",
            8: "negative weights are allowed, so NAND and NOR count too.",
        },
    ),
    "1.2": derivation(losses, SOME_RIGHT_SOME_WRONG, mistakes=MISTAKEN_SLOPES),
    "1.3": parity_of_three,
}
