"""Which form of an operation runs is asked of PyTorch; what its private names say is held to what is due."""

from functools import partial
from typing import Any

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

import manual_backprop.functional as F
from manual_backprop.functional.operation import Operation, function_of
from manual_backprop.functional.operation.torch_state import (
    WithoutFunctionModes,
    base_of,
    function_modes,
    has_function_modes,
    is_checkpointing,
    is_differentiating,
    is_forward_mode,
    is_overwritable_view,
    is_transformed,
    is_view,
    loses_views,
    may_look_at,
    may_overwrite_own,
    overrides_torch_functions,
    view_as_built_in,
    without_counting_a_change,
)
from tests.functional.samples import randn


@pytest.mark.parametrize(
    "transform",
    [
        torch.func.grad,
        torch.func.vmap,
        torch.func.jacfwd,
        torch.func.jacrev,
        lambda f: lambda x: torch.func.vjp(f, x),
        lambda f: lambda x: torch.func.jvp(f, (x,), (x,)),
        lambda f: torch.func.grad(torch.func.grad(f)),
    ],
)
def test_a_transform_is_seen_inside_it_and_not_after_it(transform: Any) -> None:
    seen: list[bool] = []

    def f(x: Tensor) -> Tensor:
        seen.append(is_transformed())
        return x.square().sum()

    transform(f)(randn(3) if transform is torch.func.vmap else randn())
    assert seen == [True]
    assert not is_transformed()


def test_forward_mode_is_seen_inside_a_level_and_not_after_it() -> None:
    assert not is_forward_mode()
    with forward_ad.dual_level():
        assert is_forward_mode()
        assert not is_transformed()
    assert not is_forward_mode()


OVERWRITES: list[bool] = []


class Watched(torch.autograd.Function):
    """x, whose backward notes whether it may overwrite what it makes."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        OVERWRITES.append(may_overwrite_own(grad_output))
        return grad_output * 1


@pytest.mark.parametrize(
    ("differentiate", "due"),
    [
        (lambda f, x: f(x).sum().backward(), True),
        (lambda f, x: torch.autograd.grad(f(x).sum(), x), True),
        (lambda f, x: torch.autograd.grad(f(x).sum(), x, create_graph=True), False),
        (lambda f, x: torch.autograd.grad(f(x), x, torch.eye(3), is_grads_batched=True), False),
        (lambda f, x: torch.func.grad(lambda x: f(x).sum())(x), False),
        (lambda f, x: torch.func.jacrev(f)(x), False),
    ],
    ids=["backward", "grad", "create_graph", "is_grads_batched", "torch.func.grad", "jacrev"],
)
def test_a_backward_overwrites_only_where_its_result_is_a_number(differentiate: Any, due: bool) -> None:
    OVERWRITES.clear()
    differentiate(Watched.apply, torch.ones(3, requires_grad=True))
    assert [due] == OVERWRITES


def test_a_backward_overwrites_nothing_that_has_a_tangent() -> None:
    with forward_ad.dual_level(), torch.no_grad():
        assert not may_overwrite_own(forward_ad.make_dual(torch.ones(3), torch.ones(3)))


def test_a_view_has_a_base_and_any_other_tensor_is_its_own() -> None:
    x = randn(3, 5)
    assert is_view(x[0])
    assert base_of(x[0]) is x
    assert not is_view(x)
    assert base_of(x) is x


@pytest.mark.parametrize(
    ("transform", "due"),
    [
        (torch.func.grad, True),
        (torch.func.hessian, True),
        (lambda f: torch.func.vmap(torch.func.grad(f)), True),
        (torch.func.vmap, False),
        (torch.func.jacfwd, False),
    ],
)
def test_views_are_lost_to_reverse_mode_alone(transform: Any, due: bool) -> None:
    seen: list[bool] = []

    def f(x: Tensor) -> Tensor:
        seen.append(loses_views())
        return x.square().sum()

    transform(f)(randn(2, 3))
    assert seen == [due]
    assert not loses_views()


class Half(torch.autograd.Function):
    """The first half of a tensor, a view."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:
        return x[: len(x) // 2]


class Halves(Half):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:
        return tuple(x.chunk(2))


def test_a_view_of_a_function_may_be_overwritten_where_that_is_said_and_several_may_not() -> None:
    x = randn(4).requires_grad_() * 1
    view, several = Half.apply(x), Halves.apply(x)
    assert not is_overwritable_view(view)
    for given in (view, several):
        view_as_built_in(given)
    assert is_overwritable_view(view)
    assert is_overwritable_view(x[1:])
    assert not any(map(is_overwritable_view, (*several, *x.chunk(2))))
    view_as_built_in(x)  # which is no view


def test_a_backward_pass_and_forward_mode_are_seen_inside_them_and_not_after() -> None:
    seen: list[bool] = []
    x = randn(3).requires_grad_()
    y = x * 2
    y.register_hook(lambda _: seen.append(is_differentiating()))
    y.sum().backward()
    with forward_ad.dual_level():
        seen.append(is_differentiating())
    torch.func.vmap(lambda x: seen.append(is_differentiating()) or x)(randn(3))
    assert seen == [True, True, True]
    assert not is_differentiating()


def test_a_checkpoint_is_seen_inside_it_and_other_hooks_are_none() -> None:
    seen: list[bool] = []
    hooks = torch.autograd.graph.saved_tensors_hooks(partial(lambda t: t), partial(lambda t: t))
    x = randn(3).requires_grad_()
    for use_reentrant in (False, True):
        checkpoint(lambda x: seen.append(is_checkpointing()) or x * 2, x, use_reentrant=use_reentrant)
    with hooks:
        seen.append(is_checkpointing())
    assert seen == [True, False, False]
    assert not is_checkpointing()


def test_a_subclass_with_functions_of_its_own_is_told_from_others() -> None:
    class Plain(Tensor):
        pass

    class Own(Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return super().__torch_function__(func, types, args, kwargs or {})

    given = (randn(3), torch.nn.Parameter(randn(3)), randn(3).as_subclass(Plain), randn(3).as_subclass(Own))
    assert [overrides_torch_functions(x) for x in given] == [False, False, False, True]


def test_a_change_that_changes_nothing_is_not_counted() -> None:
    x = randn(3)
    with without_counting_a_change(x):
        x.add_(0)
    assert x._version == 0
    x.add_(0)
    assert x._version == 1


def test_the_modes_are_those_that_were_entered() -> None:
    mode = torch.overrides.BaseTorchFunctionMode()
    with mode:
        assert function_modes() == [mode]
        assert has_function_modes()
    assert function_modes() == []
    assert not has_function_modes()


def test_modes_can_be_left_out_for_a_while() -> None:
    """And are there again, in their order, even after an error."""

    def fail() -> None:
        with WithoutFunctionModes():
            assert function_modes() == []
            raise KeyError

    outer, inner = (torch.overrides.BaseTorchFunctionMode() for _ in range(2))
    with outer, inner:
        with pytest.raises(KeyError):
            fail()
        assert function_modes() == [outer, inner]


@pytest.mark.parametrize("word", ["jvp", "setup_context", "vmap"])
def test_a_forward_that_raises_is_not_called_again_whatever_its_error_says(word: str) -> None:
    calls = []

    class Raises(Operation):
        @staticmethod
        def forward(input: Tensor) -> Tensor:
            calls.append(input)
            raise RuntimeError(f"no {word} today")

    with pytest.raises(RuntimeError, match=f"no {word} today"):
        function_of(Raises)(randn(3).requires_grad_())
    assert len(calls) == 1


def test_without_a_transform_there_is_no_tangent_to_pay_for() -> None:
    """The plain form has no `jvp`; the others are the operation itself."""
    x = randn(3).requires_grad_()
    plain = F.sigmoid(x).grad_fn
    with forward_ad.dual_level():
        dual = F.sigmoid(x).grad_fn
    assert plain._forward_cls.jvp is torch.autograd.Function.jvp
    assert dual._forward_cls.jvp is not torch.autograd.Function.jvp


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.mul(x, x),
        lambda x: F.matmul(x, x),
        lambda x: F.stack([x, x, x]),
        lambda x: F.einsum("ij,kj->ik", x, x),
        lambda x: F.scaled_dot_product_attention(x, x, x),
    ],
)
def test_the_same_tensor_may_be_given_twice_where_it_is_compiled(function: Any) -> None:
    torch.compiler.reset()
    x = randn(3, 3).requires_grad_()
    due = torch.autograd.grad(function(x).square().sum(), x)
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(torch.autograd.grad(compiled(x).square().sum(), x), due)


def test_numbers_are_looked_at_where_they_are_there() -> None:
    assert may_look_at(torch.zeros(2))
    assert may_look_at(torch.nn.Parameter(torch.zeros(2)))
    assert not may_look_at(torch.zeros(2, device="meta"))
    with FakeTensorMode() as mode:
        assert not may_look_at(torch.zeros(2))
    assert not may_look_at(mode.from_tensor(torch.zeros(2)))
    seen = []
    make_fx(lambda x: seen.append(may_look_at(x)) or x * 2)(torch.zeros(2))
    assert seen == [False]
