"""Writing over tensors: x itself is changed, and the gradients are PyTorch's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.in_place import overwrite
from tests.functional.checks import assert_same, graph, upstream_for
from tests.functional.pairs import pair

InPlace = Callable[..., Tensor]
UPDATES = ("add_", "sub_", "mul_", "div_")
ALL = (*UPDATES, "copy_")
MATRIX, ROW = pair((5, 3), (3,))


def ours(name: str) -> InPlace:
    return getattr(overwrite, name)  # type: ignore[no-any-return]


def twin(name: str) -> InPlace:
    return getattr(torch.Tensor, name)  # type: ignore[no-any-return]


def results(change: Callable[[Tensor, Tensor], Tensor], *inputs: Tensor) -> tuple[Tensor, ...]:
    """The value, and the gradients of all inputs that require one."""
    leaves = tuple(x.detach().requires_grad_(x.requires_grad) for x in inputs)
    output = change(*leaves)
    wanted = [x for x in leaves if x.requires_grad]
    return (output.detach(), *torch.autograd.grad(output, wanted, upstream_for(output.detach())))


def assert_as_twin(
    name: str, use: Callable[[InPlace], Callable[..., Tensor]], *inputs: Tensor, roundings: float = 16
) -> None:
    pairs = zip(results(use(ours(name)), *inputs), results(use(twin(name)), *inputs), strict=True)
    for i, (actual, due) in enumerate(pairs):
        assert_same(f"{name}, {'value' if i == 0 else f'gradient {i}'}", actual, due, roundings)


def needing(*inputs: Tensor) -> tuple[Tensor, ...]:
    return tuple(x.clone().requires_grad_() for x in inputs)


def on_a_copy(change: InPlace) -> Callable[..., Tensor]:
    """Autograd lets no leaf be overwritten; the result is what x has become, not what was returned."""

    def use(x: Tensor, y: Any, **options: Any) -> Tensor:
        old = x * 1
        returned = change(old, y, **options)
        assert returned is old
        return old * 3

    return use


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("y", [MATRIX.flip(0), ROW, ROW[1], ROW.float(), ROW.bfloat16()])
def test_it_has_the_twins_gradients(name: str, y: Tensor) -> None:
    assert_as_twin(name, on_a_copy, *needing(MATRIX, y))


@pytest.mark.parametrize("name", ALL)
def test_a_wider_type_is_rounded_to_that_of_x(name: str) -> None:
    """The twin adds up the gradient of the row in float32, and then widens it."""
    assert_as_twin(name, on_a_copy, *needing(MATRIX.float(), ROW), roundings=2**33)


@pytest.mark.parametrize("name", UPDATES)
def test_by_a_number(name: str) -> None:
    assert_as_twin(name, lambda change: lambda x: on_a_copy(change)(x, 2.5), *needing(MATRIX))


@pytest.mark.parametrize(
    ("name", "options"),
    [("add_", {"alpha": 3}), ("sub_", {"alpha": 0.5}), ("div_", {"rounding_mode": "floor"})],
)
def test_options(name: str, options: dict[str, Any]) -> None:
    assert_as_twin(
        name, lambda change: lambda x, y: on_a_copy(change)(x, y, **options), *needing(MATRIX, ROW)
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("needed", [0, 1])
def test_only_one_of_them_needs_a_gradient(name: str, needed: int) -> None:
    inputs = [x.clone().requires_grad_(i == needed) for i, x in enumerate((MATRIX, ROW))]
    assert_as_twin(name, on_a_copy, *inputs)


@pytest.mark.parametrize("name", ALL)
def test_a_leaf_without_gradient_becomes_part_of_the_graph(name: str) -> None:
    """As the buffer into which results are collected."""

    def use(change: InPlace) -> Callable[[Tensor], Tensor]:
        def collect(y: Tensor) -> Tensor:
            buffer = MATRIX.clone()
            change(buffer, y)
            assert buffer.requires_grad
            return buffer * buffer

        return collect

    assert_as_twin(name, use, *needing(ROW))


@pytest.mark.parametrize("name", ALL)
def test_through_a_view_the_whole_changes(name: str) -> None:
    def use(change: InPlace) -> Callable[[Tensor, Tensor], Tensor]:
        def part(x: Tensor, y: Tensor) -> Tensor:
            whole = x * 1
            change(whole[1:3], y)
            return whole * whole

        return part

    assert_as_twin(name, use, *needing(MATRIX, ROW))


@pytest.mark.parametrize("name", ALL)
def test_a_view_of_what_needs_no_gradient(name: str) -> None:
    def use(change: InPlace) -> Callable[[Tensor], Tensor]:
        def part(y: Tensor) -> Tensor:
            whole = MATRIX.clone()
            change(whole[:, 0], y)
            return whole * whole

        return part

    assert_as_twin(name, use, *needing(ROW[1]))


def test_several_times_over() -> None:
    def chain(changes: Callable[[str], InPlace]) -> Callable[[Tensor, Tensor], Tensor]:
        def chained(x: Tensor, y: Tensor) -> Tensor:
            z = x * 1
            for name, other in [("mul_", y), ("add_", y), ("div_", y), ("sub_", x), ("mul_", 2)]:
                changes(name)(z, other)
            return z

        return chained

    inputs = needing(MATRIX, ROW)
    for actual, due in zip(results(chain(ours), *inputs), results(chain(twin), *inputs), strict=True):
        assert_same("a chain", actual, due)


@pytest.mark.parametrize("name", ["fill_", "zero_"])
def test_one_number_everywhere(name: str) -> None:
    number = () if name == "zero_" else (2,)
    assert_as_twin(name, lambda change: lambda x: change(x * 1, *number) * 3, *needing(MATRIX))


def test_a_number_that_needs_a_gradient() -> None:
    assert_as_twin("fill_", on_a_copy, *needing(MATRIX, ROW[1]))
    assert_as_twin("fill_", lambda change: lambda y: change(MATRIX.clone(), y), *needing(ROW[1].float()))


MISTAKES: dict[str, Callable[[InPlace], Any]] = {
    "a leaf": lambda change: change(MATRIX.clone().requires_grad_(), ROW),
    "a view of a leaf": lambda change: change(MATRIX.clone().requires_grad_()[1:], ROW),
    "too large": lambda change: change(ROW.clone(), MATRIX.clone().requires_grad_()),
    "no fit": lambda change: change(MATRIX.clone(), MATRIX[:2].clone().requires_grad_()),
    "one memory for all": lambda change: change(ROW[:1].clone().expand(3), ROW.clone().requires_grad_()),
    "no tensor": lambda change: change(MATRIX.clone(), "1"),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_errors_are_autograds_own(name: str, mistake: str) -> None:
    with pytest.raises(Exception) as due:  # noqa: PT011
        MISTAKES[mistake](twin(name))
    with pytest.raises(due.type) as raised:
        MISTAKES[mistake](ours(name))
    assert str(raised.value) == str(due.value)


@pytest.mark.parametrize("name", UPDATES)
def test_a_result_that_does_not_fit_the_type(name: str) -> None:
    for x, y in [(torch.arange(1, 4), ROW), (ROW, torch.tensor(1j, dtype=torch.complex128))]:
        for change in (ours(name), twin(name)):
            with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
                change(x.clone(), y.clone().requires_grad_())


def test_integers_are_overwritten_too() -> None:
    x = torch.zeros(3).long()
    assert overwrite.copy_(x, ROW.clone().requires_grad_()) is x
    assert_same("value", x, ROW.long())


@pytest.mark.parametrize("name", ALL)
def test_what_kept_the_old_numbers_finds_out(name: str) -> None:
    x, y = needing(MATRIX, ROW)
    z = x * 1
    squared = z.square()
    ours(name)(z, y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.sum().backward()


@pytest.mark.parametrize("name", UPDATES)
def test_the_sum_keeps_nothing_and_a_product_what_its_gradients_need(name: str) -> None:
    def kept(x: Tensor, y: Any) -> int:
        found: list[Tensor] = []
        z = x.clone()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: found.append(t) or t, lambda t: t):
            ours(name)(z, y)
        return len(found)

    x, y = needing(MATRIX, ROW)
    due = {"add_": (0, 0, 0), "sub_": (0, 0, 0), "mul_": (2, 1, 0), "div_": (2, 1, 0)}
    assert (kept(x, y), kept(x, ROW), kept(x, 2.0)) == due[name]


@pytest.mark.parametrize("name", ALL)
def test_second_derivatives_and_forward_mode(name: str) -> None:
    use = on_a_copy(ours(name))
    torch.autograd.gradcheck(use, needing(MATRIX[:2], ROW), check_forward_ad=True)
    torch.autograd.gradgradcheck(
        lambda x, y: use(x, y).sin() * x, needing(MATRIX[:2], ROW), check_fwd_over_rev=True
    )
    torch.autograd.gradcheck(lambda x: use(x, ROW), needing(MATRIX[:2]), check_forward_ad=True)
    torch.autograd.gradcheck(lambda y: ours(name)(MATRIX[:2].clone(), y), needing(ROW), check_forward_ad=True)
    torch.autograd.gradgradcheck(
        lambda x: use(x, ROW).sin() * x, needing(MATRIX[:2]), check_fwd_over_rev=True
    )


def by_two_and_a_half(change: InPlace) -> Callable[[Tensor], Tensor]:
    use = on_a_copy(change)
    return lambda x: use(x, 2.5).square()


@pytest.mark.parametrize("name", UPDATES)
def test_by_a_number_under_torch_func(name: str) -> None:
    for transform in (torch.func.vmap, torch.func.jacrev, torch.func.jacfwd, torch.func.hessian):
        actual, due = (transform(by_two_and_a_half(change))(ROW) for change in (ours(name), twin(name)))
        assert_same(f"{name}, {transform.__name__}", actual, due)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("in_dims", [(0, 0), (0, None), (1, 0)])
def test_under_torch_func(name: str, in_dims: tuple[int, int | None]) -> None:
    y = ROW if in_dims[1] is None else MATRIX.T.contiguous() if in_dims[0] else MATRIX.flip(0)

    def everything(change: InPlace) -> list[Tensor]:
        use = on_a_copy(change)

        def loss(x: Tensor, y: Tensor) -> Tensor:
            return use(x, y).square().sum()

        return [
            torch.func.vmap(use, in_dims)(MATRIX, y),
            *torch.func.vmap(torch.func.grad(loss, (0, 1)), in_dims)(MATRIX, y),
            *torch.func.jacrev(use, (0, 1))(MATRIX, ROW),
            *torch.func.jacfwd(use, (0, 1))(MATRIX, ROW),
            torch.func.grad(lambda y: torch.func.vmap(use, in_dims)(MATRIX, y).square().sum())(y),
            torch.func.jacfwd(lambda y: torch.func.vmap(use, in_dims)(MATRIX, y))(y),
            torch.func.hessian(lambda y: loss(MATRIX, y))(ROW),
        ]

    for actual, due in zip(everything(ours(name)), everything(twin(name)), strict=True):
        assert_same(name, actual, due)


def test_what_is_mapped_over_cannot_be_written_where_nothing_is() -> None:
    for change in (overwrite.copy_, torch.Tensor.copy_, overwrite.add_, torch.Tensor.add_):
        with pytest.raises(RuntimeError, match=r"vmap|broadcast shape"):
            torch.func.vmap(change, (None, 0))(ROW.clone(), MATRIX)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("part", [slice(None), slice(1, 3)])
def test_it_compiles_without_a_break(name: str, part: slice) -> None:
    torch.compiler.reset()

    def use(change: InPlace) -> Callable[[Tensor, Tensor], Tensor]:
        def changed(x: Tensor, y: Tensor) -> Tensor:
            z = x * 1
            change(z if part == slice(None) else z[part], y)
            return z * z

        return changed

    compiled = torch.compile(use(ours(name)), fullgraph=True, backend="aot_eager")
    inputs = needing(MATRIX, ROW)
    for actual, due in zip(results(compiled, *inputs), results(use(twin(name)), *inputs), strict=True):
        assert_same(name, actual, due)


STATEMENTS = {
    "x += y": ("Add", "Update"),
    "x -= y": ("Sub", "Update"),
    "x *= y": ("Mul", "Copy", "Update"),
    "x /= y": ("Div", "Copy", "Update"),
    "x += 1": ("Add", "Update"),
    "x *= 2": ("Mul", "Update"),
    "x.add_(y, alpha=2)": ("Add", "Update"),
    "x.copy_(y)": ("Overwrite",),
    "x.fill_(y[0])": ("Overwrite", "GetItem"),
    "x.zero_()": ("Overwrite",),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_unmodified_statement_is_taken_over(statement: str) -> None:
    def run(x: Tensor, y: Tensor) -> Tensor:
        names = {"x": x * 1, "y": y}
        exec(statement, names)  # type: ignore[arg-type]
        return names["x"]

    inputs = needing(MATRIX, ROW)
    with use_manual_gradients(strict=True):
        output = run(*inputs)
    assert {node.name() for node in graph(output.grad_fn) if "Accumulate" not in node.name()} == {
        f"{name}Backward" for name in ("Mul", *STATEMENTS[statement])
    }
    upstream = upstream_for(output.detach())
    due = torch.autograd.grad(run(*inputs), inputs, upstream, allow_unused=True)
    for actual, expected in zip(
        torch.autograd.grad(output, inputs, upstream, allow_unused=True), due, strict=True
    ):
        assert (actual is None) == (expected is None)
        if actual is not None and expected is not None:
            assert_same(statement, actual, expected)
