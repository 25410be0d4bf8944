"""Whatever is drawn, an operation does what its twin does: value, gradients and refusals.

Each row says how its calls are drawn, how close is close, and where the twin is not followed.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.functional.checks import assert_same, outputs_of
from tests.functional.drawn import (
    FINITE,
    NEVER_FINITE,
    ORDINARY,
    TYPES,
    one_of,
    tensors,
)
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

UPSTREAM = (ORDINARY, ORDINARY | one_of((0.0, -0.0, 1e4, -1e4, *NEVER_FINITE)))

Outcome = tuple[list[Tensor], list[Tensor]]
Draw = Callable[[list[Tensor]], list[Tensor]]


def outcome(function: Callable[..., Any], call: Sample, upstream: Draw) -> Outcome | Exception:
    """The outputs and the gradients, or what was raised."""
    leaves = call.leaves()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = outputs_of(function, call, leaves)
            smooth = [out for out in outputs if out.is_floating_point()]
            grads = torch.autograd.grad(
                smooth, leaves, upstream(smooth), allow_unused=True, materialize_grads=True
            )
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError, NotImplementedError) as error:
        return error
    return [out.detach() for out in outputs], list(grads)


def largest(tensors: list[Tensor]) -> float:
    """The largest finite number, and at least 1."""
    finite = [float(x[x.isfinite()].abs().max()) for x in tensors if x.isfinite().any()]
    return max([1.0, *finite])


def assert_alike(row: Row, what: str, actual: Tensor, expected: Tensor, size: float) -> None:
    """The twin's numbers; a sum's to a few roundings of `size`."""
    if not expected.is_floating_point():
        assert_same(what, actual, expected)
        return
    if row.drawn.not_finite and actual.shape == expected.shape:
        actual = actual.where(expected.isfinite(), expected)
    if not row.drawn.each_by_itself:
        assert_same(what, actual, expected, size=size)
        return
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype), what
    type_ = torch.finfo(expected.dtype)
    atol = 16 * (type_.eps * size if row.drawn.flat else type_.tiny)
    torch.testing.assert_close(actual, expected, rtol=16 * type_.eps, atol=atol, equal_nan=True)


def does_what_its_twin_does(row: Row, data: st.DataObject) -> None:
    types = TYPES if row.drawn.each_by_itself else TYPES[:2]
    call = data.draw(row.drawn.calls).to(data.draw(one_of(types)))
    drawn: list[Tensor] = []

    def upstream(outputs: list[Tensor]) -> list[Tensor]:
        if not drawn:
            numbers = FINITE if row.drawn.finite_upstream else UPSTREAM
            drawn.extend(data.draw(tensors(tuple(out.shape), numbers)).to(out.dtype) for out in outputs)
        return drawn

    due, given_ = (outcome(function, call, upstream) for function in (row.twin, row.function))
    if isinstance(due, Exception) or isinstance(given_, Exception):
        raised = [type(x) if isinstance(x, Exception) else None for x in (due, given_)]
        assert raised[0] is raised[1] or tuple(raised) in row.drawn.refusals, (due, given_)
        return
    of_inputs = 1 / sqrt(call.options.get("eps", 1))  # the normalisations' factor
    for x in call.inputs:
        of_inputs *= largest([x])
    for what, size, *pair in (
        ("output", of_inputs, given_[0], due[0]),
        ("gradient", of_inputs * largest(drawn), given_[1], due[1]),
    ):
        if row.drawn.flat:
            size = 1.0 if what == "output" else largest(drawn)
        for i, (actual, expected) in enumerate(zip(*pair, strict=True)):
            assert_alike(row, f"{what} {i}", actual, expected, size)


def property_of(row: Row, examples: int = 60, phases: Sequence[Phase] = tuple(Phase)) -> Callable[[], None]:
    """The same examples in every run."""

    @settings(
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=examples,
        phases=phases,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=st.data())
    def it_does_what_its_twin_does(data: st.DataObject) -> None:
        does_what_its_twin_does(row, data)

    return it_does_what_its_twin_does


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_does_what_its_twin_does(row: Row) -> None:
    property_of(row)()


@pytest.mark.parametrize(
    ("name", "other"), [("relu", "abs"), ("hardswish", "silu"), ("matmul", "mul"), ("softmax", "log_softmax")]
)
def test_another_operation_is_found_out(name: str, other: str) -> None:
    rows = {row.name: row for row in ROWS}
    with pytest.raises(AssertionError):
        property_of(replace(rows[name], function=rows[other].function), phases=[Phase.generate])()
