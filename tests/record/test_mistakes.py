"""The panel "Break it" in a real browser: each mistake, beside the same mistake written in torch."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop import nn, record
from tests.record.equations import number
from tests.record.test_page import CONTRAST

STEPS = 100
# The largest difference of a gradient and of the losses of a hundred steps, as a share of the largest number,
# is eight units in the last place of a float32: torch sums in float32, the page in float64 and rounds once.
ROUNDING = 1e-6


@dataclass
class Case:
    """A multilayer perceptron and its examples."""

    sizes: list[int]
    activations: list[str]
    loss: str
    reduction: str = "mean"
    examples: int = 8
    lr: float = 0.05

    def __post_init__(self) -> None:
        torch.manual_seed(1)
        self.linears = [torch.nn.Linear(d, m) for d, m in pairwise(self.sizes)]
        self.x = torch.randn(self.examples, self.sizes[0])
        outputs = self.sizes[-1]
        classes = torch.arange(self.examples) % outputs
        self.y = classes if self.loss == "cross_entropy" else torch.rand(self.examples, outputs)

    def page(self, path: Path) -> str:
        modules: list[torch.nn.Module] = []
        for i, linear in enumerate(self.linears):
            modules.append(linear)
            modules += [ACTIVATIONS[name]() for name in self.activations[i : i + 1]]
        kind, reduction = self.loss, self.reduction

        def loss(output: Tensor, target: Tensor) -> Tensor:
            return getattr(F, kind)(output, target, reduction=reduction)

        step = record(torch.nn.Sequential(*modules), self.x, self.y, loss=loss, lr=self.lr, panel="break")
        return step.page(path).as_uri()

    def parameters(self) -> list[Tensor]:
        return [p.detach().clone() for linear in self.linears for p in (linear.weight, linear.bias)]

    def gradients(self, parameters: list[Tensor], mistake: str = "") -> tuple[float, list[Tensor]]:
        """The loss and the gradient of every parameter, with the mistake."""
        kept, a = [], self.x
        for i, (W, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
            z = a @ W.T + b
            kept.append((a, z))
            a = torch_function(self.activations[i], z) if i < len(self.activations) else z
        loss = getattr(torch.nn.functional, self.loss)(a, self.y, reduction=self.reduction)
        gradient = loss_gradient(a, self.y, self.reduction == "mean" and mistake != "mean")
        gradients: list[Tensor] = []
        for i in reversed(range(len(kept))):
            x, z = kept[i]
            W = parameters[2 * i]
            if i < len(self.activations):
                gradient = activation_gradient(self.activations[i], z, gradient, mistake)
            gradients = [*linear_gradients(x, gradient, W, mistake), *gradients]
            gradient = gradient @ W
        return loss.item(), gradients

    def losses(self, mistake: str = "") -> list[float]:
        """Of a hundred steps with the mistake, before each and after the last."""
        parameters, losses = self.parameters(), []
        for _ in range(STEPS + 1):
            loss, gradients = self.gradients(parameters, mistake)
            losses.append(loss)
            parameters = [p - self.lr * g for p, g in zip(parameters, gradients, strict=True)]
        return losses

    def by_autograd(self) -> tuple[list[Tensor], list[float]]:
        """The first gradients and the losses of the same steps, by autograd and torch.optim."""
        parameters, losses, first = [p.requires_grad_() for p in self.parameters()], [], []
        optimizer = torch.optim.SGD(parameters, lr=self.lr)
        for step in range(STEPS + 1):
            a = self.x
            for i, (W, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
                a = torch.nn.functional.linear(a, W, b)
                a = torch_function(self.activations[i], a) if i < len(self.activations) else a
            loss = getattr(torch.nn.functional, self.loss)(a, self.y, reduction=self.reduction)
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                first = [p.grad.clone() for p in parameters if p.grad is not None]
            optimizer.step()
        return first, losses


ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def torch_function(name: str, z: Tensor) -> Tensor:
    return getattr(torch, name)(z)


def loss_gradient(output: Tensor, target: Tensor, mean: bool) -> Tensor:
    if target.dtype == torch.int64:
        gradient = output.softmax(1) - torch.nn.functional.one_hot(target, output.shape[1])
        return gradient / len(output) if mean else gradient
    gradient = 2 * (output - target)
    return gradient / output.numel() if mean else gradient


def activation_gradient(name: str, z: Tensor, da: Tensor, mistake: str) -> Tensor:
    if mistake == "mask":
        return da
    at = torch_function(name, z) if mistake == "slope" else z
    slopes = {
        "relu": lambda: (at > 0).float(),
        "sigmoid": lambda: torch.sigmoid(at) * (1 - torch.sigmoid(at)),
        "tanh": lambda: 1 - torch.tanh(at) ** 2,
    }
    return da * slopes[name]()


def linear_gradients(x: Tensor, dz: Tensor, W: Tensor, mistake: str) -> tuple[Tensor, Tensor]:
    if mistake == "transpose":
        return (x.T @ dz).reshape(W.shape), dz.sum(0)
    if mistake == "overwrite":
        for n in range(len(x)):
            dW, db = dz[n].outer(x[n]), dz[n]
        return dW, db
    return dz.T @ x, dz.sum(0)


MISTAKES = ("transpose", "slope", "mask", "mean", "overwrite")
CASES = {
    "relu, cross-entropy": Case([7, 6, 4], ["relu"], "cross_entropy"),
    "sigmoid, cross-entropy": Case([7, 6, 4], ["sigmoid"], "cross_entropy"),
    "tanh, summed cross-entropy": Case([5, 5, 3], ["tanh"], "cross_entropy", "sum", lr=0.01),
    "relu, summed squared error": Case([4, 6, 3], ["relu"], "mse_loss", "sum", lr=0.005),
    "sigmoid and tanh, squared error": Case([5, 6, 4, 2], ["sigmoid", "tanh"], "mse_loss", lr=0.02),
    "relu and tanh, squared error": Case([5, 6, 4, 2], ["relu", "tanh"], "mse_loss", lr=0.01),
    "as for digits": Case([784, 128, 10], ["relu"], "cross_entropy", lr=0.002),
    "no hidden layer": Case([6, 3], [], "cross_entropy", lr=0.02),
    "one example": Case([4, 3, 2], ["tanh"], "cross_entropy", examples=1),
    "one number": Case([3, 1], [], "mse_loss", examples=1),
}
# Mistakes that make no difference, and a part of the reason that is said.
NO_DIFFERENCE = {
    "relu, cross-entropy": {"slope": "a > 0 exactly where z > 0"},
    "tanh, summed cross-entropy": {"mean": "The loss is a sum"},
    "relu, summed squared error": {"slope": "a > 0 exactly where z > 0", "mean": "The loss is a sum"},
    "as for digits": {"slope": "a > 0 exactly where z > 0"},
    "no hidden layer": {"slope": "No gradient passes", "mask": "No gradient passes"},
    "one example": {"mean": "1/N is 1", "overwrite": "a single example"},
    "one number": {
        "transpose": "a single row or a single column",
        "slope": "No gradient passes",
        "mask": "No gradient passes",
        "mean": "1/N is 1",
        "overwrite": "a single example",
    },
}
READ = """() => {
    const { networks, losses, mistake } = step.broken;
    const gradients = (network) => network.tensors.filter((t) => t.learned).map((t) => [...t.gradient]);
    return { mistake, losses, right: gradients(networks.right), wrong: gradients(networks.wrong) };
}"""


def open_page(browser: Any, uri: str, **settings: Any) -> tuple[Any, list[str]]:
    page = browser.new_page(**settings)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url != uri else None)
    page.goto(uri)
    return page, said


@pytest.fixture(scope="module", params=CASES)
def opened(
    request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any]]:
    """A case and its page; a run is made at once."""
    uri = CASES[request.param].page(tmp_path_factory.mktemp("page") / "step.html")
    page, said = open_page(browser, uri, reduced_motion="reduce")
    yield request.param, page
    assert said == []
    page.close()


def difference(mine: list[Tensor], due: list[Tensor]) -> float:
    """The largest over the tensors, each as a share of the tensor's largest number."""
    pairs = zip(mine, due, strict=True)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-30)) for a, b in pairs)


def shaped(lists: list[list[float]], like: list[Tensor]) -> list[Tensor]:
    return [torch.tensor(numbers).reshape(p.shape) for numbers, p in zip(lists, like, strict=True)]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_the_same_one_in_torch(opened: tuple[str, Any], mistake: str) -> None:
    name, page = opened
    case, reason = CASES[name], NO_DIFFERENCE.get(name, {}).get(mistake)
    button = page.locator(f"#break-{mistake}")
    assert button.is_disabled() == (reason is not None)
    said = page.locator(f"#break-{mistake}-reason")
    if reason is not None:
        assert reason in said.inner_text()
        _, right = case.gradients(case.parameters())
        _, wrong = case.gradients(case.parameters(), mistake)
        assert all(torch.allclose(a, b, rtol=1e-6, atol=0) for a, b in zip(wrong, right, strict=True))
        return
    assert said.inner_text() == ""
    button.check()
    before, parameters = page.evaluate(READ), case.parameters()
    assert before["mistake"] == mistake
    first, losses = case.by_autograd()
    _, wrong = case.gradients(parameters, mistake)
    assert difference(wrong, first) > 1e-3
    assert difference(shaped(before["right"], parameters), first) < ROUNDING
    assert difference(shaped(before["wrong"], parameters), wrong) < ROUNDING
    page.click("#break-run")
    after = page.evaluate(READ)["losses"]
    for side, due in (("right", losses), ("wrong", case.losses(mistake))):
        assert len(after[side]) == STEPS + 1
        assert difference([torch.tensor(after[side])], [torch.tensor(due)]) < ROUNDING
    assert "100 steps" in page.locator("#break-says").inner_text()


def told(right: Tensor, wrong: Tensor) -> str:
    """Whether a gradient check tells, by the number where the two differ most."""
    at = (right - wrong).abs().argmax()
    a, b = float(right.flatten()[at]), float(wrong.flatten()[at])
    if a == b:
        return "no: the same"
    return "no: within 1 %" if abs(a - b) < 0.01 * max(abs(a), abs(b)) else "yes"


def test_only_what_the_mistake_reaches_is_told(opened: tuple[str, Any]) -> None:
    name, page = opened
    if len(NO_DIFFERENCE.get(name, {})) == len(MISTAKES):
        assert page.locator("#break-both").is_hidden()
        assert page.locator("#break-step").is_hidden()
        return
    case = CASES[name]
    for mistake in set(MISTAKES) - NO_DIFFERENCE.get(name, {}).keys():
        page.locator(f"#break-{mistake}").check()
        _, right = case.gradients(case.parameters())
        _, wrong = case.gradients(case.parameters(), mistake)
        rows = page.locator("#break-gradients tbody tr").all()
        assert len(rows) == len(right)
        for row, a, b in zip(rows, right, wrong, strict=True):
            cells = row.locator("td").all_inner_texts()
            assert cells[10] == told(a, b)
            assert number(cells[1]) == pytest.approx(float(a.norm()), rel=1e-3)
            assert number(cells[2]) == pytest.approx(float(b.norm()), rel=1e-3)
            cosine = float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))
            assert number(cells[5]) == pytest.approx(cosine, rel=1e-3, abs=1e-5)
            if not torch.equal(a, b):
                near = 0.01 * abs(number(cells[8]) - number(cells[7]))
                assert number(cells[9]) == pytest.approx(number(cells[7]), rel=0.01, abs=near)


def test_a_mean_left_out_is_longer_and_nothing_else(browser: Any, tmp_path: Path) -> None:
    case = CASES["relu, cross-entropy"]
    page, said = open_page(browser, case.page(tmp_path / "step.html"))
    page.locator("#break-mean").check()
    direction = page.locator("#break-direction")
    assert f"{case.examples} times as long as the right one, in the same direction" in direction.inner_text()
    page.locator("#break-overwrite").check()
    assert "° away from it" in direction.inner_text()
    assert said == []
    page.close()


def test_of_the_included_examples_the_last_counts(browser: Any, tmp_path: Path) -> None:
    case = CASES["relu, cross-entropy"]
    page, said = open_page(browser, case.page(tmp_path / "step.html"))
    page.locator("#break-overwrite").check()
    page.evaluate("""() => {
        const { wrong } = step.broken.networks;
        wrong.included.set([0, 0], wrong.included.length - 2);
        wrong.compute();
    }""")
    fewer = replace(case, examples=case.examples - 2)
    fewer.linears, fewer.x, fewer.y = case.linears, case.x[:-2], case.y[:-2]
    _, due = fewer.gradients(case.parameters(), "overwrite")
    assert difference(shaped(page.evaluate(READ)["wrong"], due), due) < ROUNDING
    assert said == []
    page.close()


def wait(page: Any, condition: str) -> None:
    """The page's policy forbids what `wait_for_function` does."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(condition)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_run_by_the_keyboard_leaves_the_page_as_it_was(
    browser: Any, scheme: str, width: int, tmp_path: Path
) -> None:
    uri = CASES["sigmoid, cross-entropy"].page(tmp_path / "step.html")
    page, said = open_page(browser, uri, color_scheme=scheme, viewport={"width": width, "height": 800})
    numbers = """() => JSON.stringify(
        step.step.values.map(({ numbers, gradient }) => [[...numbers], gradient && [...gradient.numbers]])
    )"""
    made = "() => step.broken.losses.right.length - 1"
    before = page.evaluate(numbers)
    page.focus("#tab-break")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "break-transpose"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("step.broken.mistake") == "mask"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait(page, f"({made})() > 2")
    assert page.locator("#break-run").inner_text() == "pause"
    page.keyboard.press("Enter")
    stopped = page.evaluate(made)
    assert 2 < stopped < STEPS
    assert f"After {stopped} steps" in page.locator("#break-says").inner_text()
    page.wait_for_timeout(100)
    assert page.evaluate(made) == stopped
    assert page.locator("#break-run").inner_text() == "go on"
    page.keyboard.press("Enter")
    wait(page, f"({made})() === {STEPS}")
    assert f"After {STEPS} steps" in page.locator("#break-says").inner_text()
    assert "of 8 classified right" in page.locator(".legend").inner_text()
    assert page.locator("#break-curve polyline").count() == 2
    for text in page.locator("#panel-break :is(p, dt, dd, label, legend, li, td, figcaption):visible").all():
        assert text.evaluate(CONTRAST) > 4.5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(made) == 0
    page.click("#break-run")
    page.click("#tab-train")
    page.wait_for_timeout(100)
    left = page.evaluate(made)
    page.wait_for_timeout(100)
    assert page.evaluate(made) == left < STEPS  # what is not seen does not go on
    assert page.evaluate(numbers) == before
    assert "Every number is as PyTorch computed it" in page.locator("#moved").inner_text()
    assert said == []
    page.close()


def test_it_starts_from_what_the_page_shows(browser: Any, tmp_path: Path) -> None:
    page, said = open_page(browser, CASES["relu, cross-entropy"].page(tmp_path / "step.html"))
    page.click("#tab-train")
    page.click("#train-step")
    page.locator("#train-rate").fill("0.25")
    page.locator("#train-rate").press("Enter")
    page.click("#tab-break")
    now = page.evaluate("[step.broken.losses.right[0], step.broken.losses.wrong[0], step.step.loss]")
    assert now[0] == now[1] == now[2]
    assert "η = 0.25" in page.locator("#break-says").inner_text()
    assert said == []
    page.close()


def test_a_loss_that_is_not_finite_is_said_in_words(browser: Any, tmp_path: Path) -> None:
    case = replace(CASES["relu and tanh, squared error"], activations=["relu"], sizes=[5, 6, 2], lr=0.5)
    due = case.losses("mean")
    first = next(
        step for step, loss in enumerate(due) if not math.isfinite(loss)
    )  # torch's sum overflows first
    page, said = open_page(browser, case.page(tmp_path / "step.html"), reduced_motion="reduce")
    page.locator("#break-mean").check()
    page.click("#break-run")
    says = page.locator("#break-says").inner_text()
    said_first = re.search(r"From step (\d+) on the wrong loss is not finite", says)
    assert said_first is not None
    assert first <= int(said_first[1]) <= first + 1
    assert "The wrong curve leaves the picture at step 1." in says
    assert page.locator(".both figcaption").all_inner_texts()[1] == "wrong, weights not finite"
    assert said == []
    page.close()


def test_a_parameter_that_is_not_learned_is_left_out(browser: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))
    model[2].weight.requires_grad_(False)
    step = record(model, torch.randn(6, 3), torch.arange(6) % 2, loss=F.cross_entropy, panel="break")
    page, said = open_page(browser, step.page(tmp_path / "step.html").as_uri(), reduced_motion="reduce")
    page.click("#break-run")
    assert page.locator("#break-gradients tbody tr").count() == 3
    assert "100 steps" in page.locator("#break-says").inner_text()
    assert said == []
    page.close()
