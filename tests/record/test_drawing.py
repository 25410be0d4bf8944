"""Drawing an input in the page: what is believed of it, and what it changes, are PyTorch's numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from manual_backprop import nn, record
from tests.record.browsing import new_page, next_frame
from tests.record.equations import number

SIDE = 6  # pixels


@pytest.fixture(scope="module")
def model() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(nn.Linear(SIDE * SIDE, 9), nn.Tanh(), nn.Linear(9, 4))


@pytest.fixture
def page(browser: Any, model: torch.nn.Sequential, tmp_path: Path) -> Iterator[Any]:
    torch.manual_seed(1)
    x, y = torch.rand(5, SIDE * SIDE), torch.tensor([0, 1, 2, 3, 0])
    classes = ["an a", "a b", "a c", "a d"]
    recording = record(model, x, y, loss=functional.cross_entropy, classes=classes, panel="draw")
    page, said = new_page(browser, recording.page(tmp_path / "step.html").as_uri())
    yield page
    assert said == []
    page.close()


def inputs_and_targets(page: Any) -> tuple[Tensor, Tensor]:
    """Those that the page has now."""
    read = "(name) => [...step.step.values.find((value) => value.symbol === name).numbers]"
    x, y = (torch.tensor(page.evaluate(read, name)) for name in ("x", "y"))
    return x.reshape(-1, SIDE * SIDE), y.long()


def draw(page: Any, *, clear: bool = True) -> None:
    """A stroke from the upper left to the lower right."""
    if clear:
        page.click("#draw-clear")
    page.locator("#draw-canvas").scroll_into_view_if_needed()
    box = page.locator("#draw-canvas").bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    next_frame(page)


def shown_loss(page: Any) -> float:
    return number(page.locator("#draw-says").inner_text().removeprefix("L = ").split(",")[0])


def test_what_is_drawn_is_the_input_and_what_is_believed_is_softmax_of_its_logits(
    page: Any, model: torch.nn.Sequential
) -> None:
    before, _ = inputs_and_targets(page)
    draw(page)
    x, y = inputs_and_targets(page)
    assert torch.equal(x[1:], before[1:])  # the other examples stay
    drawn = x[0].reshape(SIDE, SIDE)
    assert drawn.diagonal()[1:-1].min() == before.max()  # the ink
    assert drawn[0, -1] == drawn[-1, 0] == before.min()  # the paper
    logits = model(x)
    cells = page.locator("#draw-belief td:last-child").all_inner_texts()
    assert [number(cell) for cell in cells] == pytest.approx(logits[0].softmax(0).tolist(), rel=1e-3)
    best = ["an a", "a b", "a c", "a d"][int(logits[0].argmax())]
    assert page.locator("#draw-belief-title").inner_text() == f"It believes: {best}"
    assert shown_loss(page) == pytest.approx(functional.cross_entropy(logits, y).item(), rel=1e-3)


def test_a_step_adds_to_each_unit_the_input_times_minus_eta_delta(
    page: Any, model: torch.nn.Sequential
) -> None:
    draw(page)
    x, y = inputs_and_targets(page)
    z = functional.linear(x, model[0].weight, model[0].bias)
    (delta,) = torch.autograd.grad(functional.cross_entropy(model[2](z.tanh()), y), z)
    shown = [text.split(": δ = ") for text in page.locator("#draw-units figcaption").all_inner_texts()]
    units = [int(unit.removeprefix("unit ")) for unit, _ in shown]
    assert units == delta[0].abs().topk(8).indices.tolist()
    assert [number(value) for _, value in shown] == pytest.approx(delta[0, units].tolist(), rel=1e-3)


def test_the_loss_of_another_target_and_of_one_example_alone(page: Any, model: torch.nn.Sequential) -> None:
    draw(page)
    page.select_option("#draw-target", label="a d")
    x, y = inputs_and_targets(page)
    assert y.tolist() == [3, 1, 2, 3, 0]
    assert shown_loss(page) == pytest.approx(functional.cross_entropy(model(x), y).item(), rel=1e-3)
    page.check("#draw-alone")
    assert shown_loss(page) == pytest.approx(functional.cross_entropy(model(x[:1]), y[:1]).item(), rel=1e-3)
    (due,) = torch.autograd.grad(functional.cross_entropy(model(x[:1]), y[:1]), model[0].weight)
    gradient = page.evaluate("() => [...step.step.values.find((v) => v.symbol === 'W¹').gradient.numbers]")
    torch.testing.assert_close(torch.tensor(gradient), due.flatten(), rtol=1e-5, atol=1e-7)
    page.uncheck("#draw-alone")
    page.click("#draw-reset")
    assert inputs_and_targets(page)[1].tolist() == [0, 1, 2, 3, 0]


def test_keys_draw_and_erase(page: Any) -> None:
    before, _ = inputs_and_targets(page)
    page.click("#draw-clear")
    page.locator("#draw-canvas").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    next_frame(page)
    assert inputs_and_targets(page)[0][0, 2 * SIDE + 1] == before.max()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert page.locator("#draw-cursor").inner_text().startswith("row 2, column 1: ")
    page.keyboard.press("Shift+Space")
    next_frame(page)
    assert inputs_and_targets(page)[0][0, 2 * SIDE + 1] == before.min()


def test_with_erase_on_a_stroke_leaves_paper(page: Any) -> None:
    draw(page)
    drawn, _ = inputs_and_targets(page)
    page.check("#draw-erase")
    draw(page, clear=False)
    assert drawn[0].max() > drawn[0].min()
    assert inputs_and_targets(page)[0][0].max() == drawn[0].min()


def test_only_units_that_are_changed_are_shown_to_be(page: Any) -> None:
    page.check("#draw-alone")
    page.fill("#example", "2")
    page.press("#example", "Enter")
    assert page.locator("#draw-says").inner_text().endswith(", of example 1 alone.")
    assert "9 of 9 units have δ = 0" in page.locator("#draw-changes").inner_text()
    assert page.locator("#draw-units figure").count() == 0


def test_there_is_nothing_to_draw_where_the_input_is_no_image(browser: Any, tmp_path: Path) -> None:
    page = browser.new_page()
    recording = record(nn.Linear(3, 2), torch.rand(2, 3), torch.arange(2), loss=functional.cross_entropy)
    page.goto(recording.page(tmp_path / "step.html").as_uri() + "#draw")
    assert page.locator("#tab-draw").is_hidden()
    assert page.locator("#tab-knob").get_attribute("aria-selected") == "true"
    page.close()
