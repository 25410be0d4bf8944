"""Whatever is drawn, an operation does what its twin does: value, gradients and refusals.

`drawn.py` says how a call is drawn; how close is close, and where the twin is not followed, is said here.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
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
from tests.functional.drawn_calls import CALLS, EACH_BY_ITSELF
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

NOT_FINITE: dict[str, str] = {
    "attention_and_weights": "the twin, written for the tests, adds 0 · ΣV to its weights",
    "cross_entropy_probabilities": "the twin has 0 · ∞ of a weight or a share of 0 and an infinite gradient",
    "gelu": "in float32 the twin makes ∞ of numbers close to the largest, and NaN of ∞",
    "kl_div": "of an infinite gradient the twin makes ∞ − ∞",
    "rsqrt": "the twin's r³ overflows where g r³ does not, and 0 · ∞ is NaN",
    "std": "in float64 the twin squares differences of any size; for one number see var",
    "var": "of a single NaN the twin's slope is ∞",
}
"""Where the twin's number is not finite for a reason of its own, ours may be another."""

FINITE_UPSTREAM: dict[str, str] = {
    "batch_norm": "which of ∞ − ∞ and ∞ comes out of its sums is a matter of their order",
    "group_norm": "as of batch_norm",
    "layer_norm": "as of batch_norm",
    "linear_cross_entropy": "formed before the upstream gradient is known, its zeros meet that factor last",
    "rms_norm": "as of batch_norm",
}
"""What gets finite upstream gradients only."""

FLAT: dict[str, str] = {
    "gelu": "its slope is 0 at −0.75, and the twin's 1 + erf cancels to the left of that",
    "hardswish": "its slope is 0 at −1.5",
    "silu": "its slope is 0 at −1.28",
}
"""What is known to a rounding of 1, and its gradient to one of the upstream gradient: one is 0 beside 0."""

Refusal = type[Exception] | None
REFUSALS: dict[tuple[str, Refusal, Refusal], str] = {
    (
        "adaptive_avg_pool2d",
        RuntimeError,
        None,
    ): "of no channels or parts the twin has a value, but no gradient",
    ("adaptive_avg_pool2d", None, RuntimeError): "the twin averages a matrix too where output_size is 1",
    (
        "avg_pool2d",
        IndexError,
        RuntimeError,
    ): "the twin looks for the channels of a matrix before it looks at it",
    (
        "embedding",
        RuntimeError,
        IndexError,
    ): "in a table without columns the twin finds the wrong index later",
}
"""What the twin raises, and what this package does instead."""

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
    if row.name in NOT_FINITE and actual.shape == expected.shape:
        actual = actual.where(expected.isfinite(), expected)
    if row.name not in EACH_BY_ITSELF:
        assert_same(what, actual, expected, size=size)
        return
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype), what
    type_ = torch.finfo(expected.dtype)
    atol = 16 * (type_.eps * size if row.name in FLAT else type_.tiny)
    torch.testing.assert_close(actual, expected, rtol=16 * type_.eps, atol=atol, equal_nan=True)


def does_what_its_twin_does(row: Row, data: st.DataObject) -> None:
    types = TYPES if row.name in EACH_BY_ITSELF else TYPES[:2]
    call = data.draw(CALLS[row.name]).to(data.draw(one_of(types)))
    drawn: list[Tensor] = []

    def upstream(outputs: list[Tensor]) -> list[Tensor]:
        if not drawn:
            numbers = FINITE if row.name in FINITE_UPSTREAM else UPSTREAM
            drawn.extend(data.draw(tensors(tuple(out.shape), numbers)).to(out.dtype) for out in outputs)
        return drawn

    due, given_ = (outcome(function, call, upstream) for function in (row.twin, row.function))
    if isinstance(due, Exception) or isinstance(given_, Exception):
        raised = [type(x) if isinstance(x, Exception) else None for x in (due, given_)]
        assert raised[0] is raised[1] or (row.name, *raised) in REFUSALS, (due, given_)
        return
    of_inputs = 1 / sqrt(call.options.get("eps", 1))  # the normalisations' factor
    for x in call.inputs:
        of_inputs *= largest([x])
    for what, size, *pair in (
        ("output", of_inputs, given_[0], due[0]),
        ("gradient", of_inputs * largest(drawn), given_[1], due[1]),
    ):
        if row.name in FLAT:
            size = 1.0 if what == "output" else largest(drawn)
        for i, (actual, expected) in enumerate(zip(*pair, strict=True)):
            assert_alike(row, f"{what} {i}", actual, expected, size)


def property_of(row: Row, examples: int = 60) -> Callable[[], None]:
    """The same examples in every run."""

    @settings(
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=st.data())
    def it_does_what_its_twin_does(data: st.DataObject) -> None:
        does_what_its_twin_does(row, data)

    return it_does_what_its_twin_does


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_does_what_its_twin_does(row: Row) -> None:
    property_of(row)()


def test_a_call_of_every_operation_can_be_drawn() -> None:
    assert CALLS.keys() == {row.name for row in ROWS}


@pytest.mark.parametrize(
    ("name", "other"), [("relu", "abs"), ("hardswish", "silu"), ("matmul", "mul"), ("softmax", "log_softmax")]
)
def test_another_operation_is_found_out(name: str, other: str) -> None:
    rows = {row.name: row for row in ROWS}
    with pytest.raises(AssertionError):
        property_of(replace(rows[name], function=rows[other].function))()
