"""Losses of a prediction and a target, as users meet them: shapes, types, flags, warnings, limits."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop import use_manual_gradients
from manual_backprop.functional.operation.blocks import BLOCKS_FROM
from tests.functional.checks import assert_same
from tests.functional.samples import inf, labels, nan, randn

DIFFERENCES = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")
TYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64]


def pulled(loss: Callable[..., Tensor], *inputs: Tensor, **options: Any) -> tuple[Tensor, ...]:
    """The loss and the gradients of a random multiple of it, whatever is warned of."""
    leaves = [x.detach().requires_grad_(x.dtype != torch.int64) for x in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = loss(*leaves, **options)
    upstream = randn(*out.shape, seed="v").to(out.dtype)
    return (out.detach(), *torch.autograd.grad(out, [x for x in leaves if x.requires_grad], upstream))


def assert_twins(
    name: str, *inputs: Tensor, weight: Tensor | None = None, half: bool = False, **options: Any
) -> None:
    """Equal to rounding; with `half`, to the rounding of half precision, which the twin does on the way."""

    def weighted(loss: Any) -> Callable[..., Tensor]:
        return lambda x, t, w=None, **o: loss(x, t, **o) if w is None else loss(x, t, weight=w, **o)

    given = inputs if weight is None else (*inputs, weight)
    results = [pulled(weighted(getattr(f, name)), *given, **options) for f in (F, T)]
    for actual, due in zip(*results, strict=True):
        coarse = torch.finfo(torch.bfloat16).eps / torch.finfo(due.dtype).eps if half else 1.0
        assert_same(name, actual, due, roundings=16 * coarse, size=1.0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shapes", [((5, 3), (3,)), ((3,), (5, 3)), ((5, 1), (1, 3)), ((), (5, 3))])
@pytest.mark.parametrize("name", DIFFERENCES)
def test_different_shapes_are_broadcast(
    name: str, shapes: tuple[tuple[int, ...], ...], reduction: str
) -> None:
    x, t = (randn(*shape, seed=seed) for shape, seed in zip(shapes, "xt", strict=True))
    assert_twins(name, x, t, reduction=reduction)
    if name != "smooth_l1_loss":
        assert_twins(name, x, t, reduction=reduction, weight=randn(*x.shape, seed="w").abs())


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_tangents_of_broadcast_weights_are_the_twins(name: str, reduction: str) -> None:
    x, t, w = randn(3), randn(5, 3), randn(3, seed="w").abs()
    pushed = []
    for f in (F, T):
        loss = getattr(f, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pushed.append(
                torch.func.jvp(
                    lambda w, loss=loss: loss(x, t, reduction=reduction, weight=w),
                    (w,),
                    (randn(3, seed="u"),),
                )
            )
    for actual, due in zip(*pushed, strict=True):
        assert_same(name, actual, due)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_different_shapes_are_warned_of_where_the_call_is(name: str) -> None:
    with pytest.warns(UserWarning, match=r"\(5, 3\) and target \(3,\) differ") as caught:
        getattr(F, name)(randn(5, 3), randn(3))
    assert caught[0].filename == __file__
    with pytest.raises(RuntimeError, match="do not fit"):
        getattr(F, name)(randn(5, 3), randn(2))


@pytest.mark.parametrize("name", DIFFERENCES)
def test_different_shapes_compile_without_a_break(name: str) -> None:
    torch.compiler.reset()
    compiled = torch.compile(getattr(F, name), fullgraph=True, backend="aot_eager")
    inputs = randn(5, 3), randn(3)
    for actual, due in zip(pulled(compiled, *inputs), pulled(getattr(F, name), *inputs), strict=True):
        assert_same(name, actual, due)


@pytest.mark.parametrize("of_target", TYPES)
@pytest.mark.parametrize("of_input", TYPES)
@pytest.mark.parametrize("name", ["l1_loss", "smooth_l1_loss", "kl_div"])
def test_types_are_mixed_as_the_twin_does(name: str, of_input: torch.dtype, of_target: torch.dtype) -> None:
    whole = torch.int64 in (of_input, of_target)
    if (name == "kl_div" and whole) or of_input == of_target == torch.int64:
        pytest.skip("an error of the twin's")
    x, t = randn(5, 3), randn(5, 3, seed="t").abs()
    assert_twins(name, (3 * x).to(of_input), (3 * t).to(of_target), reduction="sum", half=name == "kl_div")


@pytest.mark.parametrize("of_target", TYPES)
def test_hubers_value_has_the_inputs_type(of_target: torch.dtype) -> None:
    """With a target of another type the twin has no gradient at all, so only the value is compared."""
    x, t = randn(5, 3).float(), randn(5, 3, seed="t").to(of_target)
    assert_same("value", F.huber_loss(x, t), T.huber_loss(x, t))


def test_integers_have_absolute_errors() -> None:
    x, t = torch.tensor([3, -2, 7]), torch.tensor([1, 1, 7])
    for options in ({"reduction": "none"}, {"reduction": "sum"}, {"weight": torch.tensor([2, 3, 5])}):
        assert_same("value", F.l1_loss(x, t, **options), T.l1_loss(x, t, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_complex_absolute_errors_are_the_twins(reduction: str) -> None:
    x, t = (torch.complex(randn(5, 3, seed=s), randn(5, 3, seed=f"i{s}")) for s in "xt")
    for inputs in ((x, t), (x, t.real), (x.real, t)):
        assert_twins("l1_loss", *inputs, reduction=reduction)
        assert_twins("l1_loss", *inputs, reduction=reduction, weight=randn(5, 3, seed="w").abs())
        directions = tuple(v.flip(0) for v in inputs)
        pushed = [
            torch.func.jvp(lambda x, t, f=f: f.l1_loss(x, t, reduction=reduction), inputs, directions)
            for f in (F, T)
        ]
        for actual, due in zip(*pushed, strict=True):
            assert_same("tangent", actual, due)


@pytest.mark.parametrize(
    "flags", [{"size_average": False}, {"size_average": True}, {"reduce": False}, {"reduce": True}]
)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "kl_div"])
def test_deprecated_flags_mean_what_they_meant(name: str, flags: dict[str, bool]) -> None:
    assert_twins(name, randn(5, 3), randn(5, 3, seed="t").abs(), **flags)
    with pytest.warns(UserWarning, match="deprecated, use reduction=") as caught:
        getattr(F, name)(randn(5, 3), randn(5, 3).abs(), **flags)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_tiny_beta_is_as_good_as_none() -> None:
    x, t = randn(5, 3).float(), randn(5, 3, seed="t").float()
    for actual, due in zip(pulled(F.smooth_l1_loss, x, t, beta=1e-37), pulled(F.l1_loss, x, t), strict=True):
        assert_same("β = 1e-37", actual, due)


def test_hubers_error_does_not_overflow_where_the_square_would() -> None:
    x, t = torch.tensor([1e30, -1e30, 1.0]), torch.zeros(3)
    first, second = (torch.func.grad(lambda x: F.huber_loss(x, t, reduction="sum")), torch.func.hessian)
    assert_same("value", F.huber_loss(x, t, reduction="none"), torch.tensor([1e30, 1e30, 0.5]))
    assert_same("gradient", first(x), torch.tensor([1.0, -1.0, 1.0]))
    curvature = second(lambda x: F.huber_loss(x, t, reduction="sum", delta=2.0))(x)
    assert_same("second derivative", curvature, torch.diag(torch.tensor([0.0, 0.0, 1.0])))


def test_the_mean_of_a_divergence_is_warned_of() -> None:
    x, t = randn(5, 3).log_softmax(1), randn(5, 3, seed="t").softmax(1)
    with pytest.warns(UserWarning, match="'batchmean' is the divergence") as caught:
        F.kl_div(x, t)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match="batchmean"):
        T.kl_div(x, t)


def test_a_class_that_never_is_costs_nothing() -> None:
    """Its probability is 0. The slope there is −∞, of which the twin makes NaN."""
    x = torch.tensor([-1.0, -2.0, -3.0]).double().requires_grad_()
    t = torch.tensor([0.0, 1.0, 0.0]).double()
    loss = F.kl_div(x, t, reduction="sum")
    assert_same("value", loss.detach(), T.kl_div(x, t, reduction="sum").detach())
    assert_same("value", loss.detach(), torch.tensor(2.0).double())
    (gradient,) = torch.autograd.grad(loss, x)
    assert_same("gradient", gradient, torch.tensor([0.0, -1.0, 0.0]).double())
    slope = torch.func.grad(lambda t: F.kl_div(x.detach(), t, reduction="sum"))(t)
    assert_same("slope in the target", slope, torch.tensor([-inf, 3.0, -inf]).double())
    twins = torch.func.grad(lambda t: T.kl_div(x.detach(), t, reduction="sum"))(t)
    assert_same("the twin's", twins, torch.tensor([nan, 3.0, nan]).double())


def test_divergence_and_cross_entropy_have_the_same_gradient() -> None:
    z, t = randn(5, 3), randn(5, 3, seed="t").softmax(1)
    by_divergence = torch.func.grad(lambda z: F.kl_div(F.log_softmax(z, 1), t, reduction="batchmean"))(z)
    assert_same("gradient", by_divergence, torch.func.grad(lambda z: F.cross_entropy(z, t))(z))


@pytest.mark.parametrize("module", ["L1Loss", "SmoothL1Loss", "HuberLoss", "KLDivLoss"])
def test_an_unmodified_module_is_taken_over(module: str) -> None:
    x, t = randn(5, 3).requires_grad_(), randn(5, 3, seed="t").abs()
    with use_manual_gradients(strict=True) as coverage:
        getattr(torch.nn, module)(reduction="sum")(x, t).backward()
    assert coverage, coverage


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_blocks_of_a_large_input_know_how_many_losses_there_are_in_all(name: str, reduction: str) -> None:
    leaves = [randn(BLOCKS_FROM + 5, seed=seed).requires_grad_() for seed in "xt"]
    upstream = 3 * torch.ones_like(leaves[0]) if reduction == "none" else torch.tensor(3.0).double()
    ours, twins = (
        torch.autograd.grad(getattr(f, name)(*leaves, reduction=reduction), leaves, upstream) for f in (F, T)
    )
    for actual, expected in zip(ours, twins, strict=True):
        assert_same("gradient", actual, expected)


@pytest.mark.parametrize(
    "weights", [{}, {"weight": "of the input's shape"}, {"pos_weight": "one for each column"}]
)
def test_blocks_of_yes_and_no_have_weights_of_their_own(weights: dict[str, str]) -> None:
    shape = (BLOCKS_FROM // 512 + 1, 512)
    x, t = randn(*shape).requires_grad_(), randn(*shape, seed="t").sigmoid().requires_grad_()
    options = {name: randn(*(shape if name == "weight" else shape[1:])).abs() for name in weights}
    ours, twins = (
        torch.autograd.grad(f.binary_cross_entropy_with_logits(x, t, **options), (x, t)) for f in (F, T)
    )
    for actual, expected in zip(ours, twins, strict=True):
        assert_same("gradient", actual, expected, roundings=64)


@pytest.mark.parametrize("ignored", [None, -100, 1])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kept", [0, 2**16])
def test_what_is_kept_of_log_p_makes_the_same_gradients(
    kept: int, reduction: str, ignored: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones and, from the logits themselves, the second ones; each may be asked for again."""
    monkeypatch.setattr(sys.modules[F.cross_entropy.__module__], "KEPT", kept)
    z, y = randn(5, 3).requires_grad_(), labels(5, classes=3, ignored=ignored)
    options = {"reduction": reduction, "ignore_index": -100 if ignored is None else ignored}

    def of(f: Any) -> list[Tensor]:
        loss = f.cross_entropy(z, y, **options)
        first = [torch.autograd.grad(loss, z, retain_graph=True)[0] for _ in range(2)]
        (again,) = torch.autograd.grad(loss, z, create_graph=True)
        return [*first, again.detach(), *torch.autograd.grad(again.square().sum(), z)]

    for actual, expected in zip(of(F), of(T), strict=True):
        assert_same("gradient", actual, expected)
