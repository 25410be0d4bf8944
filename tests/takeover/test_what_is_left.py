"""What no operation handles is PyTorch's own inside the block: right, listed, and refused with `strict`."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn

import manual_backprop.functional as F
from manual_backprop import use_manual_gradients
from manual_backprop.takeover import BuiltIn
from tests.functional.samples import randn

A = torch.tensor([[0.0, 1, 0, 2], [0, 0, 3, 0], [4, 0, 0, 5]]).double()


class Tagged(Tensor):
    """A subclass that wants to see its functions."""

    seen: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.seen.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})


class GraphLayer(nn.Module):
    """x′ = relu(Â (x Wᵀ)), Â being a sparse adjacency."""

    def __init__(self, adjacency: Tensor) -> None:
        super().__init__()
        self.adjacency, self.linear = adjacency, nn.Linear(2, 2).double()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(torch.sparse.mm(self.adjacency, self.linear(x)))


def rows_of_many_lengths(a: Tensor) -> Tensor:
    return torch.nested.as_nested_tensor([a, a[:2]], layout=torch.jagged)


LEFT: dict[str, Callable[[Tensor], Any]] = {
    "a sparse matrix times a dense one": lambda w: A.to_sparse() @ w,
    "torch.mm": lambda w: torch.mm(A.to_sparse(), w),
    "torch.sparse.mm": lambda w: torch.sparse.mm(A.to_sparse(), w),
    "by rows": lambda w: A.to_sparse_csr() @ w,
    "addmm": lambda w: torch.addmm(w[:3], A.to_sparse(), w),
    "times a vector": lambda w: A.to_sparse() @ w[:, 0],
    "of weights": lambda w: torch.sparse.sum(w.to_sparse() * 2),
    "a sum": lambda w: (w.to_sparse() + w.to_sparse()).to_dense(),
    "a softmax": lambda w: torch.sparse.softmax(w.to_sparse(), 1).to_dense(),
    "a sparse table": lambda w: T.embedding(torch.tensor([1, 0, 1]), w, sparse=True),
    "a sparse bag": lambda w: T.embedding_bag(torch.tensor([[1, 0, 1]]), w, sparse=True, mode="sum"),
    "rows of many lengths": lambda w: T.linear(rows_of_many_lengths(w), w).values(),
    "an activation of them": lambda w: torch.relu(rows_of_many_lengths(w)).values(),
    "a subclass": lambda w: torch.relu(w.as_subclass(Tagged)),
    "two layers of a graph": lambda w: GraphLayer(torch.eye(4).double().to_sparse())(w),
}


def gradient(function: Callable[[Tensor], Any]) -> Tensor:
    torch.manual_seed(0)
    w = randn(4, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(function(w).square().sum(), w)
    return gradient.to_dense()


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support", "ignore:The PyTorch API of nested")
@pytest.mark.parametrize("name", LEFT)
def test_it_is_right_listed_and_refused_with_strict(name: str) -> None:
    due = gradient(LEFT[name])
    with use_manual_gradients() as coverage:
        given = gradient(LEFT[name])
    torch.testing.assert_close(given, due)
    assert coverage.built_in
    with use_manual_gradients(strict=True), pytest.raises(BuiltIn):
        gradient(LEFT[name])


def test_a_subclass_still_sees_its_functions() -> None:
    Tagged.seen.clear()
    with use_manual_gradients():
        torch.relu(randn(2).requires_grad_().as_subclass(Tagged))
    assert "relu" in Tagged.seen


def test_a_parameter_and_a_buffer_are_no_such_subclass() -> None:
    with use_manual_gradients(strict=True) as coverage:
        torch.mul(nn.Parameter(randn(3)), nn.Buffer(randn(3))).sum().backward()
    assert coverage


META: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "linear": lambda x, w: T.relu(T.linear(x, w)),
    "cross_entropy": lambda x, w: T.cross_entropy(x @ w.T, torch.zeros(3, dtype=torch.long, device="meta")),
    "in place": lambda x, w: T.relu((x * 2).flatten(), inplace=True),
    "a row": lambda x, w: (x * 2).index_fill_(0, torch.tensor([0], device="meta"), 0.0),
    "einsum": lambda x, w: torch.einsum("nd,md->nm", x, w),
    "attention": lambda x, w: nn.MultiheadAttention(4, 2, device="meta")(x, x, x)[0],
    "norm": lambda x, w: T.layer_norm(x, (4,)),
    "under autocast": lambda x, w: x @ w.T,
}


@pytest.mark.parametrize("name", META)
def test_shapes_alone(name: str) -> None:
    def result() -> tuple[Tensor, tuple[Tensor, ...]]:
        x = torch.empty(3, 4, device="meta", requires_grad=True)
        w = torch.empty(5, 4, device="meta", requires_grad=True)
        with torch.autocast("cpu", enabled=name == "under autocast"):
            out = META[name](x, w)
        grads = torch.autograd.grad(out.sum(), (x, w), allow_unused=True, materialize_grads=True)
        return out, grads

    (due, due_grads) = result()
    with use_manual_gradients():
        (given, grads) = result()
    for a, b in zip((given, *grads), (due, *due_grads), strict=True):
        assert (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)


def test_the_functions_themselves_take_meta_tensors() -> None:
    x = torch.empty(3, 4, device="meta", requires_grad=True)
    assert F.relu(F.linear(x, torch.empty(5, 4, device="meta"))).shape == (3, 5)
