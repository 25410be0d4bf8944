"""An einsum and its gradients as einsums, the labels exchanged."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.affine._subscripts import labels_of
from manual_backprop.functional.operation.written import summed_to


def written(equation: str, *operands: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Any, ...]]]:
    """The value, and the gradients of the operands, of an explicit equation in letters."""
    labels, output = labels_of(equation)
    value = torch.einsum(equation, *operands)

    def backward(g: Tensor) -> tuple[Any, ...]:
        gradients = []
        for at, (x, of_x) in enumerate(zip(operands, labels, strict=True)):
            others = [*labels[:at], *labels[at + 1 :]]
            known = {label for term in (output, *others) for label in term}
            distinct = "".join(dict.fromkeys(of_x))
            found = "".join(label for label in distinct if label in known)
            factors = (g, *operands[:at], *operands[at + 1 :])
            dx: Any = g
            if others or found != output:
                dx = torch.einsum(f"{','.join((output, *others))}->{found}", *factors)
            for d, label in enumerate(distinct):
                if label not in known:  # it was summed over, so that each of its numbers has the same share
                    dx = dx.unsqueeze(d)
            if distinct == of_x:
                dx = summed_to(dx, x)
                gradients.append(dx if dx.shape == x.shape else dx.expand(x.shape))
                continue
            places = {label: torch.arange(n) for label, n in zip(of_x, x.shape, strict=True)}
            for label, place in places.items():
                if behind := len(distinct) - 1 - distinct.index(label):
                    places[label] = place[(..., *(None,) * behind)]
            diagonal = torch.zeros_like(x)
            diagonal[tuple(places[label] for label in of_x)] = dx
            gradients.append(diagonal)
        return tuple(gradients)

    return value, backward
