"""What a page says with numbers in it is true of these numbers, and of what was recorded."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from manual_backprop import record
from manual_backprop.record import Recording, problem
from manual_backprop.record.numbers import backward_lines, forward_lines, short
from tests.functional.samples import Row
from tests.functional.table import ROWS
from tests.record.equations import check, check_lines, lines_of, number, worked_out


def recorded(model: Any, *inputs: Any, loss: Any = None) -> Recording:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(problem, "RANGE", [])
        return record(model, *inputs, loss=loss)


def classifier(*layers: nn.Module, features: int = 20) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(features, 13), *layers, nn.Linear(13, 10))


IMAGES, LABELS = torch.rand(6, 20, generator=torch.Generator().manual_seed(0)), torch.arange(6)


ELEMENTWISE = [
    *(nn.ReLU(), nn.Sigmoid(), nn.Tanh(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU(), nn.ELU(0.5)),
    *(nn.LeakyReLU(0.1), nn.Softplus(2.0), nn.Softsign(), nn.LogSigmoid(), nn.Hardtanh(-0.1, 0.2)),
    *(nn.Hardsigmoid(), nn.Hardswish(), nn.Dropout(0.3), nn.Softmax(1), nn.LogSoftmax(1)),
    *(nn.LayerNorm(13), nn.RMSNorm(13), nn.BatchNorm1d(13), nn.BatchNorm1d(13).eval()),
]


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=str)
@pytest.mark.parametrize("batch", [1, 6])
def test_every_layer_of_a_classifier_is_an_equation(layer: nn.Module, batch: int) -> None:
    batch = 6 if isinstance(layer, nn.BatchNorm1d) else batch
    recording = recorded(classifier(layer), IMAGES[:batch], LABELS[:batch], loss=T.cross_entropy)
    assert check_lines(recording, example=batch - 1) == set()


ONE_HOT = T.one_hot(LABELS, 10).float()
LOGITS_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "cross_entropy": lambda z: T.cross_entropy(z, LABELS),
    "cross_entropy, summed": lambda z: T.cross_entropy(z, LABELS, reduction="sum"),
    "nll_loss": lambda z: T.nll_loss(z.log_softmax(1), LABELS),
    "mse_loss": lambda z: T.mse_loss(z, ONE_HOT),
    "mse_loss, summed": lambda z: T.mse_loss(z, ONE_HOT, reduction="sum"),
    "l1_loss": lambda z: T.l1_loss(z, ONE_HOT),
    "huber_loss": lambda z: T.huber_loss(z, ONE_HOT, delta=0.3),
    "smooth_l1_loss": lambda z: T.smooth_l1_loss(z, ONE_HOT, beta=0.4),
    "binary_cross_entropy_with_logits": lambda z: T.binary_cross_entropy_with_logits(z, ONE_HOT),
    "kl_div": lambda z: T.kl_div(z.log_softmax(1), ONE_HOT * 0.8 + 0.02, reduction="batchmean"),
    "variance": lambda z: (z * z).sum(0).mean() + z.exp().sum().log() - z.abs().max(),
}


@pytest.mark.parametrize("loss", LOGITS_LOSSES)
def test_every_loss_is_an_equation(loss: str) -> None:
    recording = recorded(lambda z: LOGITS_LOSSES[loss](z), classifier()(IMAGES).detach().requires_grad_())
    assert check_lines(recording, example=2) <= {"max"}


def test_the_cross_entropy_has_all_ten_logits() -> None:
    recording = recorded(classifier(), IMAGES[:1], LABELS[:1] + 7, loss=T.cross_entropy)
    (line,) = forward_lines(recording.calls[-1], 0)
    z = recording.value("z²").tensor[0].tolist()
    exponentials = " + ".join(f"exp({short(x)})" for x in z)
    minus = f"−({short(z[7])})" if z[7] < 0 else f"−{short(z[7])}"
    assert line == f"L = {minus} + log({exponentials}) = {short(recording.loss)}"


@pytest.mark.parametrize(
    "options", [{"ignore_index": 3}, {"label_smoothing": 0.1}, {"weight": torch.linspace(1, 2, 10)}]
)
def test_another_cross_entropy_is_not_written_as_the_plain_one(options: dict[str, Any]) -> None:
    recording = recorded(classifier(), IMAGES, LABELS, loss=lambda z, y: T.cross_entropy(z, y, **options))
    (line,) = forward_lines(recording.calls[-1], 0)
    assert "=" not in line
    assert line.endswith(f"→ L: {short(recording.loss)}")
    for back in backward_lines(recording.calls[-1], 0, 0):
        check(back)
    assert '"products": null' in recording.html()


def test_a_long_sum_says_what_is_left_out() -> None:
    recording = recorded(classifier(), IMAGES, LABELS, loss=T.cross_entropy)
    (line,) = forward_lines(recording.calls[0], 4)
    assert re.fullmatch(r"z¹\[4,\d+\] = .* \+ \(18 others: −?[\d.]+\) = −?[\d.]+", line)


class Pictures(nn.Module):
    """Convolutions, groups, strides and each kind of pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False),
            nn.GroupNorm(3, 6),
            nn.Tanh(),
            nn.AvgPool2d(2, stride=1, padding=1),
            nn.AdaptiveAvgPool2d((2, 2)),
            nn.Flatten(),
            nn.Linear(24, 3),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


@pytest.mark.parametrize("example", [0, 2])
def test_convolution_and_pooling_are_equations(example: int) -> None:
    torch.manual_seed(0)
    recording = recorded(Pictures(), torch.randn(3, 2, 9, 9), LABELS[:3], loss=T.cross_entropy)
    assert check_lines(recording, example) == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_operation_states_an_equation_that_is_false(row: Row) -> None:
    smooth = next(sample for sample in row.samples if sample.smooth and sample.finite)
    for sample in (smooth, row.samples[-1]):

        def outputs(*inputs: Tensor) -> list[Tensor]:
            found = tree_leaves(row.function(*inputs, **sample.options))  # noqa: B023
            return [t for t in found if isinstance(t, Tensor) and t.requires_grad]

        def total(*inputs: Tensor) -> Tensor:
            weighted = [t * torch.linspace(1, 2, t.numel()).to(t).reshape(t.shape) for t in outputs(*inputs)]
            return sum(t.sum() for t in weighted)  # type: ignore[return-value]

        if outputs(*sample.leaves()):
            check_lines(recorded(total, *sample.leaves()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_where_the_precision_has_fewer_digits_the_recorded_number_stands_beside(dtype: torch.dtype) -> None:
    recording = recorded(classifier(nn.Sigmoid()).to(dtype), IMAGES.to(dtype), LABELS, loss=T.cross_entropy)
    assert check_lines(recording) == set()
    said = [line for _, lines, _ in lines_of(recording) for line in lines]
    assert any("recorded 0." in line and str(dtype).removeprefix("torch.") in line for line in said)


def test_what_is_not_finite_is_no_equation() -> None:
    recording = recorded(lambda x: (x / 0).sum(), torch.ones(3, requires_grad=True))
    said = [line for _, lines, _ in lines_of(recording) for line in lines]
    assert "x: 1, 1, 1 → t₁: ∞, ∞, ∞" in said


def test_what_is_listed_is_in_the_same_notation() -> None:
    labels = torch.tensor([-100, 4])
    recording = recorded(classifier(), IMAGES[:2], labels, loss=T.cross_entropy)
    assert ", y: −100, 4 → L: " in forward_lines(recording.calls[-1], 0)[0]
    empty = recorded(lambda x: x.softmax(0).sum(), torch.zeros(0, requires_grad=True))
    assert forward_lines(empty.calls[0], 0) == ["x: no numbers → t₁: no numbers"]


def test_a_gradient_that_other_uses_add_to_is_not_said_to_be_all() -> None:
    recording = recorded(lambda a: (a * a) * a, 3.0)
    assert backward_lines(recording.calls[0], 0, 0) == ["∂L/∂a += 3 · 3 = 9"]
    assert recording.calls[0].backward_line(0) == "∂L/∂a += ∂L/∂t₁ · a"


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-0.25, "−0.25"),
        (0.000214, "0.000214"),
        (0.0000214, "2.14·10⁻⁵"),
        (9999.4, "9999"),
        (12345.0, "1.234·10⁴"),
        (-1e12, "−1·10¹²"),
        (0.00009999999, "0.0001"),
        (2 / 3, "0.6667"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
    ],
)
def test_a_number_has_one_notation(x: float, text: str) -> None:
    assert short(x) == text
    if x == x and abs(x) != float("inf"):
        assert number(text) == pytest.approx(x, rel=1e-3)


@pytest.mark.parametrize(
    "line",
    [
        "L = −0.2054 + log(exp(0.2054) + exp(0.1)) = 0.000214",
        "a[0] = 0.5 · 0.3 = 0.1502",
        "a = 1 + 2 + (5 others: 1) = 5",
        "a = 0.5 = 0.51",
        "z² = 0.2054, y = 7 → L = 0.000214",
    ],
)
def test_a_false_equation_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line)


def test_the_check_would_notice_one_per_cent() -> None:
    recording = recorded(classifier(nn.ReLU()), IMAGES, LABELS, loss=T.cross_entropy)
    equations = [line for _, lines, _ in lines_of(recording) for line in lines if line.count("=") > 1]
    for line in equations:
        *_, result = line.split(" = ")
        with pytest.raises(AssertionError):
            check(line.removesuffix(result) + short(1.01 * worked_out(result).value))
