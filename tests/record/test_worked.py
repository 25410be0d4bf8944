"""A laboratory works out its own numbers: the recorded ones as Python does, and any others truly."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.record import Recording
from manual_backprop.record.numbers import backward_lines, forward_lines, short
from tests.record.equations import check

Model = torch.nn.Sequential
X = torch.randn(7, 9, generator=torch.Generator().manual_seed(1))
DUE = X[:, :3].sigmoid()


def deep() -> Model:
    return Model(
        *(nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 5, bias=False), nn.Sigmoid()),
        *(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)),
    )


def narrow() -> Model:
    return Model(nn.Linear(9, 1), nn.Tanh(), nn.Linear(1, 3, bias=False))


def wide() -> Model:
    return Model(nn.Linear(9, 300, bias=False), nn.ReLU(), nn.Linear(300, 20))


def with_powers_of_two() -> Model:
    """Of factors that are shared, and of terms that are equal."""
    model = Model(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3))
    powers = torch.tensor([1, 0.5, -1, 0.25])
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):
            which = torch.arange(parameter.numel()) % (4 - i)
            parameter.copy_(powers[which].reshape(parameter.shape))
    return model


def dead() -> Model:
    model = Model(nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 3))
    torch.nn.init.constant_(model.get_parameter("0.bias"), -100.0)
    return model


def not_finite() -> Model:
    model = narrow()
    torch.nn.init.constant_(model.get_parameter("0.bias"), float("nan"))
    return model


def large() -> Model:
    """Of saturated units, with numbers written as powers of ten."""
    model = deep()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(30)
    return model


def summed_entropy(z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(z, y, reduction="sum")


def summed_error(a: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(a, y, reduction="sum")


ENTROPIES = (F.cross_entropy, summed_entropy)
LOSSES = (*ENTROPIES, F.mse_loss, summed_error)
MEANS = (F.cross_entropy, F.mse_loss)
SOME = [*product([deep], LOSSES), (narrow, F.cross_entropy), (wide, F.mse_loss)]
ALL = [*product([deep], LOSSES), *product([narrow, wide, with_powers_of_two, dead, large, not_finite], MEANS)]
ONE = torch.tensor([[1.0, 0.5, -1.0, 0.25, 0.0, 2.0, 1.0, -0.5, 1.0]])
IMAGES = (X, X[3:4], ONE, torch.zeros(2, 9))


def name(function: Any) -> str:
    return str(function.__name__)


def recorded(model: Any, loss: Any, x: Tensor) -> Recording:
    torch.manual_seed(0)
    made = model()
    outputs = made[-1].out_features
    y = torch.arange(len(x)) % outputs if loss in ENTROPIES else DUE[: len(x)].repeat(1, 7)[:, :outputs]
    return record(made, x, y, loss=loss)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(bypass_csp=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    page.close()


def show(page: Any, recording: Recording) -> None:
    """The page, with its modules where a test reaches them."""
    html = recording.html()
    assert '"numbers": null' in html
    page.set_content(html.replace("const modules = {};", "const modules = globalThis.modules = {};", 1))


LINES = """example => {
    const { change, lastPosition, range } = modules["step.js"];
    change({ example });
    return range(lastPosition()).map((position) => {
        change({ position });
        return [...document.querySelectorAll("#say .numbers")].map((line) => line.textContent);
    });
}"""


def lines_of(recording: Recording, example: int) -> list[list[str]]:
    """Python's, at each position of the walk."""
    forward = [forward_lines(call, example) for call in recording.calls]
    backward = [
        [line for at in sorted(call.gradients) for line in backward_lines(call, at, example)]
        for call in reversed(recording.calls)
    ]
    return forward + backward


def check_all(page: Any, examples: int) -> list[str]:
    """Every line of every position is true; returns them."""
    lines = [line for n in range(examples) for lines in page.evaluate(LINES, n) for line in lines]
    for line in set(lines):
        check(line)
    return lines


@pytest.mark.parametrize(("model", "loss"), ALL, ids=name)
def test_the_page_writes_what_python_writes(page: Any, model: Any, loss: Any) -> None:
    for x in IMAGES:
        recording = recorded(model, loss, x)
        show(page, recording)
        for example in range(len(x)):
            assert page.evaluate(LINES, example) == lines_of(recording, example)


def turn(page: Any, tensor: str, row: int, column: int, number: float) -> None:
    page.select_option("#tensor", label=tensor)
    for field, place in (("#row", row), ("#column", column)):
        if page.is_visible(field):  # there is more than one
            page.fill(field, str(place))
            page.press(field, "Enter")
    page.fill("#knob-number", str(number))
    page.press("#knob-number", "Enter")


@pytest.mark.parametrize(("model", "loss"), SOME, ids=name)
def test_after_a_change_every_line_is_true(page: Any, model: Any, loss: Any) -> None:
    recording = recorded(model, loss, X)
    show(page, recording)
    before = check_all(page, len(X))
    turn(page, f"W¹ {tuple(recording.value('W¹').tensor.shape)}", 0, 2, 1.75)
    changed = check_all(page, len(X))
    assert all(a != b for a, b in zip(before, changed, strict=True) if b.startswith("L ="))
    assert not any("recorded" in line for line in changed)
    page.evaluate("modules['laboratory.js'].train()")
    trained = check_all(page, len(X))
    assert len(trained) == len(before)
    page.evaluate("modules['laboratory.js'].restore()")
    assert check_all(page, len(X)) == before


@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("some", [[0, 2, 5], [4]], ids=str)
def test_of_some_examples_alone_every_line_is_true(page: Any, loss: Any, some: list[int]) -> None:
    recording = recorded(deep, loss, X)
    show(page, recording)
    page.evaluate("some => modules['laboratory.js'].include(some)", some)
    lines = check_all(page, len(X))
    outputs, targets = (value.tensor[some] for value in recording.calls[-1].inputs)
    of_loss = {line.split(" = ")[-1] for line in lines if line.startswith("L =")}
    assert of_loss == {short(float(loss(outputs, targets)))}
    for example in (1, 4):
        for position in (7, 8):  # of the loss, forward and backward
            page.evaluate(f"modules['step.js'].change({{ example: {example}, position: {position} }})")
            said = page.locator("#say").inner_text()
            assert ("The loss is not of this example." in said) == (example not in some)
        assert (f"δ⁴[{example},0] = 0\n" in said) == (example not in some)
