"""How many kernels a GPU launches for an operation and its backward: each costs some microseconds."""

import pytest
from torch import Tensor

from tests.functional.fake_cuda import launches
from tests.functional.samples import Row, randn
from tests.functional.table import ROWS
from tests.functional.test_fake_cuda import of_sample

MOST = 14
SEVERAL = {"attention_and_weights": 20, "rnn_relu": 30, "rnn_tanh": 36, "lstm": 91}
"""These are several operations, or one for each step in time."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_call_and_its_backward_launch_few_kernels(row: Row) -> None:
    launched = launches(*of_sample(row.function, row.samples[0]))
    assert len(launched) <= SEVERAL.get(row.name, MOST), launched


def test_what_launches_no_kernel_is_not_counted() -> None:
    """Views and empty memory: the rest is PyTorch's own ReLU of a product, and its backward."""

    def call(x: Tensor, y: Tensor) -> Tensor:
        x.new_empty(3, 5)
        return (x.unsqueeze(0).squeeze(0) @ y.T).relu().sum()

    given = [randn(5, 3).requires_grad_(), randn(7, 3).requires_grad_()]
    expected = ["mm", "relu", "sum", "threshold_backward", "mm", "mm"]
    assert launches(call, given) == expected
