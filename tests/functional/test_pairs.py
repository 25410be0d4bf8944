"""Sum, difference, product and quotient: numbers, types and spellings; the rest is in the table."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.arithmetic.add import add
from manual_backprop.functional.arithmetic.div import div, reciprocal
from manual_backprop.functional.arithmetic.mul import mul
from manual_backprop.functional.arithmetic.sub import rsub, sub
from tests.functional import checks
from tests.functional.checks import Check, assert_same, gradients, upstream_for
from tests.functional.pairs import NUMBER_FIRST, pair
from tests.functional.samples import Row, Sample, randn
from tests.functional.table import ROWS

FUNCTIONS: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    "add": (add, torch.add),
    "sub": (sub, torch.sub),
    "mul": (mul, torch.mul),
    "div": (div, torch.div),
}
OF_TWO = [row for row in ROWS if row.name in FUNCTIONS]
THROUGH_THE_ENGINE = (
    checks.value_is_the_twins,
    checks.gradient_is_the_twins,
    checks.upstream_may_have_any_layout,
    checks.adjoint_identity,
    checks.central_differences,
    checks.second_derivatives,
    checks.func_transforms,
    checks.autocast_is_the_twins,
    checks.graph_is_hand_written,
    checks.keeps_what_it_says,
    checks.output_may_be_overwritten,
    checks.compiles_without_a_break,
)


@pytest.mark.parametrize("check", THROUGH_THE_ENGINE, ids=lambda check: check.__name__)
@pytest.mark.parametrize("row", OF_TWO, ids=lambda row: row.name)
def test_a_number_may_come_first(check: Check, row: Row) -> None:
    check(row.function, row, NUMBER_FIRST)


def test_alpha_may_be_a_factor_of_a_matrix_after_a_number() -> None:
    x = randn(5, 3)
    for ours, twin in (FUNCTIONS["add"], FUNCTIONS["sub"]):
        sample = Sample("3 ± 2.5 x", (x,))
        of_x = [lambda x, f=f: f(3, x, alpha=2.5) for f in (ours, twin)]
        assert_same("value", of_x[0](x), of_x[1](x))
        assert_same("gradient", gradients(of_x[0], sample)[0], gradients(of_x[1], sample)[0])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (torch.float32, torch.float64),
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float16),
        (torch.complex128, torch.float64),
        (torch.float32, torch.complex64),
    ],
    ids=str,
)
@pytest.mark.parametrize("shapes", [((5, 3), (5, 3)), ((5, 3), ()), ((1, 3), (5, 1))], ids=str)
def test_each_gradient_has_the_type_of_its_own(
    name: str, left: torch.dtype, right: torch.dtype, shapes: tuple[tuple[int, ...], ...]
) -> None:
    x, y = (drawn.to(dtype) for drawn, dtype in zip(pair(*shapes), (left, right), strict=True))
    if left.is_complex:
        x = x + 0.5j
    results = []
    for function in FUNCTIONS[name]:
        leaves = [t.detach().requires_grad_() for t in (x, y)]
        z = function(*leaves)
        upstream = upstream_for(z.detach().abs()).to(z.dtype) * ((1 + 1j) if z.is_complex() else 1)
        results.append((z.detach(), *torch.autograd.grad(z, leaves, upstream)))
    eps = max(torch.finfo(dtype).eps for dtype in (left, right))
    for actual, due in zip(*results, strict=True):
        assert actual.dtype == due.dtype
        torch.testing.assert_close(actual, due, rtol=16 * eps, atol=16 * eps * float(due.abs().max()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_number_has_the_precision_of_python(name: str) -> None:
    """As a tensor of float16, 1e-8 would be 0."""
    ours, twin = FUNCTIONS[name]
    x = torch.tensor([6e4, 1e4]).half()
    for number in (1e-8, 65536.0, 2):
        assert_same(f"with {number}", ours(x, number), twin(x, number))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_integers_and_two_numbers_have_a_value(name: str) -> None:
    ours, twin = FUNCTIONS[name]
    for operands in [(2, 3), (2.5, 2), (torch.tensor([1, 2]), 2), (torch.tensor([1, 2]), 2.5)]:
        assert_same(str(operands), ours(*operands), twin(*operands))


def test_only_what_the_gradients_need_is_kept() -> None:
    x, y = pair((5, 3), (3,))

    def kept(function: Callable[..., Tensor], *needed: bool, second: Any = y) -> int:
        found: list[Tensor] = []
        leaves = [t.clone().requires_grad_() if n else t for t, n in zip((x, second), needed, strict=True)]
        with torch.autograd.graph.saved_tensors_hooks(lambda t: found.append(t) or t, lambda t: t):
            function(*leaves)
        return len(found)

    assert [kept(mul, *needed) for needed in ((True, True), (True, False), (False, True))] == [2, 1, 1]
    assert [kept(div, *needed) for needed in ((True, True), (True, False), (False, True))] == [2, 1, 2]
    assert [kept(function, True, False, second=2.0) for function in (add, sub, mul, div)] == [0] * 4
    assert [kept(function, True, True) for function in (add, sub)] == [0] * 2


def test_one_of_two_factors_under_grad_over_vmap() -> None:
    """What is kept has to fit there: a factor that needs no gradient is mapped over as well."""
    x, y = pair((5, 3), (5, 3))
    for ours, twin in FUNCTIONS.values():
        of_y = [
            torch.func.grad(lambda y, f=f: torch.func.vmap(f)(x, y).square().sum())(y) for f in (ours, twin)
        ]
        assert_same("gradient", *of_y)


def test_the_operands_exchanged() -> None:
    x, y = pair((5, 3), (3,))
    assert_same("rsub", rsub(x, y, alpha=2), torch.rsub(x, y, alpha=2))
    assert_same("reciprocal", reciprocal(x), torch.reciprocal(x))
    with pytest.raises(TypeError, match="input must be a Tensor, got int"):
        rsub(1, x)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="input must be a Tensor, got float"):
        reciprocal(1.0)  # type: ignore[arg-type]


SPELLINGS: dict[str, str] = {
    "x + y": "Add",
    "x + 2": "Add",
    "2 + x": "Add",
    "torch.add(x, y, alpha=2)": "Add",
    "torch.add(input=x, other=y)": "Add",
    "x.add(y, alpha=2)": "Add",
    "sum([x, y])": "Add",
    "x - y": "Sub",
    "x - 1": "Sub",
    "1 - x": "Sub",
    "torch.sub(x, y, alpha=2)": "Sub",
    "torch.subtract(x, y)": "Sub",
    "torch.rsub(x, y)": "Sub",
    "torch.rsub(x, 1, alpha=2)": "Sub",
    "x.subtract(y)": "Sub",
    "-x": "Neg",
    "torch.neg(x)": "Neg",
    "torch.negative(x)": "Neg",
    "x.negative()": "Neg",
    "x * y": "Mul",
    "x * 2": "Mul",
    "2 * x": "Mul",
    "torch.multiply(x, y)": "Mul",
    "x.multiply(y)": "Mul",
    "x / y": "Div",
    "x / 3": "Div",
    "2 / x": "Div",
    "torch.div(x, y, rounding_mode=None)": "Div",
    "x.div(y, rounding_mode='floor')": "RoundedDiv",
    "torch.true_divide(x, y)": "Div",
    "x.divide(y)": "Div",
    "torch.reciprocal(x)": "Div",
    "x.reciprocal()": "Div",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_taken_over(spelling: str) -> None:
    def run(x: Tensor, y: Tensor) -> Tensor:
        z: Tensor = eval(spelling, {"torch": torch, "x": x, "y": y})
        return z

    inputs = [t.requires_grad_() for t in pair((5, 3), (3,))]
    with use_manual_gradients(strict=True) as coverage:
        z = run(*inputs)
        coverage.walk(z)
    assert set(coverage.hand_written) == {SPELLINGS[spelling]}
    due = run(*inputs)
    assert_same("value", z.detach(), due.detach())
    both = [
        torch.autograd.grad(out, inputs, upstream_for(due.detach()), allow_unused=True) for out in (z, due)
    ]
    for actual, expected in zip(*both, strict=True):
        assert (actual is None) == (expected is None)
        if actual is not None:
            assert_same("gradient", actual, expected)


def test_what_is_no_number_is_refused_as_ever() -> None:
    x = randn(3).requires_grad_()
    for statement in ("x + 'a'", "'a' - x", "x * None", "[1] / x", "x @ 'a'"):
        with use_manual_gradients(), pytest.raises(TypeError, match="unsupported operand"):
            eval(statement, {"x": x})
