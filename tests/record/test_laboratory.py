"""The laboratory held to PyTorch: whatever is turned, its numbers are autograd's of what was set."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop.record import Recording
from tests.record.browsing import new_page
from tests.record.equations import number
from tests.record.networks import Network, by_torch, loss_after, loss_of, networks

NETWORKS = networks()
NUMBERS = """() => step.step.values.map(({ symbol, name, kind, numbers, gradient }) => ({
    symbol, name, kind, numbers: [...numbers], gradient: gradient && [...gradient.numbers],
}))"""
OUTPUTS = "() => step.step.calls.slice(0, -1).map((call) => call.outputs[0])"
ULP = 2.0**-23


@pytest.fixture(scope="module", params=list(NETWORKS))
def net(request: pytest.FixtureRequest) -> Network:
    return NETWORKS[request.param]


@pytest.fixture(scope="module")
def recording(net: Network) -> Recording:
    return net.recording()


@pytest.fixture(scope="module")
def opened(
    browser: Any, recording: Recording, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, list[str]]]:
    """The page of a network, and what its console says."""
    path = recording.page(tmp_path_factory.mktemp("page") / "step.html")
    page, said = new_page(browser, path.as_uri(), viewport={"width": 1280, "height": 1600})
    yield page, said
    page.close()


@pytest.fixture
def page(opened: tuple[Any, list[str]]) -> Iterator[Any]:
    page, said = opened
    page.click("#tab-knob")
    yield page
    if page.locator("#restore").is_enabled():
        page.click("#restore")
    assert said == []


def numbers(page: Any) -> dict[str, tuple[Tensor, Tensor | None]]:
    """What the page shows, by the names that `by_torch` uses."""
    values, outputs = page.evaluate(NUMBERS), page.evaluate(OUTPUTS)
    named = {}
    for i, value in enumerate(values):
        name = "L" if value["kind"] == "loss" else value["name"] or value["symbol"]
        name = f"out {outputs.index(i)}" if i in outputs else name
        gradient = value["gradient"]
        named[name] = (torch.tensor(value["numbers"]), None if gradient is None else torch.tensor(gradient))
    return named


def assert_is_autograds(page: Any, net: Network) -> None:
    due = by_torch(net)
    shown = numbers(page)
    assert shown.keys() == due.keys()
    for name, sides in due.items():
        for mine, theirs in zip(shown[name], sides, strict=True):
            assert (mine is None) == (theirs is None), name
            if mine is not None and theirs is not None:
                theirs = theirs.double().flatten()
                scale = float(theirs.abs().max()) or 1.0
                torch.testing.assert_close(mine.double(), theirs, rtol=1e-5, atol=2e-6 * max(scale, 0.1))


def choose(page: Any, name: str, row: int, column: int) -> None:
    at = page.evaluate(
        "(name) => step.step.values.findIndex((value) => name === (value.name || value.symbol))", name
    )
    page.select_option("#tensor", value=str(at))
    for field, value in (("#row", row), ("#column", column)):
        if page.locator(field).is_visible():  # there is more than one
            page.locator(field).fill(str(value))
            page.locator(field).press("Enter")


def knobs(net: Network) -> dict[str, tuple[int, int]]:
    """A number of every parameter, the last, and of x; as row and column."""
    shapes = {name: each.shape for name, each in net.model.named_parameters()} | {"x": net.x.shape}
    return {name: (shape[0] - 1 if len(shape) > 1 else 0, shape[-1] - 1) for name, shape in shapes.items()}


def turned(net: Network, name: str, place: tuple[int, int], to: float) -> Network:
    """The network with one number changed, as float32."""
    changed = net.double()
    with torch.no_grad():
        tensor_of(changed, name)[place] = float(torch.tensor(to))
    return changed


def tensor_of(net: Network, name: str) -> Tensor:
    """x or a parameter, as rows and columns."""
    tensor = net.x if name == "x" else dict(net.model.named_parameters())[name].detach()
    return tensor.view(-1, tensor.shape[-1])


def test_every_knob_gives_what_autograd_gives(page: Any, net: Network) -> None:
    for name, place in knobs(net).items():
        choose(page, name, *place)
        for to in (0.3, -1.7):
            page.locator("#knob-number").fill(str(to))
            page.locator("#knob-number").press("Enter")
            assert_is_autograds(page, turned(net, name, place, to))
        check_what_is_said(page, turned(net, name, place, -1.7), name, place)
        page.click("#restore")
    assert_is_autograds(page, net.double())


def check_what_is_said(page: Any, net: Network, name: str, place: tuple[int, int]) -> None:
    """The words, the products, the norms and the loss after the step."""
    tensors = by_torch(net)
    _, gradient = tensors[name]
    loss, says = float(tensors["L"][0]), page.locator("#knob-says").inner_text()
    assert number(re.search(r"L = (\S+)\. ", says)[1]) == pytest.approx(loss, rel=1e-3)
    norms = [float(torch.linalg.vector_norm(each)) for _, each in tensors.values() if each is not None]
    shown = [number(each) for each in re.findall(r"‖(.+?)‖", page.locator("#graph").inner_text())]
    assert sorted(shown) == pytest.approx(sorted(norms), rel=1e-3)
    after = re.search(r"then (\S+) with η", page.locator("#say").inner_text())[1]
    assert number(after) == pytest.approx(loss_after(net, net.lr), rel=1e-3)
    if gradient is None:
        assert "is frozen" in says
        check_curve(page, net, name, place, None)
        return
    slope = float(gradient.view(-1, gradient.shape[-1])[place])
    stated, measured = re.search(r"= (\S+), the slope .* 2h = (\S+), with", says).groups()
    assert number(stated) == pytest.approx(slope, rel=1e-3)
    assert number(measured) == pytest.approx(slope, rel=0.02, abs=1e-4)
    product = page.locator("#path output").first
    assert float(product.get_attribute("data-product")) == pytest.approx(slope, rel=1e-4, abs=1e-7)
    check_curve(page, net, name, place, slope)


# Where the points of the curve and of the tangent lie in their frame, from 0 to 1, and the slider's ends.
CURVE = """() => {
    const svg = document.getElementById("knob-curve"), slider = document.getElementById("knob-slider");
    const points = (line) => line.getAttribute("points").split(" ").map((pair) => {
        const [x, y] = pair.split(",").map(Number);
        return [(x - 72) / (408 - 72), (168 - y) / (168 - 22)];
    });
    const [line, tangent] = ["polyline:not(.tangent)", ".tangent"].map((each) => svg.querySelector(each));
    return [points(line), tangent ? points(tangent) : [], Number(slider.min), Number(slider.max)];
}"""


def check_curve(page: Any, net: Network, name: str, place: tuple[int, int], slope: float | None) -> None:
    """The curve's points are losses, and its tangent touches it with the gradient's slope."""
    line, tangent, left, right = page.evaluate(CURVE)
    now, loss, losses, moved = float(tensor_of(net, name)[place]), loss_of(net), [], net.double()
    for x, _ in line:
        tensor_of(moved, name)[place] = left + x * (right - left)
        losses.append(loss_of(moved))
    low, high = min(*losses, loss), max(*losses, loss)
    assert [low + y * (high - low) for _, y in line] == pytest.approx(losses, abs=1e-4 * (high - low))
    assert (slope is None) == (not tangent)
    for x, y in tangent:
        due = loss + slope * (left + x * (right - left) - now)
        assert low + y * (high - low) == pytest.approx(due, abs=1e-4 * (high - low))


def test_a_slider_turns_the_same_knob(page: Any, net: Network) -> None:
    name, place = next(iter(knobs(net).items()))
    choose(page, name, *place)
    page.locator("#knob-slider").focus()
    for key in ("End", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    to = float(page.locator("#knob-slider").input_value())
    shown = float(page.locator("#knob-number").input_value())
    assert shown == pytest.approx(to, rel=1e-6)
    assert_is_autograds(page, turned(net, name, place, shown))
    page.locator("#knob-number").fill("100")  # beyond the slider, which grows
    page.locator("#knob-number").press("Enter")
    assert float(page.locator("#knob-slider").get_attribute("max")) == 100
    for refused in ("1e39", ""):
        page.locator("#knob-number").fill(refused)
        page.locator("#knob-number").press("Enter")
        assert page.locator("#knob-number").input_value() == "100"
    page.click("#knob-reset")
    assert_is_autograds(page, net.double())
    assert float(page.locator("#knob-slider").get_attribute("max")) < 100


def test_the_learning_rate_is_turned_by_slider_and_by_field(
    page: Any, net: Network, recording: Recording
) -> None:
    page.click("#tab-rate")
    for at in (0, 7, len(recording.lrs) - 1):
        page.locator("#rate-slider").fill(str(at))
        to = re.search(r"to (\S+?)\.( |$)", page.locator("#rate-says").inner_text())[1]
        assert number(to) == pytest.approx(loss_after(net.double(), recording.lrs[at]), rel=2e-3)
    page.click("#tab-train")
    page.locator("#train-rate").fill("0.0123")
    page.locator("#train-rate").press("Enter")
    page.click("#tab-rate")
    says = page.locator("#rate-says").inner_text()
    assert says.startswith("η = 0.0123: ")
    due = loss_after(net.double(), 0.0123)
    assert number(re.search(r"to (\S+?)\.( |$)", says)[1]) == pytest.approx(due, rel=1e-3)


def test_the_differences_from_pytorch_are_those_of_rounding(
    page: Any, net: Network, recording: Recording
) -> None:
    """Computed here a second time: by the formulas, each tensor's sums in float64 and rounded once."""
    page.click("#tab-check")
    rows = page.locator("#check-table tbody tr")
    shown = {
        row.locator("td").first.inner_text(): float(row.get_attribute("data-ulps")) for row in rows.all()
    }
    (step,) = recording.steps
    for call in step.calls:
        given = [each.tensor for each in call.inputs]
        exact = call.by_twin([each.float().double() if each.is_floating_point() else each for each in given])
        due = call.output.tensor.float()
        bound = 4 + 2 * ulps(exact.float(), due)  # of its own rounding, and of what it was given
        assert shown.pop(call.output.symbol) <= bound, call.output.symbol
    for symbol, difference in shown.items():
        assert difference <= 16, symbol
    assert "the differences are of rounding" in page.locator("#check-says").inner_text()


def ulps(mine: Tensor, due: Tensor) -> float:
    """The largest difference, in units of the last place of the largest number."""
    return float((mine.double() - due.double()).abs().max()) / (
        ULP * 2 ** math.floor(math.log2(due.abs().max()))
    )
