"""Upstream gradients as autograd lays them out in memory: expanded, transposed, a slice of a larger one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from manual_backprop.verify.findings import Diagnosis, Finding
from manual_backprop.verify.judging.comparison import compares, facts
from manual_backprop.verify.judging.scales import size_of_terms
from manual_backprop.verify.problem import Draw, Malformed, Problem


def laid_out(v: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Upstream gradients that are not contiguous, made of the numbers of one that is, with what each is."""
    sized = [dim for dim, size in enumerate(v.shape) if size > 1]
    if not sized:
        return
    yield "expanded, as .sum() hands it back", v.flatten()[0].expand(v.shape)
    if len(sized) > 1:
        for dim in (sized[0], sized[-1]):
            yield (
                f"expanded along dimension {dim}, as .sum({dim}) hands it back",
                v.narrow(dim, 0, 1).contiguous().expand(v.shape),
            )
        order = tuple(reversed(range(v.dim())))
        yield "transposed, as .T hands it back", v.permute(order).contiguous().permute(order)
    yield "strided, as a slice of a larger one is", torch.stack((v, -v), -1)[..., 0]


def tried_with_each(
    problem: Problem, draw: Draw, right: Sequence[Tensor], findings: Sequence[Finding], *, writes: bool
) -> tuple[tuple[Finding, ...], str]:
    """The verdicts, where it changes a right gradient how the upstream gradient lies in memory.

    The derivation is compared with itself, given the same numbers in order. Errors are relative to the size
    of the terms in the gradients, of which the right ones are `right`. A derivation that `writes` over
    grad_output, as is told elsewhere, is not given an expanded one.

    Returns:
        The verdicts, and what is wrong with the derivation as a whole if it raises, or "".
    """
    found = list(findings)
    if not problem.has_convention:  # NumPy code is given arrays in order
        return tuple(found), ""
    for how, v in laid_out(draw.upstream):
        if writes and 0 in v.stride():
            continue
        try:
            in_order = problem.given(draw, v.contiguous())
        except Malformed as reason:
            return tuple(found), str(reason)
        try:
            given = problem.given(draw, v)
        except Malformed as reason:
            raised = str(reason).rstrip(".")
            return tuple(found), f"where the upstream gradient is {how}, {raised}. {_cure(raised)}"
        for at, finding in enumerate(found):
            mine, due = given[at], in_order[at]
            if finding.status != "right" or not (compares(due, due) and due.isfinite().all()):
                continue
            text = (
                f"Yours is something else where the upstream gradient is {how}: compute with its numbers, "
                f"not with its memory, or call {problem.upstream}.contiguous() first"
            )
            diagnosis = Diagnosis("upstream-layout", text, 0.0, True)
            if not compares(mine, due):
                remark = f"the type or the shape of yours depends on how {problem.upstream} lies in memory"
                found[at] = replace(finding, status="malformed", remark=remark, diagnoses=(diagnosis,))
                continue
            dtype = draw.inputs[problem.differentiable[at]].dtype
            scale = size_of_terms(problem, draw, at, right)
            numbers = facts(finding.name, mine, due.double(), scale, dtype)
            if numbers["relative"] > finding.tolerance:
                found[at] = replace(finding, status="wrong", **numbers, diagnoses=(diagnosis,))
    return tuple(found), ""


def _cure(reason: str) -> str:
    if "view size" in reason:
        return "Write reshape in place of view."
    return "Call grad_output.contiguous() first."
