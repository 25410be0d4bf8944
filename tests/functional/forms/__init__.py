"""The forms in which the functions are called: right and wrong arguments, as a caller would write them.

Each function has a line of them, divided by |. In a form, x, m (5, 3), v (3,), … stand for the tensors below.
"""

from typing import Any

import torch
from torch import Tensor

from tests.functional.forms import convolution, elementwise, layers, losses, reductions, shapes
from tests.functional.samples import randn

FORMS: dict[str, tuple[str, ...]] = {
    name: tuple(form.strip() for form in line.split(" | " if " | " in line else "|"))
    for rooms in (convolution, elementwise, layers, losses, reductions, shapes)
    for name, line in ((name, text.replace("|\n", "| ")) for name, text in rooms.FORMS.items())
}

SHAPES = {
    **{"x": (5, 3), "m": (5, 3), "v": (3,), "x0": (), "o": (1, 3, 1), "b5": (5,), "b4": (4,), "b7": (7,)},
    **{"t3": (2, 3, 5), "t33": (2, 3, 3), "W": (7, 3), "W5": (7, 5), "m7": (5, 7)},
    **{"image": (2, 4, 5, 6), "kernels": (7, 4, 3, 2), "kernel_bias": (7,)},
    **{"q4": (2, 4, 3, 5), "k4": (2, 2, 3, 5)},
}
"""Of the tensors that require a gradient; p and s do, too."""


def tensors() -> dict[str, Tensor]:
    """Those that the forms name, each time anew."""
    differentiated = {name: randn(*shape, seed=name).float() for name, shape in SHAPES.items()}
    differentiated |= {"p": randn(5, 3).softmax(1).float(), "s": randn(5, 3).sigmoid().float()}
    return {
        **{name: tensor.requires_grad_() for name, tensor in differentiated.items()},
        "w": randn(3).abs().float(),
        "z": torch.complex(randn(5, 3).float(), randn(5, 3, seed="i").float()),
        "n": torch.arange(15).reshape(5, 3) - 7,
        "n4": torch.arange(240).reshape(2, 4, 5, 6),
        "y": torch.tensor([0, 2, 1, 1, 0]),
        "y4": (torch.arange(60) % 4).reshape(2, 5, 6),
        "i": torch.tensor([2, 0, 2]),
        "mask": randn(5, 3) > 0,
        "square_mask": torch.ones(3, 3, dtype=torch.bool).tril(),
    }


def called(name: str, form: str) -> Any:
    """The function `name` of a namespace f, called in this form: a function of f and the tensors."""
    import numpy as np

    return eval(f"lambda f, {', '.join(tensors())}: f.{name}({form})", {"torch": torch, "np": np})
