"""Is autograd's gradient right? Asked of witnesses that share no mistake with it.

With L(x) = ⟨v, f(x)⟩ and random directions u, its slope along u is ⟨∇L, u⟩. The same slope from values alone:

    (L(x + h u) − L(x − h u)) / 2h          wrong by c h² + rounding/h

Two step sizes h and h/2 give the difference D an error of its own: the terms in h² cancel in
(4 D(h/2) − D(h)) / 3, and what that changes estimates what is left (Richardson 1911; Press et al., "Numerical
Recipes", section 5.7). Where the forward takes complex numbers and is analytic, the slope is also
Im L(x + i h u) / h, with no difference that could cancel (Squire and Trapp, SIAM Review 40, 1998). And pushed
forward, the slope is ⟨v, J u⟩: the adjoint identity.
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from manual_backprop.verify.problem import Draw, Problem, Unjudged

DIRECTIONS = 3
STEP = 1e-3
SMALLER_STEPS = (1e-4, 1e-5, 1e-6)  # less exact, but less likely to cross a kink of one of many units
ONE_SIDED_STEPS = (1e-4, 1e-5)
KINK = 1e-3  # of the slopes, what the two sides of a kink differ by at least


def confirm(problem: Problem, draw: Draw) -> tuple[str, ...]:
    """The names of the oracles that agree with autograd at this point.

    Raises:
        Unjudged: they do not, with the reason.
    """
    draw = draw.double()
    agreed = set(WITNESSES)
    generator = torch.Generator("cpu").manual_seed(0)
    for position, gradient in zip(problem.differentiable, problem.finite_right(draw), strict=True):
        for _ in range(DIRECTIONS):
            u = torch.randn(gradient.shape, generator=generator, dtype=torch.float64, device="cpu")
            u = u.to(gradient.device)
            slope = float((gradient * u).sum())
            _compare(problem, draw, position, slope, u)
            if not problem.has_convention:
                _require_no_kink(problem, draw, position, u)
            for name in sorted(agreed):
                other = WITNESSES[name](problem, draw, position, u)
                if other is None or not abs(other - slope) <= 1e-9 * max(abs(slope), _magnitude(draw)):
                    agreed.discard(name)  # it does not apply: not analytic, or no forward mode
    found = str(getattr(problem.forward, "differentiated_by", "autograd"))
    return tuple(dict.fromkeys((found, "central differences", *sorted(agreed))))


def _complex_step(problem: Problem, draw: Draw, position: int, u: Tensor) -> float | None:
    inputs = [x + 0j if x.is_floating_point() else x for x in draw.inputs]
    inputs[position] = inputs[position] + 1e-30j * u
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part that is dropped
            return float((problem.value(inputs) * draw.upstream).sum().imag) / 1e-30
    except Exception:  # the forward need not take complex numbers
        return None


def _pushed_forward(problem: Problem, draw: Draw, position: int, u: Tensor) -> float | None:
    def forward(x: Tensor) -> Tensor:
        return problem.forward(*(x if i == position else y for i, y in enumerate(draw.inputs)))

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`torch.jit.script", FutureWarning)  # torch's, of its own code
            pushed: Tensor = torch.func.jvp(forward, (draw.inputs[position],), (u,))[1]
        return float((pushed.detach() * draw.upstream).sum())
    except (RuntimeError, NotImplementedError):
        return None


WITNESSES = {"complex step": _complex_step, "the adjoint identity": _pushed_forward}


def _compare(problem: Problem, draw: Draw, position: int, slope: float, u: Tensor) -> None:
    along = _along(problem, draw, position, u)

    def differences(step: float) -> tuple[float, float, float]:
        coarse, fine = ((along(h) - along(-h)) / (2 * h) for h in (step, step / 2))
        return coarse, fine, (4 * fine - coarse) / 3

    for step in (STEP, *SMALLER_STEPS):
        _, fine, difference = differences(step)
        scale = max(abs(slope), abs(difference), _magnitude(draw))
        if abs(difference - slope) <= 10 * abs(difference - fine) + 1e-7 * scale:
            return
    coarse, fine, difference = differences(STEP)
    name = problem.names[position]
    right, left = (along(STEP) - along(0)) / STEP, (along(0) - along(-STEP)) / STEP
    finer = (along(STEP / 64) - along(-STEP / 64)) / (STEP / 32)
    if abs(finer) > 8 * abs(coarse) and abs(finer) > 8 * abs(slope):
        reason = "the forward jumps there: differences grow as the step shrinks"
    elif abs(right - left) > 0.1 * scale and abs(right - left) > 100 * abs(difference - fine):
        reason = (
            f"the forward has a kink there: its slope is {left:.3g} on one side and {right:.3g} on the other"
        )
    else:
        reason = (
            _kink(along, _magnitude(draw))
            or "does the forward detach something, or hold a Function with a wrong backward?"
        )
    raise Unjudged(
        f"for {name}, autograd gives the slope {slope:.6g} and central differences {difference:.6g}; {reason}"
    )


def _require_no_kink(problem: Problem, draw: Draw, position: int, u: Tensor) -> None:
    """Raise Unjudged at one: differences across it agree with whoever takes the mean of both sides."""
    kink = _kink(_along(problem, draw, position, u), _magnitude(draw))
    if kink:
        raise Unjudged(f"for {problem.names[position]}, {kink}")


def _kink(along: Callable[[float], float], magnitude: float) -> str:
    """The slopes on both sides, in words, where they differ; "" where they do not.

    Between both sides of a kink there is the same difference for a tenth of the step; of a smooth function it
    is a tenth, and of rounding ten times as much.
    """
    middle = along(0)
    sides = [((middle - along(-h)) / h, (along(h) - middle) / h) for h in ONE_SIDED_STEPS]
    (coarse, fine), (left, right) = (abs(right - left) for left, right in sides), sides[-1]
    if abs(fine - coarse) > 0.1 * coarse or fine <= KINK * max(abs(left), abs(right), magnitude):
        return ""
    return f"the forward has a kink there: its slope is {left:.3g} on one side and {right:.3g} on the other"


def _along(problem: Problem, draw: Draw, position: int, u: Tensor) -> Callable[[float], float]:
    def value(h: float) -> float:
        inputs = [x + h * u if i == position else x for i, x in enumerate(draw.inputs)]
        return float((problem.value(inputs) * draw.upstream).sum())

    return value


def _magnitude(draw: Draw) -> float:
    """How large ⟨v, f⟩ is term by term: what its rounding is relative to."""
    return float((draw.output * draw.upstream).abs().sum())
