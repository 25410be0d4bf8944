"""How the upstream gradient lies in memory, and what a derivation does to it, is tried and told."""

from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from manual_backprop.verify.judging.upstreams import laid_out


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        output = x.exp()
        ctx.save_for_backward(x, output)
        return output


class Viewed(Exp):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        _, output = ctx.saved_tensors
        return (grad_output.view(-1) * output.view(-1)).view(output.shape)


class OverUpstream(Exp):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output.mul_(ctx.saved_tensors[1])


class OverInput(Exp):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * ctx.saved_tensors[0].exp_()


class OverOutput(Exp):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return ctx.saved_tensors[1].mul_(grad_output)


def said(report: Any) -> str:
    return " ".join(str(report).split())


@pytest.mark.parametrize("shape", [(5,), (5, 3), (2, 3, 4), (1, 4), (4, 1), (1, 1), ()])
def test_each_upstream_is_one_that_autograd_delivers_and_none_is_contiguous(shape: tuple[int, ...]) -> None:
    v = torch.randn(shape)
    for _, other in laid_out(v):
        assert other.shape == v.shape
        assert not other.is_contiguous()
    assert len([*laid_out(v)]) == {0: 0, 1: 2}.get(sum(size > 1 for size in shape), 5)


def test_what_is_expanded_or_transposed_is_as_its_words_say() -> None:
    x = torch.randn(5, 3, requires_grad=True)
    strides = {}
    for how, loss in (
        (".sum()", lambda y: y.sum()),
        (".sum(0)", lambda y: y.sum(0).square().sum()),
        (".sum(1)", lambda y: y.sum(1).square().sum()),
        (".T", lambda y: (y.T * torch.randn(3, 5)).sum()),
    ):
        y = 2 * x
        y.register_hook(lambda g, how=how: strides.update({how: g.stride()}))
        loss(y).backward()
    tried = {how: v.stride() for how, v in laid_out(torch.randn(5, 3))}
    for how, due in strides.items():
        assert due in [stride for words, stride in tried.items() if f"{how} hands" in words]


def test_a_view_of_what_has_none_is_told_with_the_cure() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return (g.view(-1) * x.exp().view(-1)).view(x.shape)

    report = verify(torch.exp, backward, shapes=[(5, 3)])
    assert report.exit_code == 1
    assert "WRONG: where the upstream gradient is expanded along dimension 0, as .sum(0)" in said(report)
    assert "Write reshape in place of view." in said(report)


def test_a_derivation_that_reshapes_is_right() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return (g.reshape(-1) * x.exp().view(-1)).view(x.shape)

    assert verify(torch.exp, backward, shapes=[(5, 3)])


def test_a_function_that_views_is_told_too() -> None:
    report = verify(Viewed, against=torch.exp, shapes=[(5, 3)])
    assert report.exit_code == 1
    assert "Write reshape in place of view." in said(report)


def test_numbers_that_depend_on_how_it_lies_in_memory_are_wrong() -> None:
    def backward(g: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return torch.as_strided(g, (5, 3), (3, 1)) * y, g * x

    first, second = verify(torch.mul, backward, shapes=[(5, 3), (5, 3)]).verdicts
    assert (first.status, second.status) == ("wrong", "right")
    assert [d.name for d in first.diagnoses] == ["upstream-layout"]
    assert "expanded, as .sum() hands it back" in first.diagnoses[0].text


def test_a_shape_that_depends_on_how_it_lies_in_memory_is_wrong() -> None:
    report = verify(torch.exp, lambda g, x: g * x.exp() if g.is_contiguous() else g[0], shapes=[(5, 3)])
    assert report.verdicts[0].status == "malformed"
    assert "upstream-layout" in report.to_json()


@pytest.mark.parametrize(
    ("function", "name"), [(OverUpstream, "grad_output"), (OverInput, "x"), (OverOutput, "output")]
)
def test_a_function_that_writes_over_what_it_is_given_is_wrong(function: Any, name: str) -> None:
    report = verify(function, against=torch.exp, shapes=[(5, 3)])
    assert report.status == "wrong"
    assert f"WRONG: your backward writes over {name} in place" in said(report)
    assert f"{name}.clone()" in said(report)
    assert report.second_derivatives == ""


@pytest.mark.parametrize(
    ("backward", "names"),
    [
        (lambda g, x: g.mul_(x.exp()), "grad_output"),
        (lambda g, x: g * x.exp_(), "x"),
        (lambda g, x, output: output.mul_(g), "output"),
        (lambda g, x: g.mul_(x.exp_()), "grad_output and x"),
        (lambda g, x: g * x.resize_(15).exp().reshape(5, 3), "x"),
    ],
)
def test_a_derivation_that_writes_over_what_it_is_given_is_right_with_a_remark(
    backward: Any, names: str
) -> None:
    def forward(x: Tensor) -> Tensor:
        return x.exp()

    report = verify(forward, backward, shapes=[(5, 3)])
    assert report
    assert f"Your derivation writes over {names} in place. In a torch.autograd.Function" in said(report)


def test_what_is_written_over_does_not_reach_the_caller() -> None:
    x = torch.randn(5, 3, dtype=torch.float64)
    before = x.clone()
    verify(torch.exp, lambda g, x: g.mul_(x.exp_()), inputs=[x])
    assert torch.equal(x, before)


def test_inputs_may_have_the_names_of_what_else_is_given() -> None:
    def forward(grad_output: Tensor, output: Tensor) -> Tensor:
        return grad_output * output

    report = verify(forward, lambda g, a, b: (g * b, g * a.neg_().neg()), shapes=[(5, 3), (5, 3)])
    assert report.remark.startswith("Your derivation writes over grad_output in place")


def test_one_that_refuses_some_numbers_is_told_what_it_raises() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        if len(g.unique()) == 1:
            raise ValueError("all the same")
        return g * x.exp()

    report = verify(torch.exp, backward, shapes=[(5, 3)])
    assert report.exit_code == 1
    line = backward.__code__.co_firstlineno + 2
    assert report.problem == (
        f"your derivation raises ValueError: all the same (test_upstreams.py:{line}, in backward)"
    )
