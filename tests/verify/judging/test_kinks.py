"""Where an input is exactly zero: what is right stays right, and what is wrong only there is found."""

from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop import verify
from manual_backprop.verify.draws import at_zero, draws_of
from manual_backprop.verify.problem import Draw, Problem

X = [(5, 3)]
CAUSAL = torch.ones(5, 5, dtype=torch.bool).triu(1)


def cosine_backward(d: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    nx, ny = x.norm(dim=1, keepdim=True), y.norm(dim=1, keepdim=True)
    c, d = (x * y).sum(1, keepdim=True) / (nx * ny), d[:, None]
    return d * (y / (nx * ny) - c * x / nx**2), d * (x / (nx * ny) - c * y / ny**2)


def cofactors(d: Tensor, x: Tensor) -> Tensor:
    rows = [x.roll((-i, -j), (0, 1))[1:, 1:] for i in range(3) for j in range(3)]
    return d * torch.stack([m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0] for m in rows]).reshape(3, 3)


SILENT: dict[str, tuple[Any, Any, list[Any]]] = {
    "norm of columns": (lambda x: x.norm(dim=0), lambda d, x: d * x / x.norm(dim=0), X),
    "norm of pairs": (
        lambda x: x.norm(dim=1),
        lambda d, x: d[:, None] * x / x.norm(dim=1)[:, None],
        [(5, 2)],
    ),
    "norm of slices": (
        lambda x: x.norm(dim=(0, 2)),
        lambda d, x, output: (d / output)[:, None] * x,
        [(2, 3, 4)],
    ),
    "norm of a vector": (lambda x: x.norm(), lambda d, x, output: d * x / output, [(7,)]),
    "angle of two": (
        torch.atan2,
        lambda d, y, x: (d * x / (x * x + y * y), -d * y / (x * x + y * y)),
        [(5, 3), (5, 3)],
    ),
    "angle of columns": (
        lambda x: torch.atan2(x[:, 0], x[:, 1]),
        lambda d, x: torch.stack((d * x[:, 1], -d * x[:, 0]), 1) / x.square().sum(1, keepdim=True),
        [(5, 2)],
    ),
    "x log x": (lambda x: x * x.log(), lambda d, x: d * (x.log() + 1), X),
    "x log x, 0 at 0": (lambda x: torch.xlogy(x, x), lambda d, x: d * (x.log() + 1), X),
    "root": (torch.sqrt, lambda d, x, output: d / (2 * output), X),
    "root of the absolute": (lambda x: x.abs().sqrt(), lambda d, x, output: d * x.sign() / (2 * output), X),
    "power 1.5": (lambda x: x.abs() ** 1.5, lambda d, x: 1.5 * d * x.abs().sqrt() * x.sign(), X),
    "power of two inputs": (
        lambda x, n: x**n,
        lambda d, x, n, output: (d * n * output / x, d * output * x.log()),
        [(5, 3), (5, 3)],
    ),
    "cosine": (lambda x, y: T.cosine_similarity(x, y, dim=1), cosine_backward, [(5, 3), (5, 3)]),
    "standard deviation": (
        lambda x: x.std(1),
        lambda d, x, output: (d / output)[:, None] * (x - x.mean(1, keepdim=True)) / 2,
        X,
    ),
    "largest": (lambda x: x.amax(1), lambda d, x: d[:, None] * T.one_hot(x.argmax(1), 3), X),
    "largest, by equality": (
        lambda x: x.amax(1),
        lambda d, x, output: d[:, None] * (x == output[:, None]),
        X,
    ),
    "median": (
        lambda x: x.median(1).values,
        lambda d, x, output: d[:, None] * (x == output[:, None]),
        [(4, 5)],
    ),
    "masked softmax": (
        lambda x: x.masked_fill(CAUSAL, -torch.inf).softmax(1),
        lambda d, x, output: output * (d - (d * output).sum(1, keepdim=True)),
        [(5, 5)],
    ),
    "determinant by cofactors": (torch.linalg.det, cofactors, [(3, 3)]),
    "determinant by the inverse": (
        torch.linalg.det,
        lambda d, x, output: d * output * torch.linalg.inv(x).T,
        [(3, 3)],
    ),
    "relu of a number": (torch.relu, lambda d, x: d * (x > 0), [()]),
    "absolute by sign": (torch.abs, lambda d, x: d * x.sign(), X),
    "distance": (
        lambda x, y: T.l1_loss(x, y),
        lambda d, x, y: (d * (x - y).sign() / 15, d * (y - x).sign() / 15),
        [(5, 3)] * 2,
    ),
}
DIVIDES: dict[str, tuple[Any, Any, list[Any]]] = {
    "product": (lambda x: x.prod(1), lambda d, x, output: (d * output)[:, None] / x, [(5, 4)]),
    "product of all": (lambda x: x.prod(), lambda d, x, output: d * output / x, [(7,)]),
    "running product": (
        lambda x: x.cumprod(0),
        lambda d, x, output: (d * output).flip(0).cumsum(0).flip(0) / x,
        [(5,)],
    ),
    "silu": (
        lambda x: x * x.sigmoid(),
        lambda d, x, output: d * (output / x + output * (1 - output / x)),
        X,
    ),
    "sinc": (torch.sinc, lambda d, x, output: d * ((torch.pi * x).cos() - output) / x, X),
    "absolute": (torch.abs, lambda d, x: d * x / x.abs(), X),
    "norm of one number": (lambda x: x.norm(), lambda d, x, output: d * x / output, [(1,)]),
    "cubes": (
        lambda x: x.norm(3, dim=1),
        lambda d, x, output: (d / output**2)[:, None] * x.abs() ** 3 / x,
        X,
    ),
}


@pytest.mark.parametrize(("forward", "backward", "shapes"), SILENT.values(), ids=SILENT)
def test_what_is_right_is_called_so(forward: Any, backward: Any, shapes: Any) -> None:
    report = verify(forward, backward, shapes=shapes)
    assert report, report
    assert not any(verdict.remark for verdict in report.verdicts)


@pytest.mark.parametrize(("forward", "backward", "shapes"), DIVIDES.values(), ids=DIVIDES)
def test_a_formula_that_divides_by_zero_there_is_right_with_a_remark(
    forward: Any, backward: Any, shapes: Any
) -> None:
    report = verify(forward, backward, shapes=shapes)
    assert report, report
    assert "divides by zero where an input is exactly zero" in " ".join(str(report).split())


def test_a_derivation_that_raises_only_there_is_right_with_a_remark() -> None:
    def backward(d: Tensor, x: Tensor) -> Tensor:
        if not x.all():
            raise ValueError("no zeros, please.")
        return d * x.exp()

    report = verify(torch.exp, backward, shapes=X)
    assert report
    assert "exactly zero, your derivation raises ValueError: no zeros, please (test_kinks.py:" in " ".join(
        str(report).split()
    )


@pytest.mark.parametrize("raised", [AssertionError, ZeroDivisionError])
def test_a_forward_that_raises_there_is_right(raised: type[Exception]) -> None:
    def forward(x: Tensor) -> Tensor:
        if not x.all():
            raise raised
        return x.exp()

    assert verify(forward, lambda d, x: d * x.exp(), shapes=X)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (torch.relu, lambda d, x: d * (x >= 0)),
        (torch.relu, lambda d, x: d * torch.heaviside(x, torch.tensor(0.5).double())),
        (torch.abs, lambda d, x: d * torch.where(x >= 0, 1.0, -1.0)),
        (lambda x: T.leaky_relu(x, 0.25), lambda d, x: d * torch.where(x >= 0, 1.0, 0.25)),
        (
            lambda x: x.clamp(min=0).square().sum(1) + torch.relu(x).sum(1),
            lambda d, x: d[:, None] * (2 * x + 1) * (x >= 0),
        ),
    ],
    ids=["1", "half", "abs", "leaky", "summed"],
)
def test_another_choice_at_a_kink_is_told_with_the_slopes_of_both_sides(forward: Any, backward: Any) -> None:
    (verdict,) = verify(forward, backward, shapes=X).verdicts
    (diagnosis,) = verdict.diagnoses
    assert (verdict.status, diagnosis.name, diagnosis.certain) == ("wrong", "mask-at-tie", True)

    def slope(sign: int) -> float:
        """Of ⟨grad_output, forward⟩ at the number that is zero, found by the point that verify used."""
        h = 1e-6 * sign
        moved = point.inputs[0].clone()
        moved[verdict.index] += h
        return float(((forward(moved) - forward(point.inputs[0])) * point.upstream).sum()) / h + 0.0

    point = first_point(forward, verdict.index)
    assert f"is {slope(-1):.3g} on the left and {slope(1):.3g} on the right" in diagnosis.text
    assert f"PyTorch takes {verdict.right:.3g}, and yours is {verdict.given:.3g}" in diagnosis.text


def first_point(forward: Any, index: tuple[int, ...]) -> Draw:
    problem = Problem(forward, lambda d, x: d, ("x",), (0,))
    like = torch.empty(0, dtype=torch.float64)
    draw = draws_of(problem, X, like, fresh=True, seed=0)[0]
    x = draw.inputs[0].clone()
    x[index] = 0
    return Draw((x,), draw.upstream, forward(x))


def test_a_number_that_is_wrong_only_at_zero_of_a_smooth_function_is_wrong() -> None:
    def backward(d: Tensor, x: Tensor, output: Tensor) -> Tensor:
        return torch.where(x == 0, 0.0, (d * output)[:, None] / x)

    (verdict,) = verify(lambda x: x.prod(1), backward, shapes=[(5, 4)]).verdicts
    assert verdict.status == "wrong"
    assert [d.name for d in verdict.diagnoses] == ["wrong-at-zero"]
    assert "kink" not in str(verdict)


def test_nothing_is_concluded_where_the_slopes_contradict_autograd() -> None:
    def forward(x: Tensor) -> Tensor:  # 2 x, whose slope at zero autograd takes for 0
        return torch.where(x == 0, 0 * x, 2 * x)

    assert verify(forward, lambda d, x: 2 * d, shapes=X)


def test_nothing_is_concluded_where_the_slopes_do_not_settle() -> None:
    def forward(x: Tensor) -> Tensor:
        return x.abs() ** 1.1

    assert verify(forward, lambda d, x: 1.1 * d * x.abs() ** 0.1 * torch.where(x >= 0, 1.0, -1.0), shapes=X)
    assert verify(forward, lambda d, x: 1.1 * d * x.abs() ** 0.1 * x.sign() + d * (x == 0) / 2, shapes=X)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2), (7,), (2,), (2, 3, 4), (1, 4), (4, 1, 2), (6, 6)])
def test_no_line_of_numbers_is_all_zero(shape: tuple[int, ...]) -> None:
    problem = Problem(torch.exp, lambda d, x: d, ("x",), (0,))
    x = torch.ones(shape, dtype=torch.float64)
    there = at_zero(problem, Draw((x,), x, x.exp()), 0)
    assert there is not None
    zero = there.inputs[0] == 0
    assert zero.any()
    for dim, size in enumerate(shape):
        if size > 1:
            assert int(zero.sum(dim).max()) <= 1


def test_a_single_number_becomes_zero() -> None:
    problem = Problem(torch.exp, lambda d, x: d, ("x",), (0,))
    x = torch.ones((), dtype=torch.float64)
    there = at_zero(problem, Draw((x,), x, x.exp()), 0)
    assert there is not None
    assert float(there.inputs[0]) == 0
