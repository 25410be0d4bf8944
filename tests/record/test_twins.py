"""What a hand-written backward is set beside in a recording, and the lines that are printed for it."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from manual_backprop import record
from manual_backprop.functional.operation import WATCH, Operation
from manual_backprop.record.twins import twin_for
from tests.functional.samples import Row
from tests.functional.table import ROWS

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def operations(of: type = Operation) -> list[type]:
    """Every operation of the package; those in place share the names of the others."""
    below = [operation for direct in of.__subclasses__() for operation in (direct, *operations(direct))]
    return [operation for operation in below if operation.__module__.startswith("manual_backprop.")]


def tensors(value: Any) -> list[Tensor]:
    return [t for t in pytree.tree_leaves(value) if isinstance(t, Tensor) and t.requires_grad]


@rows
def test_the_twin_has_the_operations_gradient(row: Row) -> None:
    calls: list[tuple[Any, Any]] = []

    def watch(operation: Any, compute: Any, inputs: Any) -> Any:
        token = WATCH.set(None)
        try:
            calls.append((operation, inputs))
            return compute(*inputs)
        finally:
            WATCH.reset(token)

    token = WATCH.set(watch)
    try:
        for sample in row.samples:
            row.function(*sample.leaves(), **sample.options)
    finally:
        WATCH.reset(token)
    assert calls
    for operation, inputs in calls:
        given, outputs = tensors(inputs), tensors(operation.apply(*inputs))
        if not outputs:
            continue
        generator = torch.Generator().manual_seed(0)
        upstream = [torch.randn(t.shape, dtype=t.dtype, generator=generator) for t in outputs]
        found, due = (
            torch.autograd.grad(out, given, upstream, allow_unused=True, materialize_grads=True)
            for out in (outputs, tensors(twin_for(operation)(*inputs)))
        )
        for a, b in zip(found, due, strict=True):
            scale = float(b[b.isfinite()].abs().max()) if bool(b.isfinite().any()) else 0.0
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * scale, equal_nan=True)


@rows
def test_every_line_can_be_written(row: Row) -> None:
    sample = next(sample for sample in row.samples if sample.smooth and sample.finite)

    def total(*inputs: Tensor) -> Tensor:
        outputs = tensors(row.function(*inputs, **sample.options))
        return sum((t * torch.linspace(1, 2, t.numel()).reshape(t.shape)).sum() for t in outputs)  # type: ignore[return-value]

    step = record(total, *sample.leaves())
    for call in step.calls:
        lines = [call.line(), *(call.backward_line(at) for at in call.gradients)]
        assert call.gradients
        assert not any(mark in line for line in lines for mark in "{}‹›"), lines
        assert "′" not in "".join(lines)
