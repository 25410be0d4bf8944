"""What to look for first when a gradient is zero, tiny, huge, NaN or infinite, and why it is so."""

import torch
from torch import Tensor

from manual_backprop.record.call import Call

SATURATED = 0.01  # of the steepest slope
SMALL, LARGE = 1e-3, 1e3  # of the gradient at the output


def remarks(calls: list[Call]) -> list[str]:
    """One line for each thing that is wrong with the step, or may be."""
    found: list[str] = []
    reference = next((_size(call.output.gradient) for call in reversed(calls[:-1])), None)
    for call in calls:
        where = f"{call.output.symbol} ({call.place or 'model'})"
        if not _finite(call):
            return [*found, f"{where}: not every number is finite, first here"]
        found += [f"{where}: {text}" for text in (_dead(call), _saturated(call)) if text]
        if call is calls[-1]:
            return found  # the loss, whose gradient is 1 whatever the network does
        if not any(value.uses for value in call.outputs):
            continue
        size = _size(call.output.gradient)
        if not size:
            found.append(f"{where}: its gradient is zero, so nothing before it learns from this step")
        elif size and reference and size < SMALL * reference:
            found.append(f"{where}: vanishing: its gradient is {size / reference:.0e} of that at the output")
        elif size and reference and size > LARGE * reference:
            found.append(
                f"{where}: exploding: its gradient is {size / reference:.0e} times that at the output"
            )
    return found


def _finite(call: Call) -> bool:
    """Whether all numbers are; a mask writes −∞ on purpose, for softmax to make 0 of."""
    numbers = call.output.tensor
    fine = torch.isfinite(numbers)
    return bool((fine | (numbers == -torch.inf) if call.operation == "where" else fine).all())


def _size(gradient: Tensor | None) -> float | None:
    """The root mean square."""
    if gradient is None or not gradient.numel():
        return None
    return float(gradient.double().square().mean().sqrt())


def _dead(call: Call) -> str | None:
    if "relu" not in call.operation or call.output.tensor.dim() != 2:
        return None
    dead = int((call.output.tensor == 0).all(0).sum())
    examples, units = call.output.tensor.shape
    if not dead or examples < 2:
        return None
    return f"{dead} of {units} units dead: 0 for all {examples} examples, so their weights get no gradient"


def _saturated(call: Call) -> str | None:
    slope = call.local_derivative() if call.operation in ("sigmoid", "tanh") else None
    if slope is None or not slope.numel():
        return None
    steepest = 0.25 if call.operation == "sigmoid" else 1.0
    share = float((slope < SATURATED * steepest).double().mean())
    if share < 0.5:
        return None
    return f"saturated: for {share:.0%} the slope is below a hundredth of the steepest, so little passes"
