"""Activations that write their output over their input."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop import use_manual_gradients
from tests.functional.checks import assert_same, gradients
from tests.functional.modules import module_named
from tests.functional.samples import AT_THE_KINK, WITHOUT_NAN, Sample, randn

CALLS: dict[str, tuple[Any, ...]] = {
    "leaky_relu": (0.3,),
    "elu": (0.7,),
    "silu": (),
    "hardtanh": (-0.5, 2.0),
    "relu6": (),
    "hardsigmoid": (),
    "hardswish": (),
}
FROM_OUTPUT = ("leaky_relu", "elu", "hardtanh", "relu6", "hardsigmoid")
MODULE_OF = {"relu6": "hardtanh"}
WIDE = Sample("on all sides", (4 * randn(5, 3),))
SAMPLES = (*WITHOUT_NAN, AT_THE_KINK, WIDE)


def ours(name: str) -> Callable[..., Tensor]:
    function: Callable[..., Tensor] = getattr(module_named(MODULE_OF.get(name, name)), name)
    return function


def in_place(function: Callable[..., Tensor], name: str) -> Callable[[Tensor], Tensor]:
    """On a copy, since autograd lets no leaf be overwritten."""
    return lambda z: function(z * 1, *CALLS[name], inplace=True)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: ascii(sample.name))
@pytest.mark.parametrize("name", CALLS)
def test_value_and_gradient_are_the_twins(name: str, sample: Sample) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        cast = sample.to(dtype)
        mine, twins = (in_place(f, name) for f in (ours(name), getattr(T, name)))
        assert_same(f"value in {dtype}", mine(*cast.inputs), twins(*cast.inputs))
        assert_same(f"gradient in {dtype}", gradients(mine, cast)[0], gradients(twins, cast)[0])


@pytest.mark.parametrize("name", CALLS)
def test_the_input_itself_is_changed_and_returned(name: str) -> None:
    z = 4 * randn(5, 3)
    due = ours(name)(z, *CALLS[name])
    a = ours(name)(z, *CALLS[name], inplace=True)
    assert a is z
    assert_same("value", z, due)


@pytest.mark.parametrize("name", CALLS)
def test_a_leaf_raises_as_with_the_twin_and_is_unchanged(name: str) -> None:
    z = (4 * randn(5, 3)).requires_grad_()
    due = z.detach().clone()
    for part in (z, z[1:]):
        with pytest.raises(RuntimeError, match="leaf"):
            getattr(T, name)(copy.deepcopy(z) if part is z else copy.deepcopy(z)[1:], inplace=True)
        with pytest.raises(RuntimeError, match="leaf"):
            ours(name)(part, *CALLS[name], inplace=True)
    assert torch.equal(z, due)
    with torch.no_grad():
        assert ours(name)(z, *CALLS[name], inplace=True) is z


@pytest.mark.parametrize("name", CALLS)
def test_part_of_a_tensor_can_be_overwritten(name: str) -> None:
    def half(function: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
        def changed(z: Tensor) -> Tensor:
            z = z * 1
            function(z[:, 1:], *CALLS[name], inplace=True)
            return z

        return changed

    sample = Sample("a matrix", (4 * randn(5, 3).float(),))
    assert_same(
        "gradient", gradients(half(ours(name)), sample)[0], gradients(half(getattr(T, name)), sample)[0]
    )


@pytest.mark.parametrize("name", CALLS)
def test_what_is_kept(name: str) -> None:
    """The output alone where it tells the slope, and elsewhere one copy of the input, as the twin does."""
    z = randn(5, 3).requires_grad_() * 1
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        a = ours(name)(z, *CALLS[name], inplace=True)
    assert len(kept) == 1
    assert (kept[0].data_ptr() == a.data_ptr()) == (name in FROM_OUTPUT)


@pytest.mark.parametrize("name", CALLS)
def test_what_kept_the_overwritten_value_notices(name: str) -> None:
    z = randn(5, 3).requires_grad_() * 1
    squared = z.square()
    ours(name)(z, *CALLS[name], inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.sum().backward()


@pytest.mark.parametrize("name", CALLS)
def test_second_derivatives_and_forward_mode(name: str) -> None:
    z = (4 * randn(5, 3)).requires_grad_()
    function = in_place(ours(name), name)
    torch.autograd.gradcheck(function, z, check_forward_ad=True)
    torch.autograd.gradgradcheck(lambda z: function(z) ** 2, z, check_fwd_over_rev=True)


@pytest.mark.parametrize("name", CALLS)
def test_under_torch_func(name: str) -> None:
    z = 4 * randn(5, 3)
    function = in_place(ours(name), name)
    out_of_place = lambda z: ours(name)(z, *CALLS[name])  # noqa: E731
    for transform in (torch.func.vmap, torch.func.jacrev, torch.func.jacfwd):
        assert_same(transform.__name__, transform(function)(z), transform(out_of_place)(z))
    assert_same("vmap over columns", torch.func.vmap(function, 1, 1)(z), out_of_place(z))


@pytest.mark.parametrize("name", CALLS)
def test_compiles_without_a_break(name: str) -> None:
    torch.compiler.reset()
    function = in_place(ours(name), name)
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    assert_same("gradient", gradients(compiled, WIDE)[0], gradients(function, WIDE)[0])


@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
def test_a_negative_slope_hides_the_sign_of_the_input(name: str) -> None:
    """The twin raises too, in its backward. Where no gradient is due, it is fine."""
    z = randn(5, 3).requires_grad_()
    with pytest.raises(RuntimeError, match=r"=-0\.5.*use inplace=False"):
        ours(name)(z * 1, -0.5, inplace=True)
    with pytest.raises(RuntimeError, match="negative slope"):
        getattr(T, name)(z * 1, -0.5, inplace=True).sum().backward()
    due = getattr(T, name)(z.detach(), -0.5)
    assert_same("value", ours(name)(z.detach().clone(), -0.5, inplace=True), due)


SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "torch.softmax(z, 1)": lambda z: torch.softmax(z, 1),
    "torch.softmax(z, 1, torch.float64)": lambda z: torch.softmax(z, 1, torch.float64),
    "torch.special.softmax(z, dim=1)": lambda z: torch.special.softmax(z, dim=1),
    "z.softmax(-1)": lambda z: z.softmax(-1),
    "z.softmax(dim=-1, dtype=torch.float64)": lambda z: z.softmax(dim=-1, dtype=torch.float64),
    "T.softmax(z, dim=1)": lambda z: T.softmax(z, dim=1),
    "T.gelu(z)": lambda z: T.gelu(z),
    "T.gelu(z, approximate='tanh')": lambda z: T.gelu(z, approximate="tanh"),
    "T.silu(z)": lambda z: T.silu(z),
    "T.silu(z, inplace=True)": lambda z: T.silu(z * 1, inplace=True),
    "T.leaky_relu(z, 0.2, True)": lambda z: T.leaky_relu(z * 1, 0.2, True),
    "T.leaky_relu_(z, 0.2)": lambda z: T.leaky_relu_(z * 1, 0.2),
    "T.elu(z, alpha=0.5)": lambda z: T.elu(z, alpha=0.5),
    "T.elu_(z, 0.5)": lambda z: T.elu_(z * 1, 0.5),
    "T.softplus(z, 2, 1)": lambda z: T.softplus(z, 2, 1),
    "T.hardtanh(z, max_val=0.5)": lambda z: T.hardtanh(z, max_val=0.5),
    "T.hardtanh_(z, -0.5)": lambda z: T.hardtanh_(z * 1, -0.5),
    "T.relu6(z, inplace=True)": lambda z: T.relu6(z * 1, inplace=True),
    "T.hardsigmoid(z)": lambda z: T.hardsigmoid(z),
    "T.hardswish(z, inplace=True)": lambda z: T.hardswish(z * 1, inplace=True),
    "torch.relu_(z)": lambda z: torch.relu_(z * 1),
    "z.relu_()": lambda z: (z * 1).relu_(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_taken_over(spelling: str) -> None:
    sample = Sample("a matrix", (4 * randn(5, 3).float(),))
    due = gradients(SPELLINGS[spelling], sample)[0]
    z = sample.leaves()[0]
    with use_manual_gradients(strict=True) as coverage:
        a = SPELLINGS[spelling](z)
        coverage.walk(a)
    assert coverage, coverage
    with use_manual_gradients(strict=True):
        assert_same("gradient", gradients(SPELLINGS[spelling], sample)[0], due)
