"""A large backward, made block by block or compiled, is the one that is written."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import manual_backprop.functional as F
from manual_backprop import fused, use_manual_gradients
from manual_backprop.functional.operation import blocks, compiled, forms, large
from tests.functional.checks import assert_same, called, upstream_for, upstreams_for
from tests.functional.samples import Row, Sample, randn
from tests.functional.table import ROWS
from tests.functional.test_contract import samples

ONE_OF_EACH = [pytest.param(row, row.samples[0], id=row.name) for row in ROWS]


def gradients(row: Row, sample: Sample) -> tuple[Tensor | None, ...]:
    """Of all inputs, with random upstream gradients; dropout's mask is the same each time."""
    torch.manual_seed(0)
    leaves = sample.leaves()
    outputs = tuple(y for y in called(row.function, sample, leaves) if y.requires_grad)
    return torch.autograd.grad(outputs, leaves, upstreams_for(outputs), allow_unused=True) if outputs else ()


def assert_all_same(row: Row, given: tuple[Tensor | None, ...], due: tuple[Tensor | None, ...]) -> None:
    for at, (a, b) in enumerate(zip(given, due, strict=True)):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            assert_same(f"{row.name}: gradient {at}", a, b, roundings=64)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever has rows is large, and a block has few of them."""
    monkeypatch.setattr(forms, "LARGE_FROM", 1)
    monkeypatch.setattr(large, "BLOCKS_FROM", 1)
    monkeypatch.setattr(blocks, "BLOCK", 4)


@pytest.fixture
def to_kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Inside `fused()` everything is compiled, if only to PyTorch's own kernels; what was, by its name."""
    names: list[str] = []
    of_torch = torch.compile

    def compile_quickly(f: Any, **options: Any) -> Any:
        names.append(f.__name__)
        return of_torch(f, backend="aot_eager", **options)

    monkeypatch.setattr(forms, "LARGE_FROM", 0)
    monkeypatch.setattr(large, "COMPILED_FROM", 0)
    monkeypatch.setattr(torch, "compile", compile_quickly)
    monkeypatch.setattr(compiled, "_formulas", {})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="fused:")  # a formula that cannot be compiled
        yield names
    torch.compiler.reset()


@samples
def test_by_blocks(row: Row, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    due = gradients(row, sample)
    monkeypatch.setattr(forms, "LARGE_FROM", 1)
    monkeypatch.setattr(large, "BLOCKS_FROM", 1)
    monkeypatch.setattr(blocks, "BLOCK", 4)
    assert_all_same(row, gradients(row, sample), due)


@pytest.mark.parametrize(("row", "sample"), ONE_OF_EACH)
def test_compiled(row: Row, sample: Sample, to_kernels: list[str]) -> None:
    due = gradients(row, sample)
    with fused():
        assert_all_same(row, gradients(row, sample), due)


@pytest.mark.parametrize("name", ["gelu", "layer_norm", "log_softmax"])
def test_compiled_to_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    due = gradients(row, row.samples[0])
    monkeypatch.setattr(forms, "LARGE_FROM", 0)
    monkeypatch.setattr(large, "COMPILED_FROM", 0)
    with fused(), warnings.catch_warnings():
        warnings.filterwarnings("error", message="fused:")
        assert_all_same(row, gradients(row, row.samples[0]), due)


def test_a_block_goes_through_the_whole_formula(small_blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten numbers, four to a block."""
    seen = []
    tanh: Any = F.tanh.__globals__["Tanh"]
    written = tanh.backward

    def backward(ctx: Any, g: Tensor) -> Any:
        seen.append(len(g))
        return written(ctx, g)

    monkeypatch.setattr(tanh, "backward", staticmethod(backward))
    x = randn(2, 5).requires_grad_()
    torch.autograd.grad(F.tanh(x), x, randn(2, 5))
    assert seen == [4, 4, 2]


@pytest.mark.parametrize("layout", ["transposed", "expanded"])
def test_what_does_not_lie_row_by_row_is_made_in_one_piece(layout: str, small_blocks: None) -> None:
    x = randn(5, 7).requires_grad_()
    g = randn(7, 5).T if layout == "transposed" else randn(7).expand(5, 7)
    given, due = (torch.autograd.grad(f(x), x, g)[0] for f in (F.tanh, torch.tanh))
    assert_same("tanh", given, due)


@pytest.mark.parametrize("inside", [False, True], ids=["blocks", "compiled"])
def test_what_is_differentiated_again_is_as_written(
    inside: bool, small_blocks: None, to_kernels: list[str]
) -> None:
    def second() -> bool:
        return torch.autograd.gradgradcheck(F.gelu, randn(5, 3).requires_grad_())

    if inside:
        with fused():
            assert second()
        assert "GELU_backward" not in to_kernels
    else:
        assert second()


@pytest.mark.parametrize("inside", [False, True], ids=["blocks", "compiled"])
def test_under_transforms_and_batches_of_gradients(
    inside: bool, small_blocks: None, to_kernels: list[str]
) -> None:
    x, g = randn(5, 3), randn(2, 5, 3)

    def all_of_it() -> list[Tensor]:
        z = x.clone().requires_grad_()
        batch = torch.autograd.grad(F.silu(z), z, g, is_grads_batched=True)[0]
        per_example = torch.func.vmap(torch.func.grad(lambda row: F.silu(row).sum()))(x)
        return [batch, per_example, torch.func.hessian(lambda t: F.silu(t).sum())(x)]

    z = x.clone().requires_grad_()
    due = torch.autograd.grad(torch.nn.functional.silu(z), z, g, is_grads_batched=True)[0]
    if inside:
        with fused():
            given = all_of_it()
    else:
        given = all_of_it()
    assert_same("a batch of gradients", given[0], due)
    assert to_kernels == []


def test_a_formula_is_compiled_once_for_all_sizes(to_kernels: list[str]) -> None:
    for shape in ((5, 3), (7, 11), (2, 3, 5)):
        x = randn(*shape).requires_grad_()
        with fused():
            torch.autograd.grad(F.tanh(x), x, randn(*shape))
    assert to_kernels == ["Tanh_backward"]


def test_it_belongs_to_the_call_not_to_the_backward(to_kernels: list[str]) -> None:
    x = randn(5, 3).requires_grad_()
    with fused():
        inside = F.tanh(x)
    outside = F.sigmoid(x)
    torch.autograd.grad([inside, outside], x, [randn(5, 3), randn(5, 3)])
    assert to_kernels == ["Tanh_backward"]


def test_what_is_small_is_not_compiled(to_kernels: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "COMPILED_FROM", 16)
    x = randn(5, 3).requires_grad_()
    with fused():
        torch.autograd.grad(F.tanh(x), x, randn(5, 3))
    assert to_kernels == []


def test_an_unmodified_model(to_kernels: list[str]) -> None:
    """The compiler sees nothing of the mode that takes the model over."""
    model = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.LayerNorm(5), nn.Linear(5, 2)).double()
    x = randn(7, 3)

    def step() -> list[Tensor]:
        output = model(x)
        return list(torch.autograd.grad(output, list(model.parameters()), upstream_for(output)))

    due = step()
    with use_manual_gradients(strict=True, fused=True):
        given = step()
    assert {"GELU_forward", "GELU_backward"} <= set(to_kernels)
    for a, b in zip(given, due, strict=True):
        assert_same("a parameter", a, b)
    with use_manual_gradients():
        assert not compiled.FUSED.get()


@pytest.mark.parametrize(
    ("message", "due"),
    [
        ("InvalidCxxCompiler: No working C++ compiler found", "there is no compiler for cpu"),
        ("LoweringException: something", "the backward of tanh runs as it is written: LoweringException"),
    ],
)
def test_without_a_compiler_it_is_as_written(message: str, due: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(f: Any, **options: Any) -> Any:
        def run(*given: Any) -> None:
            raise RuntimeError(message + "\nand much more")

        return run

    monkeypatch.setattr(forms, "LARGE_FROM", 0)
    monkeypatch.setattr(large, "COMPILED_FROM", 0)
    monkeypatch.setattr(torch, "compile", refuse)
    monkeypatch.setattr(compiled, "_formulas", {})
    monkeypatch.setattr(compiled, "_unavailable", set())
    x, g = randn(5, 3).requires_grad_(), randn(5, 3)
    expected = torch.autograd.grad(torch.tanh(x), x, g)[0]

    def gradients_inside() -> list[Tensor]:
        with fused():
            return [torch.autograd.grad(F.tanh(x), x, g)[0] for _ in range(3)]

    with pytest.warns(UserWarning, match=due) as told:
        found = gradients_inside()
    assert len(told) == 1
    for given in found:
        assert_same("tanh", given, expected)
