"""The mistakes that people make in a derivation, each as the wrong gradient that it leads to.

A hypothesis takes a point and gives the gradient that somebody who made this mistake would get there, from
what the mistake is made of: the right gradient R = Jᵀv, the upstream gradient v, and the forward itself. None
of them knows an operation by name.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import torch
from torch import Tensor

from manual_backprop.functional.operation import broadcasts
from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.elementwise_mistakes import elementwise
from manual_backprop.verify.problem import Draw, Problem

LARGEST_JACOBIAN = 200_000  # numbers


Hypothesis = Callable[[Problem, Draw, int], Iterator[Candidate]]


def itself(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The right gradient, to be found up to a factor."""
    yield Candidate("right", "Yours is the right one", problem.right(draw)[at], 0)


def transposed(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """Two dimensions of the right gradient exchanged."""
    gradient = problem.right(draw)[at]
    for i, j in combinations(range(gradient.dim()), 2):
        if gradient.shape[i] > 1 and gradient.shape[j] > 1:
            which = "" if gradient.dim() == 2 else f" in {problem.language.along((i, j))}"
            yield Candidate(
                "transposed", f"Yours is the transpose of the right one{which}", gradient.transpose(i, j)
            )


def swapped(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The gradient of another input."""
    for other, gradient in enumerate(problem.right(draw)):
        if other != at:
            name = problem.names[problem.differentiable[other]]
            yield Candidate("swapped", f"Yours is the gradient with respect to {name}", gradient)


def upstream(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The chain rule's first factor left out, taken twice, or cut to its positive part."""
    v = draw.upstream
    yield Candidate(
        "upstream-ignored",
        f"Yours is right for an upstream gradient of ones: {problem.upstream} is not used",
        problem.right(draw, torch.ones_like(v))[at],
    )
    yield Candidate(
        "upstream-twice", f"{problem.upstream} is multiplied in twice", problem.right(draw, v * v)[at]
    )
    yield Candidate(
        "upstream-sign",
        f"{problem.upstream} is let through only where it is positive",
        problem.right(draw, v.clamp(min=0))[at],
    )


def zero(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """No gradient at all, whichever way back is left out."""
    text = "Yours is zero: the path from this input to the loss is cut"
    yield Candidate("detached", text, 0 * problem.right(draw)[at])


def integers(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The right gradient, converted to an integer type."""
    gradient = problem.right(draw)[at]
    for what, rounded in (("truncated", gradient.trunc()), ("rounded", gradient.round())):
        if rounded.any():
            yield Candidate("truncated", f"Yours is the right one, {what} to whole numbers", rounded)


def reductions(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """A broadcast input gets the sum over its copies; here it is not summed, or over other dimensions."""
    full = _before_unbroadcasting(problem, draw, at)
    if full is None:
        return
    right = problem.right(draw)[at]
    summed = _summed_dimensions(right.shape, full.shape)
    if not summed:
        return
    language = problem.language
    option = language.named("keepdim")
    text = f"Yours is not summed over {language.along(summed)}, along which the input is broadcast"
    yield Candidate("not-summed", text, full)
    for chosen in _other_dimensions(full.dim(), summed):
        for keepdim, kept in ((False, ""), (True, f", with {option}=True")):
            instead = f"Yours is summed over {language.along(chosen)}{kept}"
            text = f"{instead}; summed over {_listed(summed)} it is exactly right"
            yield Candidate("wrong-dimension", text, full.sum(chosen, keepdim=keepdim))
    if len(summed) == 1:
        for where, index in (("first", 0), ("last", -1)):
            copy = f"the {where} copy along {language.along(summed)}"
            text = f"Yours is the gradient of {copy} only: sum over all copies"
            yield Candidate("one-example", text, full.select(summed[0], index).reshape(right.shape))


def _other_dimensions(count: int, summed: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All choices of dimensions but the right one."""
    for size in range(1, count + 1):
        yield from (chosen for chosen in combinations(range(count), size) if chosen != summed)


def one_example(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """Gradients of examples add up; here one is kept: assigned where it should be accumulated."""
    for dim in range(draw.output.dim()):
        if draw.output.shape[dim] < 2:
            continue
        for where, index in (("first", 0), ("last", draw.output.shape[dim] - 1)):
            only = torch.zeros_like(draw.upstream)
            only.select(dim, index).copy_(draw.upstream.select(dim, index))
            text = (
                f"Only the {where} slice of the output along {problem.language.along((dim,))} is counted: "
                "add, do not assign"
            )
            yield Candidate("one-example", text, problem.right(draw, only)[at])


def jacobian(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """Only its diagonal, or J v in place of Jᵀ v."""
    x = draw.inputs[problem.differentiable[at]]
    if x.shape != draw.output.shape or not 1 < x.numel() <= LARGEST_JACOBIAN**0.5:
        return
    size = x.numel()
    ones = torch.eye(size, dtype=x.dtype, device=x.device)
    rows = [problem.right(draw, one.reshape(x.shape))[at].flatten() for one in ones]
    J = torch.stack(rows)
    diagonal = torch.diag(J.diagonal())
    if torch.allclose(J, diagonal, rtol=0, atol=1e-12):
        return
    v = draw.upstream.flatten()
    text = "Only the diagonal of the Jacobian is used: every output depends on other inputs too"
    yield Candidate("diagonal-only", text, (J.diagonal() * v).reshape(x.shape))
    if not torch.allclose(J, J.T, rtol=0, atol=1e-12):
        yield Candidate("jacobian-transposed", "Yours is J v, expected Jᵀ v", (J @ v).reshape(x.shape))


def times(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The right gradient multiplied or divided, element by element, by an input or the output."""
    gradient = problem.right(draw)[at]
    for name, t in problem.tensors(draw):
        if broadcasts(t.shape, gradient.shape):
            yield Candidate("times", f"Yours is the right one multiplied by {name}", gradient * t, 2)
            yield Candidate("times", f"Yours is the right one divided by {name}", gradient / t, 2)


HYPOTHESES: tuple[Hypothesis, ...] = (
    itself,
    transposed,
    swapped,
    upstream,
    zero,
    integers,
    reductions,
    one_example,
    elementwise,
    jacobian,
    times,
)


def candidates(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """All of them; a hypothesis that does not apply to this forward gives none."""
    for hypothesis in HYPOTHESES:
        try:
            yield from hypothesis(problem, draw, at)
        except (RuntimeError, IndexError, ValueError, TypeError, AttributeError, KeyError):
            continue


def _before_unbroadcasting(problem: Problem, draw: Draw, at: int) -> Tensor | None:
    """The gradient of every copy that broadcasting makes of an input, of the shape of the output."""
    position = problem.differentiable[at]
    x = draw.inputs[position]
    if x.shape == draw.output.shape or x.dim() > draw.output.dim():
        return None
    copies = x.expand(draw.output.shape).clone()
    inputs = tuple(copies if i == position else y for i, y in enumerate(draw.inputs))
    if not torch.equal(problem.value(inputs), draw.output):
        return None
    return problem.right(Draw(inputs, draw.upstream, draw.output))[at]


def _summed_dimensions(shape: torch.Size, full: torch.Size) -> tuple[int, ...]:
    padded = (1,) * (len(full) - len(shape)) + tuple(shape)
    return tuple(d for d in range(len(full)) if padded[d] == 1 and full[d] != 1)


def _listed(dimensions: tuple[int, ...]) -> str:
    return " and ".join(map(str, dimensions)) or "none"
