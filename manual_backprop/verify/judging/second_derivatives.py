"""Can a function with a backward of its own be differentiated twice, and are its second derivatives right?

With random weights w, S = Σ ⟨w, ∂L/∂input⟩ is differentiated once more, with respect to the inputs and to the
upstream gradient. What forward computed on its way and kept on ctx for backward is a constant to autograd:
nothing is raised, and a part of the second derivative is silently missing.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from manual_backprop.derive.command_line.messages import told
from manual_backprop.verify.judging.comparison import largest
from manual_backprop.verify.problem import Draw, OwnBackward, Problem

ONCE = "Error"  # the last word of the name of the node that @once_differentiable puts in the backward's place


class _None(Exception):  # noqa: N818 - an answer
    """There are no second derivatives, with the reason."""


def second_derivatives(problem: Problem, draw: Draw) -> str:
    """What is found, in words, of a function whose first derivatives are right; "" of a pair of functions."""
    if not isinstance(problem.backward, OwnBackward):
        return ""
    try:
        right = _derived(problem.forward, draw.double(), problem.differentiable)
    except _None:
        return "not judged, the reference has none"
    try:
        given = _derived(problem.backward.function, draw, problem.differentiable)
    except _None as reason:
        return f"not judged, {reason}"
    tolerance = torch.finfo(draw.output.dtype).eps ** 0.5 * max(map(largest, right))
    names = [*(problem.names[i] for i in problem.differentiable), problem.upstream]
    errors = [(g.double() - r).abs() for g, r in zip(given, right, strict=True)]
    wrong = [at for at, error in enumerate(errors) if not largest(error) <= tolerance]
    if not wrong:
        return "right"
    at = wrong[0]
    place = int(errors[at].nan_to_num(torch.inf).argmax())
    yours, due = (float(t[at].flatten()[place]) for t in (given, right))
    return (
        f"WRONG with respect to {' and '.join(names[i] for i in wrong)} (yours {yours:.3g}, right "
        f"{due:.3g}). Autograd takes for a constant what forward computed on its way and kept on ctx, or "
        "what backward detaches: save inputs and outputs only, and compute the rest again in backward"
    )


def _derived(
    function: Callable[..., Tensor], draw: Draw, differentiable: Sequence[int]
) -> tuple[Tensor, ...]:
    """The gradients of S with respect to each differentiable input and the upstream gradient."""
    leaves = [x.detach().clone().requires_grad_(i in differentiable) for i, x in enumerate(draw.inputs)]
    v = draw.upstream.clone().requires_grad_()
    wanted = [*(leaves[i] for i in differentiable), v]
    try:
        first = torch.autograd.grad(function(*leaves), wanted[:-1], v, create_graph=True, allow_unused=True)
        generator = torch.Generator("cpu").manual_seed(0)
        terms = []
        for x, g in zip(wanted[:-1], first, strict=True):
            w = torch.randn(x.shape, generator=generator, dtype=torch.float64, device="cpu")
            if g is not None and g.requires_grad:
                terms.append((w.to(g) * g).sum())
        if not terms:
            raise _None("the backward cannot be differentiated")
        total = torch.stack(terms).sum()
        if _is_once_differentiable(total):
            raise _None("the backward is marked @once_differentiable")
        second = torch.autograd.grad(total, wanted, allow_unused=True)
    except (Exception, SystemExit) as error:
        if isinstance(error, _None):
            raise
        raise _None(f"differentiating the backward raises {told(error).rstrip('.')}") from error
    derived = tuple(torch.zeros_like(x) if g is None else g for g, x in zip(second, wanted, strict=True))
    if not all(g.isfinite().all() for g in derived):
        raise _None("they are not finite")
    return derived


def _is_once_differentiable(total: Tensor) -> bool:
    """Whether a step on the way refuses to be differentiated, which is not raised for inputs off that way."""
    seen, left = set(), [total.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        if node.name().endswith(ONCE):
            return True
        seen.add(node)
        left += [following for following, _ in node.next_functions]
    return False
