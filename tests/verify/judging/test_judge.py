"""A verdict needs numbers; a gradient of zero is right though it is rounded; types are told."""

from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from manual_backprop.verify.draws import DRAWS, DRAWS_OF_FEW, draws_to_fit

BATCH_NORM = [(8, 5), (3, 5), (3,)]


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    z = x @ weight.T + bias
    centred = z - z.mean(0)
    return centred / (centred.square().mean(0) + 1e-5).sqrt()


def batch_norm_backward(d: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    z = x @ weight.T + bias
    centred = z - z.mean(0)
    r = (centred.square().mean(0) + 1e-5).rsqrt()
    h = centred * r
    dz = r * (d - d.mean(0) - h * (d * h).mean(0))
    return dz @ weight, dz.T @ x, dz.sum(0)


def scores(q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
    return (q @ (k + bias).T).softmax(1)


def scores_backward(d: Tensor, q: Tensor, k: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    p = scores(q, k, bias)
    s = p * (d - (p * d).sum(1, keepdim=True))
    return s @ (k + bias), s.T @ q, (s.T @ q).sum(0)


def centred_sum(x: Tensor) -> Tensor:
    return (x - x.mean()).sum()


def centred_sum_backward(d: Tensor, x: Tensor) -> Tensor:
    return d * (1 - torch.full_like(x, 1 / x.numel()).sum()) * torch.ones_like(x)


ZERO: dict[str, tuple[Any, Any, list[tuple[int, ...]]]] = {
    "bias before a batch norm": (batch_norm, batch_norm_backward, BATCH_NORM),
    "bias of the keys": (scores, scores_backward, [(5, 3), (7, 3), (3,)]),
    "sum of what is centred": (centred_sum, centred_sum_backward, [(5, 3)]),
}


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("forward", "backward", "shapes"), ZERO.values(), ids=ZERO)
def test_a_gradient_of_zero_is_right_though_it_is_rounded(
    forward: Any, backward: Any, shapes: Any, dtype: torch.dtype, size: float
) -> None:
    generator = torch.Generator().manual_seed(5)
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]
    inputs[0] = inputs[0] * size
    report = verify(forward, backward, inputs=inputs)
    assert report, report
    assert report.verdicts[-1].ulps < 100


def test_a_gradient_of_zero_that_is_not_zero_is_wrong() -> None:
    def backward(d: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        dx, dw, db = batch_norm_backward(d, *inputs)
        return dx, dw, db + 1e-9

    x, weight, bias = verify(batch_norm, backward, shapes=BATCH_NORM).verdicts
    assert [verdict.status for verdict in (x, weight, bias)] == ["right", "right", "wrong"]


def test_a_small_gradient_is_not_taken_for_zero() -> None:
    assert not verify(lambda x: 1 + 1e-14 * x, lambda d, x: 2e-14 * d, shapes=[(5, 3)])
    assert verify(lambda x: 1 + 1e-14 * x, lambda d, x: 1e-14 * d, shapes=[(5, 3)])
    eps = torch.tensor([1e-13], dtype=torch.float64)

    def backward(d: Tensor, x: Tensor, eps: Tensor) -> tuple[Tensor, ...]:
        return d / (1 + eps), -2 * (d * x / (1 + eps) ** 2).sum().reshape(1)

    x, small = verify(lambda x, eps: x / (1 + eps), backward, shapes=[(5, 3), eps]).verdicts
    assert (x.status, small.status) == ("right", "wrong")


@pytest.mark.parametrize(
    ("forward", "backward", "shapes"),
    [
        (torch.exp, lambda g, x: g * x.exp(), [(0, 3)]),
        (lambda x: x[:0], lambda g, x: torch.zeros_like(x), [(2, 3)]),
        (lambda x: x.sum(), lambda g, x: g.expand(x.shape), [(0, 3)]),
        (lambda x, y: x.sum() + y.sum(), lambda g, x, y: (x, y), [(0,), (3, 0)]),
    ],
    ids=["all", "output", "input", "inputs"],
)
def test_without_numbers_nothing_is_judged(forward: Any, backward: Any, shapes: Any) -> None:
    report = verify(forward, backward, shapes=shapes)
    assert not report
    assert report.exit_code == 3
    assert "there are no numbers to compare" in " ".join(str(report).split())


def test_an_input_without_numbers_is_not_called_right_beside_others() -> None:
    def split(g: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return g.split([len(x), len(y)])

    report = verify(lambda x, y: torch.cat((x, y)), split, shapes=[(0, 3), (2, 3)])
    assert [verdict.status for verdict in report.verdicts] == ["unjudged", "right"]
    assert (report.status, report.exit_code) == ("unjudged", 3)
    assert "∂L/∂x        could not be judged: it has no elements" in str(report)
    report.plot().draw_without_rendering()
    wrong = verify(lambda x, y: torch.cat((x, y)), lambda g, x, y: (g[:0], 2 * g), shapes=[(0, 3), (2, 3)])
    assert [verdict.status for verdict in wrong.verdicts] == ["unjudged", "wrong"]
    assert wrong.exit_code == 1
    malformed = verify(lambda x, y: torch.cat((x, y)), lambda g, x, y: (g, g), shapes=[(0, 3), (2, 3)])
    assert [verdict.status for verdict in malformed.verdicts] == ["malformed", "right"]


def test_where_autograd_has_no_finite_gradient_nothing_is_judged() -> None:
    zero = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    report = verify(torch.sqrt, lambda g, x, output: g / (2 * output), inputs=[zero])
    assert report.status == "unjudged"
    assert "autograd's gradient is inf at [0]" in report.problem


def test_a_nan_at_a_zero_that_was_asked_for_is_told_so() -> None:
    x = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    (verdict,) = verify(lambda x: x.prod(), lambda g, x, output: g * output / x, inputs=[x]).verdicts
    assert verdict.remark == "yours is nan at [0], where the input is exactly zero"


@pytest.mark.parametrize(
    ("gradient", "status", "says"),
    [
        (lambda g: (3 * g).to_sparse(), "right", "Yours is sparse (torch.sparse_coo)"),
        (lambda g: (2 * g).to_sparse(), "wrong", "Yours is sparse (torch.sparse_coo)"),
        (lambda g: g > 0, "wrong", "Yours is torch.bool, which holds only 0 and 1"),
        (lambda g: (3 * g).long(), "wrong", "Yours is torch.int64, which holds whole numbers"),
    ],
)
def test_the_type_of_a_gradient_is_told(gradient: Any, status: str, says: str) -> None:
    report = verify(lambda x: 3 * x, lambda g, x: gradient(g), shapes=[(5, 3)])
    assert report.status == status
    assert says in " ".join(str(report).split())


def test_whole_numbers_that_are_right_are_told_too() -> None:
    report = verify(lambda x: 0 * x, lambda g, x: torch.zeros(5, 3, dtype=torch.int64), shapes=[(5, 3)])
    assert report
    assert "Yours is torch.int64" in str(report)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_layout_that_autograd_refuses_is_no_gradient() -> None:
    report = verify(lambda x: 3 * x, lambda g, x: (3 * g).to_sparse_csr(), shapes=[(5, 3)])
    assert report.status == "malformed"
    assert "yours is torch.sparse_csr, which autograd refuses" in " ".join(str(report).split())


@pytest.mark.parametrize(("numbers", "due"), [(1, 12), (2, 9), (3, 6), (4, DRAWS), (100, DRAWS), (0, DRAWS)])
def test_a_small_input_alone_is_explained_on_more_points(numbers: int, due: int) -> None:
    assert draws_to_fit(numbers) == due <= DRAWS_OF_FEW


def test_a_mistake_on_a_few_points_only_is_found() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return g * x.sign() * (2 if x > 1.5 else 1)

    assert not verify(torch.abs, backward, shapes=[()])


def test_errors_are_counted_in_the_type_of_the_input() -> None:
    inputs = [torch.linspace(-1, 1, 15).reshape(5, 3)]
    report = verify(torch.exp, lambda g, x: (g * x.exp()).double(), inputs=inputs)
    assert report
    assert report.verdicts[0].ulps < 10
    assert "256 roundings of float32" in " ".join(str(report).split())


def test_a_sparse_gradient_of_autograds_is_compared_with() -> None:
    rows = torch.tensor([0, 2, 2])

    def forward(weight: Tensor) -> Tensor:
        return torch.nn.functional.embedding(rows, weight, sparse=True)

    assert verify(forward, lambda g, weight: torch.zeros_like(weight).index_add(0, rows, g), shapes=[(4, 3)])
    assert not verify(
        forward, lambda g, weight: torch.zeros_like(weight).index_copy(0, rows, g), shapes=[(4, 3)]
    )
    assert verify(forward, against=lambda weight: weight[rows], shapes=[(4, 3)])


def test_where_the_given_point_is_a_kink_and_yours_undefined_nothing_is_concluded() -> None:
    def backward(g: Tensor, x: Tensor, output: Tensor) -> Tensor:
        return g * (x - x.mean()) / output / (x.numel() - 1)

    equal = torch.ones(4, dtype=torch.float64)
    report = verify(lambda x: x.std(), backward, inputs=[equal])
    assert report.status == "unjudged"
    assert "yours is nan at [0], where the forward has a kink: its slope is" in " ".join(str(report).split())
    smooth = verify(torch.exp, lambda g, x: g * x.exp() / (x - 1) * (x - 1), inputs=[equal])
    assert smooth.status == "malformed"
