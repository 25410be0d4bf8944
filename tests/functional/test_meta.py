"""On the meta device tensors have shapes and no numbers: every operation makes the twin's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS


def on_meta(value: Any) -> Any:
    return tree_map(lambda x: x.to("meta") if isinstance(x, Tensor) else x, value)


def shapes(function: Callable[..., Any], sample: Sample) -> list[tuple[torch.Size, torch.dtype] | None]:
    """Shape and type of what comes out, and of each gradient."""
    leaves = [on_meta(x.detach()).requires_grad_() for x in sample.inputs]
    result = tree_leaves(function(*leaves, **on_meta(sample.options)))
    outputs = [out for out in result if isinstance(out, Tensor) and out.requires_grad]
    gradients = torch.autograd.grad(outputs, leaves, list(map(torch.empty_like, outputs)), allow_unused=True)
    return [None if x is None else (x.shape, x.dtype) for x in (*outputs, *gradients)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_shapes_and_types_are_the_twins(row: Row) -> None:
    for sample in row.samples:
        try:
            due = shapes(row.twin, sample)
        except (NotImplementedError, RuntimeError, ZeroDivisionError):  # as of x[x > 0], and of no numbers
            continue
        assert shapes(row.function, sample) == due, sample.name
