"""The exercises of “Where it came from”."""

from itertools import product
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import Unanswered, returned, tensors_in
from manual_backprop.exercises.judges import Judge, same_numbers
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question

INPUTS = [list(bits) for bits in product((0, 1), repeat=3)]


def one_neuron_can() -> int:
    """How many of the 16 tables of two inputs a neuron with a threshold computes."""
    rows = torch.tensor(list(product((0.0, 1.0), repeat=2)))
    weights = torch.cartesian_prod(*[torch.arange(-2.0, 3.0)] * 2, torch.arange(-2.5, 3.0))
    tables = weights[:, :2] @ rows.T + weights[:, 2:] > 0
    return len(set(map(tuple, tables.tolist())))


T = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)  # the targets of XOR
SIGNS = 2 * T - 1


def slopes(grad_output: Tensor, z: Tensor) -> Tensor:
    """The backward of ℓ = max(0, −s z), with the signs s of XOR's targets."""
    return grad_output * -SIGNS * (SIGNS * z < 0)


def some_right_some_wrong() -> list[tuple[Tensor, Tensor]]:
    """Upstream gradients, and z that are right and wrong for both targets, none at the loss's corner."""
    generator = torch.Generator().manual_seed(0)
    z = torch.tensor([1.2, -0.7, 0.5, -0.3], dtype=torch.float64)
    return [(torch.randn(4, generator=generator, dtype=torch.float64), at) for at in (z, -2 * z)]


def parity_of_three(answer: Any) -> Judgement:
    """The answer is W¹, b¹, W² and b² of a network of threshold neurons, or a function that returns them."""
    given = returned(answer) if callable(answer) else answer
    if isinstance(given, list | tuple) and any(part is ... for part in given):
        raise Unanswered
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
    says = (z1 > 0).double() @ w2.flatten() + b2.flatten() > 0
    ones = x.sum(1)
    parity = ones % 2 == 1
    if torch.equal(says, parity):
        return True, "right."
    if torch.equal((z1 >= 0).double() @ w2.flatten() + b2.flatten() >= 0, parity):
        return False, "a weighted sum of exactly 0 does not make a neuron say 1; put thresholds in between."
    for why, table in (
        ("that is 'not all alike', which OR and NAND give: not parity when there are three", ones % 3 != 0),
        ("that is 'exactly one', and three ones are odd too", ones == 1),
        ("that is 'at least one', OR", ones >= 1),
        ("that is 'at least two', the majority", ones >= 2),
        ("that is 'all three', AND", ones == 3),
        ("that is 1 where the number of ones is even: turn the signs of W² and b² over", ~parity),
        ("the network always says 0", ones < 0),
        ("the network always says 1", ones >= 0),
    ):
        if torch.equal(says, table):
            return False, f"not yet: {why}."
    wrong = [f"{INPUTS[n]} gives {int(says[n])}" for n in range(8) if says[n] != parity[n]]
    return False, f"not yet: {', '.join(wrong)}."


PREDICTIONS: dict[str, Question] = {
    "1a": Number(
        4,
        because="Every row is wrong at its turn, and the four corrections of a round cancel.",
        mistakes={
            0: "Then some weights would be right for all four rows: z > 0 for 01 and 10, and not for 00 and "
            "11. But z of 00 and z of 11 have the same sum as z of 01 and z of 10.",
            1: "Some weights are wrong for one row only. But the rule goes on correcting that row, until "
            "another one is wrong.",
            2: "So it is in the first round. From the third on, every row is wrong when its turn comes, and "
            "the four corrections cancel.",
            3: "So it is in the second round. From the third on, every row is wrong when its turn comes, and "
            "the four corrections cancel.",
        },
        within=0.01,
    ),
    "1b": Choice(
        right="½, ½, ½, ½",
        remarks={
            "nearly 0, 1, 1, 0": "These would be the answers of a network that has learned XOR. But σ(z) is "
            "above ½ just where z is above 0, and no weights make z so for 01 and 10 alone.",
            "nearly 0, 1, 1, 1": "Three right ones are possible. But the last is sure and wrong, which costs "
            "as much as one likes: −log(1 − a) grows without bound as a approaches 1.",
            "½, ½, ½, ½": "It costs log 2 for each row. To be surer in one row is to be as sure in another, "
            "where it is wrong, and that costs more.",
            "they go round in a circle": "The perceptron rule does, as it corrects row by row by a fixed "
            "amount. Here all four rows pull together, and the steps end where the pulls cancel.",
        },
    ),
    "1c": Number(
        5,
        because="A feature that ignores one of the inputs is the same where that input is flipped, and "
        "parity is not.",
        mistakes={
            1: "With one input at a time not even XOR is possible, which is parity with two inputs.",
            2: "Two are enough for XOR, as one feature then sees all of its inputs. With five, flip an input "
            "that a feature does not see: parity changes, the feature does not.",
            3: "A feature that sees three of five inputs does not notice when a fourth is flipped, which "
            "changes the parity.",
            4: "A feature that sees four does not notice when the fifth is flipped, which changes the "
            "parity.",
            10: "There are ten pairs of inputs. But the order counts the inputs that one feature sees, not "
            "the features.",
            32: "There are 32 rows in the table. A feature sees inputs, of which there are five.",
        },
        within=0.01,
    ),
    "1d": Choice(
        right="most of them, but not all",
        remarks={
            "none": "The perceptron rule had nothing to say to the hidden neurons. The gradient does: it has "
            "a derivative for each of their weights.",
            "one or two": "Right weights need not be hit at the start: the gradient leads to them, from most "
            "starts.",
            "most of them, but not all": "The gradient leads down from wherever one starts. But on the way "
            "the slope may become so gentle that a thousand steps lead nowhere.",
            "all ten": "That right weights exist does not mean that every way down leads there, nor that it "
            "is steep enough to be walked in a thousand steps.",
        },
    ),
    "1e": Choice(
        right="more than with two",
        remarks={
            "fewer than with two": "Not all weights must come out right: two of the four neurons are enough, "
            "and the more there are, the more ways there are to a solution.",
            "as many as with two": "The task is the same, but there are more directions in which the loss "
            "may fall, and so it is harder to get stuck.",
            "more than with two": "Two of the four neurons are enough, and there are more directions in "
            "which the loss may fall.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "1.1": Number(
        one_neuron_can,
        mistakes={
            16: "a neuron computes many of the tables, but not XOR.",
            15: "XOR is not the only one. Turn its targets over, and the same proof holds.",
            13: "there are only two that it cannot compute; which third one did you leave out?",
            12: "XOR and its opposite are the only ones that it cannot compute. 'Always 0' and 'always 1' "
            "count too: weights may be 0.",
            10: "tables that depend on one input alone count too, since weights may be 0.",
            6: "negative weights are allowed, so NAND and NOR count too.",
            2: "that is how many it cannot compute. How many can it?",
            8: "the tables with a single 1, or a single 0, are eight already. Are there others whose 1s lie "
            "on one side of a line?",
        },
    ),
    "1.2": same_numbers(
        slopes,
        some_right_some_wrong,
        {
            "a right answer costs nothing, and a small change of z leaves it right: its slope is 0.": (
                lambda grad_output, z: grad_output * -SIGNS
            ),
            "that is the slope of logistic regression's loss; this loss has no sigmoid in it.": (
                lambda grad_output, z: grad_output * (z.sigmoid() - T)
            ),
            "that is the slope where the answer is right; the loss is not 0 where it is wrong.": (
                lambda grad_output, z: grad_output * -SIGNS * (SIGNS * z > 0)
            ),
            "that is right for the targets 1; for the target 0, s is −1 and not 0.": (
                lambda grad_output, z: grad_output * -T * (z < 0)
            ),
            "an answer is wrong where s z < 0. That is where z < 0 for the targets 1 only.": (
                lambda grad_output, z: grad_output * -SIGNS * (z < 0)
            ),
            "that is the slope of max(0, z). Here −s z stands in the place of z.": (
                lambda grad_output, z: grad_output * (z > 0)
            ),
            "where the answer is wrong, the slope of −s z is −s, which may be 1 or −1.": (
                lambda grad_output, z: grad_output * (SIGNS * z < 0)
            ),
            "that is the loss, times grad_output. Its slope is asked for.": (
                lambda grad_output, z: grad_output * (-SIGNS * z).clamp(min=0)
            ),
            "that is the loss. Its slope is asked for, times grad_output.": (
                lambda grad_output, z: (-SIGNS * z).clamp(min=0)
            ),
            "that is the right one with the wrong sign. −s z falls where s z rises.": (
                lambda grad_output, z: -slopes(grad_output, z)
            ),
            "grad_output is not in it. The chain rule multiplies each slope by it.": (
                lambda grad_output, z: slopes(torch.ones_like(z), z)
            ),
            "it is divided by 4. What is done with the four losses is in grad_output already.": (
                lambda grad_output, z: slopes(grad_output, z) / 4
            ),
            "the slopes are summed up. Each z has a derivative of its own, of one loss.": (
                lambda grad_output, z: slopes(grad_output, z).sum().expand(4)
            ),
        },
    ),
    "1.3": parity_of_three,
}
