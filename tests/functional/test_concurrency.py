"""Operations used from several threads at once, and in the forked workers of a DataLoader."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from manual_backprop import functional as F
from manual_backprop.takeover import use_manual_gradients
from tests.functional.checks import called, gradients
from tests.functional.samples import Row
from tests.functional.table import ROWS
from tests.training.forked import alone

THREADS = 4


def computed(row: Row) -> list[Tensor]:
    """Values and gradients of all samples that draw no random numbers."""
    results: list[Tensor] = []
    for sample in row.samples:
        results += [*called(row.function, sample), *gradients(row.function, sample)]
    return [tensor.detach() for tensor in results]


def assert_same_bits(one: list[Tensor], other: list[Tensor]) -> None:
    for pair in zip(one, other, strict=True):
        torch.testing.assert_close(*pair, rtol=0, atol=0, equal_nan=True)


def test_threads_compute_at_once_what_one_computes_alone() -> None:
    alone = [computed(row) for row in ROWS]
    start = Barrier(THREADS)

    def all_of_them(first: int) -> list[list[Tensor]]:
        start.wait()
        rows = [(first + i) % len(ROWS) for i in range(len(ROWS))]  # not all with the same one
        found = {at: computed(ROWS[at]) for at in rows}
        return [found[at] for at in range(len(ROWS))]

    with ThreadPoolExecutor(THREADS) as threads:
        for together in threads.map(all_of_them, range(0, THREADS * 7, 7)):
            for one, other in zip(alone, together, strict=True):
                assert_same_bits(one, other)


def test_threads_share_one_models_parameters() -> None:
    weight = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    inputs = [torch.randn(5, 3, dtype=torch.float64) for _ in range(64)]

    def gradient(x: Tensor) -> Tensor:
        return torch.autograd.grad(F.tanh(F.linear(x, weight)).sum(), weight)[0]

    with ThreadPoolExecutor(THREADS) as threads:
        assert_same_bits(list(threads.map(gradient, inputs)), [gradient(x) for x in inputs])


def test_use_manual_gradients_belongs_to_the_thread_that_entered_it() -> None:
    entered, looked = Barrier(2), Barrier(2)
    x = torch.randn(5, requires_grad=True)

    def inside() -> str:
        with use_manual_gradients():
            entered.wait()
            looked.wait()
            return torch.sigmoid(x).grad_fn.name()  # type: ignore[union-attr]

    with ThreadPoolExecutor(1) as threads:
        name = threads.submit(inside)
        entered.wait()
        outside = torch.sigmoid(x).grad_fn.name()  # type: ignore[union-attr]
        looked.wait()
        assert (outside, name.result()) == ("SigmoidBackward0", "SigmoidBackward")


class GradientsOfOperations(Dataset[Any]):
    def __len__(self) -> int:
        return len(ROWS)

    def __getitem__(self, at: int) -> list[Tensor]:
        return computed(ROWS[at])


def compare_forked_workers_with_their_parent() -> None:
    data = GradientsOfOperations()
    here = [data[at] for at in range(len(data))]  # the parent has used autograd before it forks
    loader = DataLoader(data, batch_size=None, num_workers=2, multiprocessing_context="fork")
    for one, other in zip(here, loader, strict=True):
        assert_same_bits(one, other)


def test_forked_workers_compute_what_the_parent_computes() -> None:
    # A new process: after a deep backward, which starts threads, PyTorch refuses autograd in a fork.
    alone(compare_forked_workers_with_their_parent)
