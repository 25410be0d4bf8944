"""einsum as PyTorch's users spell it: the twin's value, gradient, type and views, by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import record, use_manual_gradients
from manual_backprop.functional import einsum
from tests.functional.checks import CONTRACT, Check, assert_same, upstream_for
from tests.functional.samples import Row, randn, transposed
from tests.functional.table.einsum import by_name, derivation, sample

VECTOR, MATRIX, BATCH = randn(3), randn(3, 5), randn(2, 3, 5)

SPELLINGS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "no output": lambda v, A, B: torch.einsum("bij,ij", B, A),
    "no output, against the alphabet": lambda v, A, B: torch.einsum("zyx", B),
    "capitals before the others": lambda v, A, B: torch.einsum("aBc", B),
    "spaces": lambda v, A, B: torch.einsum(" b i j , i j -> j b ", B, A),
    "an empty output": lambda v, A, B: torch.einsum("bij->", B),
    "operands in a list": lambda v, A, B: torch.einsum("bij,i->bj", [B, v]),
    "operands in a tuple": lambda v, A, B: torch.einsum("bij,i->bj", (B, v)),
    "lists of subscripts": lambda v, A, B: torch.einsum(B, [4, 0, 1], v, [0], [1, 4]),
    "lists without that of the output": lambda v, A, B: torch.einsum(A, [7, 30], v, [7]),
    "an ellipsis in lists": lambda v, A, B: torch.einsum(B, [..., 0, 1], v, [0], [1, ...]),
    "tuples of subscripts": lambda v, A, B: torch.einsum(A, (0, 1), v, (0,), ()),
    "the last of the subscripts": lambda v, A, B: torch.einsum(A, [51, 26], v, [51], [26]),
    "an ellipsis of nothing": lambda v, A, B: torch.einsum("...ij,i...->j...", A, v),
    "an ellipsis for all": lambda v, A, B: torch.einsum("...,...->...", B, A),
    "an ellipsis and no output": lambda v, A, B: torch.einsum("...j,ij", B, A),
    "an ellipsis in the output alone": lambda v, A, B: torch.einsum("ij,i->j...", A, v),
    "an ellipsis in the middle": lambda v, A, B: torch.einsum("b...j,...->jb", B, v),
    "the same tensor twice": lambda v, A, B: torch.einsum("ij,ik->jk", A, A),
    "a square": lambda v, A, B: torch.einsum("bij,bij,bij->b", B, B, B),
    "a diagonal": lambda v, A, B: torch.einsum("bii->bi", B[:, :, :3]),
    "another order": lambda v, A, B: torch.einsum("bij->jbi", B),
    "five operands": lambda v, A, B: torch.einsum("i,ij,bij,bik,k->bj", v, A, B, 2 * B, A[0]),
    "torch.functional.einsum": lambda v, A, B: torch.functional.einsum("bij,i->bj", B, v),
}


def values_and_gradients(call: Callable[..., Tensor], *inputs: Tensor) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = call(*leaves)
    used = torch.autograd.grad(output, leaves, upstream_for(output.real).to(output), allow_unused=True)
    return [output.detach(), *(x for x in used if x is not None)]


@pytest.mark.parametrize("name", SPELLINGS)
def test_it_is_the_twins_and_by_hand(name: str) -> None:
    due = values_and_gradients(SPELLINGS[name], VECTOR, MATRIX, BATCH)
    with use_manual_gradients(strict=True) as coverage:
        given = values_and_gradients(SPELLINGS[name], VECTOR, MATRIX, BATCH)
    assert coverage, coverage
    for pair in zip(given, due, strict=True):
        assert_same(name, *pair)


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_a_diagonal_keeps_the_contract(check: Check) -> None:
    samples = (
        sample("of a matrix", "ii->i", randn(3, 3)),
        sample("of a batch", "...ii->i...", transposed(randn(2, 3, 3))),
        sample("of three", "ijii->ij", randn(3, 2, 3, 3)),
    )
    row = Row(
        *("einsum", by_name(einsum), by_name(torch.einsum), derivation, frozenset(), samples, ()),
        is_view=True,
    )
    for each in samples:
        check(row.function, row, each)


@pytest.mark.parametrize("equation", ["ii->i", "ij->ji", "ij", "i...->...i"])
def test_what_sums_nothing_of_one_operand_is_a_view(equation: str) -> None:
    x = randn(3, 3).requires_grad_()
    for function in (einsum, torch.einsum):
        assert function(equation, x).untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij->i", [(3, 1)]), ("ij->", [(1, 1)]), ("ij,->ij", [(3, 1), ()]), ("ij,ij->ji", [(3, 1), (1, 1)])],
)
def test_what_is_computed_shares_no_memory(equation: str, shapes: list[tuple[int, ...]]) -> None:
    inputs = [randn(*shape).requires_grad_() for shape in shapes]
    result = einsum(equation, *inputs)
    result.mul_(2)
    assert all(result.untyped_storage().data_ptr() != x.untyped_storage().data_ptr() for x in inputs)


MIXED = (torch.float64, torch.float32), (torch.float32, torch.float64), (torch.complex128, torch.float64)


@pytest.mark.parametrize("types", MIXED, ids=str)
@pytest.mark.parametrize("equation", ["i,ij->ij", "ij,ij->ij", "ij,k->jk", "i,->i"])
def test_without_a_matrix_product_types_may_differ(equation: str, types: tuple[torch.dtype, ...]) -> None:
    """Backward, even where forward has none, has one, of the promoted type."""
    shapes = [{0: (), 1: (3,), 2: (3, 5)}[len(term)] for term in equation.split("->")[0].split(",")]
    inputs = [randn(*shape).to(dtype) for shape, dtype in zip(shapes, types, strict=True)]
    given, due = (
        values_and_gradients(lambda *x, f=f: f(equation, *x), *inputs) for f in (einsum, torch.einsum)
    )
    for actual, expected in zip(given, due, strict=True):
        assert actual.dtype == expected.dtype
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij,jk->", "ij,jk->ijk", "ij,jk,ij->jk"])
def test_complex_gradients_are_the_twins(equation: str) -> None:
    shapes = [(5, 3), (3, 2), (5, 3)][: equation.count(",") + 1]
    inputs = [torch.complex(randn(*shape), randn(*shape, seed="i")) for shape in shapes]
    results = []
    for f in (einsum, torch.einsum):
        leaves = [x.clone().requires_grad_() for x in inputs]
        loss = (f(equation, *leaves) * (1 + 2j)).abs().square().sum()
        first = torch.autograd.grad(loss, leaves, create_graph=True)
        second = torch.autograd.grad(torch.stack([g.abs().square().sum() for g in first]).sum(), leaves)
        results.append([x.detach() for x in (*first, *second)])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.uint8])
@pytest.mark.parametrize("equation", ["ij->i", "ij->", "ij,ij->ij", "ij,kj->ik"])
def test_integers_have_the_twins_type(equation: str, dtype: torch.dtype) -> None:
    inputs = [torch.tensor([[1, 0, 1], [1, 1, 0]]).to(dtype)] * (equation.count(",") + 1)
    if dtype == torch.bool and equation == "ij,kj->ik":
        with pytest.raises(NotImplementedError):
            einsum(equation, *inputs)
    else:
        assert_same(equation, einsum(equation, *inputs), torch.einsum(equation, *inputs))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(5, 3), (3, 2)]),
        ("ij,jk->ik", [(5, 1), (1, 2)]),
        ("i,j->ij", [(5,), (3,)]),
        ("ij->i", [(5, 3)]),
        ("ii->i", [(3, 3)]),
        ("ij,jk,i->ik", [(5, 3), (3, 2), (5,)]),
        ("i,ij,jk->ik", [(5,), (5, 3), (3, 2)]),
    ],
)
def test_autocast_is_the_twins(equation: str, shapes: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    """It casts the factors of a matrix product alone, which only an operation with a sum over a label is."""
    for own in (torch.float32, torch.float64, dtype):
        inputs = [randn(*shape).to(own) for shape in shapes]
        results = []
        for f in (einsum, torch.einsum):
            leaves = [x.clone().requires_grad_() for x in inputs]
            with torch.autocast("cpu", dtype):
                output = f(equation, *leaves)
            results.append((output, *torch.autograd.grad(output.sum(), leaves)))
        for actual, due in zip(*results, strict=True):
            assert actual.dtype == due.dtype
            torch.testing.assert_close(actual, due, rtol=5e-2, atol=5e-2)


def test_the_gradient_of_a_chain_makes_no_product_of_everything() -> None:
    """Taken from left to right, that of C would have 700⁴ numbers on the way, which is 960 GB."""
    A, B, C = (randn(700, 700, seed=seed).float().requires_grad_() for seed in "ABC")
    due = torch.autograd.grad((A @ B @ C).square().sum(), (A, B, C))
    given = torch.autograd.grad(einsum("ab,bc,cd->ad", A, B, C).square().sum(), (A, B, C))
    for actual, expected in zip(given, due, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_an_infinite_gradient_stands_on_the_diagonal_alone() -> None:
    x = randn(3, 3).requires_grad_()
    (grad,) = torch.autograd.grad(einsum("ii->i", x), x, torch.full((3,), torch.inf).double())
    assert torch.equal(grad, torch.diag(torch.full((3,), torch.inf).double()))


def test_gradients_may_be_batched() -> None:
    q, k = randn(5, 2, 3).requires_grad_(), randn(7, 2, 3).requires_grad_()
    upstreams = randn(11, 5, 2, 7)
    results = [
        torch.autograd.grad(f("nhd,mhd->nhm", q, k), (q, k), upstreams, is_grads_batched=True)
        for f in (einsum, torch.einsum)
    ]
    torch.testing.assert_close(*results)


@pytest.mark.parametrize(
    ("in_dims", "shapes"),
    [((0, None), [(2, 3, 5), (5, 7)]), ((None, 1), [(3, 5), (5, 2, 7)]), ((2, 0), [(3, 5, 2), (2, 5, 7)])],
    ids=["the first", "the second", "both"],
)
def test_any_dimension_may_be_mapped(in_dims: Any, shapes: list[tuple[int, ...]]) -> None:
    A, B = (randn(*shape) for shape in shapes)
    mapped = [
        torch.func.vmap(lambda a, b, f=f: f("ij,jk->ki", a, b), in_dims)(A, B) for f in (einsum, torch.einsum)
    ]
    torch.testing.assert_close(*mapped)


@pytest.mark.parametrize(
    "name", ["operands in a list", "an ellipsis in lists", "five operands", "a diagonal", "another order"]
)
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_any_spelling_compiles_without_a_break(name: str, dynamic: bool) -> None:
    torch.compiler.reset()
    inputs = VECTOR, MATRIX, BATCH
    with use_manual_gradients(strict=True):
        compiled = torch.compile(SPELLINGS[name], fullgraph=True, backend="aot_eager", dynamic=dynamic)
        given = values_and_gradients(compiled, *inputs)
    for pair in zip(given, values_and_gradients(SPELLINGS[name], *inputs), strict=True):
        assert_same(name, *pair)


def test_a_transform_inside_a_compiled_function_keeps_the_gradient() -> None:
    def loss(f: Any) -> Any:
        return lambda q, k: f("nhd,mhd->nhm", q, k).square().sum()

    torch.compiler.reset()
    inputs = randn(5, 2, 3), randn(7, 2, 3)
    compiled = torch.compile(torch.func.grad(loss(einsum)), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*inputs), torch.func.grad(loss(torch.einsum))(*inputs))


def test_a_recorded_step_shows_the_equation() -> None:
    def model(q: Tensor, k: Tensor) -> Tensor:
        return torch.einsum("nhd,mhd->nhm", q, k).square().sum()

    inputs = (randn(*shape).requires_grad_() for shape in ((5, 2, 3), (7, 2, 3)))
    call = record(model, *inputs).steps[0].calls[0]
    assert call.by_hand
    q, k = (value.symbol for value in call.inputs)
    assert call.line() == f"t₁ = Σ {q} {k} by nhd,mhd->nhm"
    assert [call.backward_line(at) for at in (0, 1)] == [
        f"∂L/∂{q} = Σ ∂L/∂t₁ {k} by the labels of {q}",
        f"∂L/∂{k} = Σ ∂L/∂t₁ {q} by the labels of {k}",
    ]
    assert max(call.ulps.values()) < 16
