"""The exercises of “Where it came from”."""

from itertools import product
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import returned, tensors_in
from manual_backprop.exercises.judges import Judge, Judgement, derivation, number

INPUTS = [list(bits) for bits in product((0, 1), repeat=3)]


def one_neuron_can() -> int:
    """How many of the 16 tables of two inputs a neuron with a threshold computes."""
    rows = torch.tensor(list(product((0.0, 1.0), repeat=2)))
    weights = torch.cartesian_prod(*[torch.arange(-2.0, 3.0)] * 2, torch.arange(-2.5, 3.0))
    tables = weights[:, :2] @ rows.T + weights[:, 2:] > 0
    return len(set(map(tuple, tables.tolist())))


def losses(z: Tensor) -> Tensor:
    """ℓ = log(1 + e^z) − t z, with XOR's targets."""
    return (1 + z.exp()).log() - torch.tensor([0, 1, 1, 0]) * z


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
    if b1.shape != (hidden,) or w2.numel() != hidden or b2.numel() != 1:
        return False, (
            f"with {hidden} hidden neurons, b¹ needs {hidden} numbers, W² {hidden} and b² one; they have "
            f"{b1.numel()}, {w2.numel()} and {b2.numel()}."
        )
    x = torch.tensor(INPUTS).double()
    z1 = x @ w1.T + b1
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
    "1.2": derivation(losses, (4,)),
    "1.3": parity_of_three,
}
