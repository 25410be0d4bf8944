"""The exercises of “Activations and vanishing gradients”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, derivation, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question


def outputs() -> list[tuple[Tensor]]:
    """Outputs between −1 and 1, near zero and near the ends."""
    return [(torch.tensor([-0.99, -0.6, -0.1, 0.0, 0.3, 0.8, 0.95], dtype=torch.float64),)]


def prelu(z: Tensor, s: Tensor) -> Tensor:
    """ReLU with a slope of its own for negative numbers, one for each unit."""
    return torch.where(z > 0, z, s * z)


PREDICTIONS: dict[str, Question] = {
    "8a": Number(
        0.5,
        because="A tie is shared evenly between the two arguments, ½ for each.",
        mistakes={
            0: "That is what torch.relu does. For maximum it would give the whole gradient to the other "
            "argument, and treat the two differently.",
            1: "That would give nothing to the other argument, and treat the two differently.",
        },
    ),
    "8b": Number(
        1024,
        because="Each layer multiplies by w f′ = 8 · ¼ = 2, and ten of them by 2¹⁰ = 1024.",
        mistakes={
            1e-6: "That is the product of the slopes alone. The weights stand in the derivative too.",
            0.25**10: "That is the product of the slopes alone. The weights stand in the derivative too, 8 "
            "in each layer.",
            8.0**10: "That is the product of the weights alone; the slopes stand in the derivative too.",
            20: "The factors 8 · ¼ of the layers are multiplied, not added.",
            2: "That is the factor of one layer; there are ten.",
            0: "The slopes alone give about a millionth, but each is multiplied by a weight of 8.",
            512: "That is 2⁹; there are ten layers, and the first one counts as well.",
        },
        within=0.03,
    ),
    "8c": Choice(
        right="about 1",
        remarks={
            "about 10⁻⁸ (0.32 to the power of 16)": "The variance of δ does fall like that on the way back. "
            "But ∂L/∂W = δᵀa has the activations in it too, and they fall on the way forward.",
            "about 10⁻⁴ (the root of that)": "The size of δ falls like that on the way back. But ∂L/∂W = δᵀa "
            "has the activations in it too, and they fall on the way forward.",
            "about 1": "∂L/∂W = δᵀa. In the first layer a is still large and δ small, in the last it is the "
            "other way round: both gradients are small.",
        },
    ),
    "8d": Choice(
        right="still at about 2.30",
        remarks={
            "below 1": "The single sigmoid layer may get there. With six, the first layers get next to no "
            "gradient, and a larger η does not change how it is shared out.",
            "at about 1.5": "A ten times larger η does help a gradient that is ten times too small. Six "
            "sigmoid layers leave the first one about a thousandth or less.",
            "still at about 2.30": "The first layers get next to no gradient, so the last one sees almost "
            "the same for every digit.",
            "far above 2.30, it diverges": "For that the steps would have to be large. The last layers see "
            "hardly any difference between the digits, and the bias soon fits the shares of the classes.",
        },
    ),
    "8e": Choice(
        right="−4",
        remarks={
            "−1": "That is less than one deviation: about a quarter of the digits still have z > 0, and one "
            "is enough to be alive.",
            "−4": "That is nearly three deviations. The largest of 2,000 numbers lies about there, in some "
            "units below and in others above.",
            "−16": "That is more than eleven deviations. No digit gets that far, for any unit.",
        },
    ),
    "8f": Choice(
        right="with the bias that was reset",
        remarks={
            "with the bias that was reset": "It acts before the first step and depends on no gradient: none "
            "is dead at a bias of 0.",
            "with the leaky ReLU": "It gives every unit a gradient, but a tenth of what others get, and the "
            "gradient lowers the loss: it need not raise z.",
            "with neither: as many as before": "The reset changes z at once, and the leaky slope lets a "
            "gradient through.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "8.1": Choice(
        "sometimes",
        {
            "always": "its own weights get no gradient, so nothing pulls it back. "
            "Whatever wakes it up was learned for the sake of other units.",
            "never": "that holds in the first layer, whose inputs are the examples. "
            "What are the inputs of a unit in the second, and do they stay as they are?",
            "sometimes": "It gets no gradient, but its inputs change.",
        },
    ),
    "8.2": same_numbers(
        lambda a: (1 - a**2) ** 1.5,
        outputs,
        {
            "that is the slope as a function of z, (1 + z²)^(−3/2), with a put in for z.": (
                lambda a: (1 + a**2) ** -1.5
            ),
            "that is tanh's slope. Here 1 − a² is 1/(1 + z²), and the slope another power of it.": (
                lambda a: 1 - a**2
            ),
            "that is 1/√(1 + z²): the root depends on z too, and the quotient rule has a second term.": (
                lambda a: (1 - a**2) ** 0.5
            ),
            "that is the sigmoid's slope.": lambda a: a * (1 - a),
            "the slope of a is wanted, at the z that belongs to a. That is z, as a function of a.": (
                lambda a: a / (1 - a**2) ** 0.5
            ),
            "that is the square of the right one.": lambda a: (1 - a**2) ** 3,
            "that is the inverse, dz/da.": lambda a: (1 - a**2) ** -1.5,
            "the function itself was applied to a; its slope is asked for.": lambda a: a / (1 + a**2) ** 0.5,
        },
    ),
    "8.3": derivation(prelu, (5, 3), (3,)),
}
