"""Formulas read off the numbers: yours and the right one as sums of powers of the output, or of the input."""

from collections.abc import Iterator

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.findings import Diagnosis

POWERS = (-2, -1, 0, 1, 2)
FEWEST = 12  # numbers to fit the weights of so many powers to
RTOL, ATOL = 1e-8, 1e-10  # of such a fit, whose powers are nearly multiples of one another
ROUNDING = 1e-7  # of a weight: one that is smaller is 0, and one that is this close to 1 is 1


def formula(wrong: WrongGradient) -> Iterator[Diagnosis]:
    """Both gradients as polynomials in the output, or in the input, where both are such."""
    draws = wrong.draws
    v = [draw.upstream.flatten() for draw in draws]
    if any(g.numel() != u.numel() for g, u in zip(wrong.given, v, strict=True)):
        return
    mine = torch.cat([g.flatten() / u for g, u in zip(wrong.given, v, strict=True)])
    slope = torch.cat(
        [wrong.problem.right(d, torch.ones_like(d.upstream))[wrong.at].flatten() for d in draws]
    )
    a = torch.cat([draw.output.flatten() for draw in draws])
    x = torch.cat([draw.inputs[wrong.position].flatten() for draw in draws])
    for name, t in (("a", a), (wrong.problem.names[wrong.position], x)):
        yours, right = (
            weights_of_powers(t, values) if t.numel() == values.numel() else None for values in (mine, slope)
        )
        if yours is not None and right is not None:
            expected = f"× ({_spelled(right, name)})" + (" with a the output" if name == "a" else "")
            text = f"Yours is {wrong.problem.upstream} × ({_spelled(yours, name)}), expected {expected}."
            yield Diagnosis("other-formula", text, 0.0, False)
            return


def powers_of(t: Tensor) -> Tensor:
    """A column for each of POWERS."""
    t = t.flatten().double()
    return torch.stack([t**k for k in POWERS], 1)


def weights_of_powers(t: Tensor, values: Tensor) -> Tensor | None:
    """The weights with which powers of t add up to the values; None if they do not."""
    columns, values = powers_of(t), values.flatten().double()
    if t.numel() < FEWEST or not columns.isfinite().all():
        return None
    weights = torch.linalg.lstsq(columns, values[:, None]).solution.flatten()
    if not torch.allclose(columns @ weights, values, RTOL, ATOL):
        return None
    return weights.where(weights.abs() > ROUNDING, 0)


def _spelled(weights: Tensor, name: str) -> str:
    signs = {-2: f"{name}⁻²", -1: f"{name}⁻¹", 0: "1", 1: name, 2: f"{name}²"}
    parts: list[str] = []
    for power, weight in zip(POWERS, weights.tolist(), strict=True):
        if weight:
            size = "" if abs(abs(weight) - 1) < ROUNDING and power else f"{abs(weight):.4g}"
            sign = ("− " if weight < 0 else "+ ") if parts else ("−" if weight < 0 else "")
            parts.append(sign + (size if power == 0 else f"{size} {signs[power]}".strip()))
    return " ".join(parts) or "0"
