"""Which gradients of a derivation are wrong, by autograd in float64 and nothing else."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tests.verify.gallery.derivation import Derivation

DRAWS = 2


def wrong_inputs(derivation: Derivation, *, at_zero: bool = False) -> tuple[int, ...]:
    """The inputs whose gradient is not autograd's on some draw, or at some call after the first.

    Args:
        derivation: to be judged.
        at_zero: whether some of the numbers are zero, where kinks are.
    """
    generator = torch.Generator().manual_seed(5)
    wrong: set[int] = set()
    for _ in range(DRAWS):
        point = _point(derivation, generator, at_zero)
        leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in point]
        output = derivation.forward(*leaves)
        upstream = torch.randn(output.shape, generator=generator, dtype=output.dtype)
        wanted = [x for x in leaves if x.requires_grad]
        due = iter(torch.autograd.grad(output, wanted, upstream, materialize_grads=True))
        more = {"output": output.detach()} if _takes_output(derivation) else {}
        returned = derivation.backward(upstream.clone(), *(x.clone() for x in point), **more)
        several = returned if isinstance(returned, tuple | list) else (returned,)
        assert len(several) in (len(point), len(wanted)), f"{len(several)} gradients"
        given = several if len(several) == len(wanted) else [several[i] for i in _real(point)]
        wrong |= {i for i, g in zip(_real(point), given, strict=True) if not _equal(g, next(due))}
    return tuple(sorted(wrong))


def _point(derivation: Derivation, generator: torch.Generator, at_zero: bool) -> list[Tensor]:
    """Numbers of both signs; positive ones if the forward, as log and sqrt, has no value at those."""
    given = [
        x if isinstance(x, Tensor) else torch.randn(x, generator=generator, dtype=torch.float64)
        for x in derivation.shapes
    ]
    if at_zero:
        for x in given:
            x.view(-1)[::3] = 0
    if derivation.forward(*given).isfinite().all():
        return given
    return [x.abs().frac() if x.is_floating_point() else x for x in given]


def _real(point: Sequence[Tensor]) -> list[int]:
    return [i for i, x in enumerate(point) if x.is_floating_point()]


def _takes_output(derivation: Derivation) -> bool:
    return "output" in inspect.signature(derivation.backward).parameters


def _equal(given: Any, due: Tensor) -> bool:
    if not isinstance(given, Tensor) or given.shape != due.shape:
        return False
    return torch.allclose(given.to_dense().double(), due, rtol=1e-9, atol=1e-11)
