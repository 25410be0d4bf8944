"""The Jacobian of the forward, and the one that a derivation stands for, output by output."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from manual_backprop.verify.problem import Draw, Malformed, Problem

MOST_OUTPUTS = 120  # a derivation is called once for each
MOST_ENTRIES = 40_000  # of one Jacobian
FEWEST_OUTPUTS = 8  # of many, that would say something of all
FEW_OUTPUTS = 24  # that are looked at first
LINEAR = 1e-6  # relative: what differs by more than this does not add up


@dataclass(frozen=True, eq=False)
class Jacobians:
    """∂output/∂input at one point, a row for each output.

    Attributes:
        outputs: the positions of the outputs, in order, among all.
        right: for each input that has a gradient, (outputs, numbers of the input).
        yours: what the derivation gives for one output at a time; None where that is no gradient.
    """

    outputs: Tensor
    right: tuple[Tensor, ...]
    yours: tuple[Tensor | None, ...]


@lru_cache(maxsize=8)  # each input asks for them, on each draw
def jacobians(problem: Problem, draw: Draw, most: int) -> Jacobians | None:
    """Those of all inputs, for all outputs or up to `most`, spread evenly; None where they are too large."""
    draw = draw.double()
    count = draw.output.numel()
    largest = max(draw.inputs[i].numel() for i in problem.differentiable)
    fitting = min(count, MOST_OUTPUTS, MOST_ENTRIES // max(largest, 1))
    if fitting < min(count, FEWEST_OUTPUTS) or count == 0 or largest == 0:
        return None
    chosen = min(fitting, most)
    outputs = (torch.arange(chosen, device=draw.output.device) * count) // chosen
    upstreams = [_one_at(int(o), draw.output) for o in outputs]
    pull = pullback(problem, draw)
    try:
        given = [problem.given(draw, v) for v in upstreams]
        whole = _sum_of(upstreams, draw.upstream)
        at_once = problem.given(draw, whole)
    except Malformed:
        return None
    right = [pull(v) for v in upstreams]
    weights = draw.upstream.flatten()[outputs]
    return Jacobians(
        outputs,
        tuple(torch.stack([row[i].flatten() for row in right]) for i in range(len(problem.differentiable))),
        tuple(
            _linear([row[i] for row in given], at_once[i], weights, right[0][i])
            for i in range(len(problem.differentiable))
        ),
    )


def pullback(problem: Problem, draw: Draw) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The right gradients as a function of the upstream gradient; the forward is run once."""
    leaves = [
        x.detach().clone().requires_grad_(i in problem.differentiable) for i, x in enumerate(draw.inputs)
    ]
    wanted = [leaves[i] for i in problem.differentiable]
    output = problem.forward(*leaves)

    def pull(v: Tensor) -> tuple[Tensor, ...]:
        found = torch.autograd.grad(output, wanted, v, retain_graph=True, materialize_grads=True)
        return tuple(g.to_dense() if g.is_sparse else g for g in found)

    return pull


def _one_at(position: int, output: Tensor) -> Tensor:
    one = torch.zeros(output.numel(), dtype=output.dtype, device=output.device)
    one[position] = 1
    return one.reshape(output.shape)


def _sum_of(upstreams: Sequence[Tensor], v: Tensor) -> Tensor:
    """The upstream gradient, zero at the outputs that are not looked at."""
    return v * torch.stack(list(upstreams)).sum(0)


def _linear(rows: Sequence[object], at_once: object, weights: Tensor, like: Tensor) -> Tensor | None:
    """The rows as a matrix, if they are gradients and add up to what is given at once."""
    tensors = [row for row in (*rows, at_once) if isinstance(row, Tensor) and row.shape == like.shape]
    if len(tensors) <= len(rows) or any(t.is_complex() or not t.isfinite().all() for t in tensors):
        return None
    matrix = torch.stack([t.double().flatten() for t in tensors[:-1]])
    whole = tensors[-1].double().flatten()
    scale = float(whole.abs().max())
    return matrix if float((weights @ matrix - whole).abs().max()) <= LINEAR * scale else None
