"""The page in a real browser: every control, and the product that it shows against the recorded gradient."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.record import Recording
from manual_backprop.record.numbers import short
from manual_backprop.record.page import data as page_data
from manual_backprop.record.page.bundle import bundle
from tests.record.browsing import CONTRAST, new_page
from tests.record.equations import check, number
from tests.record.pages import HOSTILE, digits, hostile_page, not_finite


@pytest.fixture(scope="module")
def recording() -> Recording:
    return digits()


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["light", "dark, a phone"])
def page(request: pytest.FixtureRequest, browser: Any, recording: Recording, tmp_path: Path) -> Iterator[Any]:
    scheme, width = request.param
    path = recording.page(tmp_path / "step.html")
    viewport = {"width": width, "height": 800}
    page, said = new_page(browser, path.as_uri(), color_scheme=scheme, viewport=viewport)
    page.click("#first")
    yield page
    assert said == []
    assert page.title() == "One training step"
    page.close()


def test_what_is_not_finite_is_shown_in_a_browser(browser: Any, tmp_path: Path) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(not_finite(float("nan")).page(tmp_path / "step.html").as_uri())
    assert "the loss goes from NaN to NaN" in page.locator("#summary").inner_text()
    page.keyboard.press("End")
    page.click("#back")
    assert "‖NaN‖" in page.locator("#graph").inner_text()
    assert errors == []
    page.close()


def test_no_name_runs_in_a_browser_and_nothing_injected_does(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "step.html"
    path.write_text(hostile_page(HOSTILE), encoding="utf-8")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    for _ in range(2 * len(HOSTILE) + 2):
        page.click("#next")
    assert errors == []
    assert page.title() == "One training step"
    assert page.locator("img, iframe, object, [onload], [onerror]").count() == 0
    assert page.locator("script").count() == 2
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'ran'";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<svg onload=\\"document.title = 'ran'\\"></svg>");
        }"""
    )
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert page.title() == "One training step"
    assert [error for error in errors if "127.0.0.1" in error] == []
    page.close()


def test_a_class_is_text_in_every_panel(page: Any, recording: Recording) -> None:
    for tab in page.locator("[role=tab]:visible").all():
        tab.click()
    page.click("#tab-draw")
    assert page.locator("#draw-target option").all_text_contents() == recording.classes
    assert page.locator("script").count() == 2


def test_forward_and_backward_by_every_control(page: Any) -> None:
    said = page.locator("#say")
    assert "Forward, operation 1 of 4: linear" in said.inner_text()
    page.keyboard.press("ArrowRight")
    assert "a¹ = max(0, z¹)" in said.inner_text()
    page.click("#next")
    page.click("#next")
    page.click("#next")
    assert "Backward, operation 4 of 4" in said.inner_text()
    page.keyboard.press("End")
    assert "w ← w − η ∂L/∂w" in said.inner_text()
    assert page.locator("#next").is_disabled()
    page.click("#back")
    assert "∂L/∂W¹ = δ¹ᵀ x" in said.inner_text()
    page.locator("#position").fill("5")
    assert "Backward, operation 3 of 4" in said.inner_text()
    page.click("#first")
    assert "Forward, operation 1 of 4" in said.inner_text()


def test_the_product_is_the_gradient(page: Any, recording: Recording) -> None:
    page.select_option("#tensor", label="W¹ (128, 784)")
    page.locator("#row").fill("17")
    page.locator("#column").fill("300")
    page.locator("#column").press("Enter")
    outputs = page.locator("#path output")
    due = float(recording.value("W¹").gradient[17, 300])
    first = outputs.first
    assert first.get_attribute("data-name") == "∂L/∂W¹[17,300]"
    assert float(first.get_attribute("data-product")) == pytest.approx(due, rel=1e-5, abs=1e-9)
    for output in outputs.all():
        product, recorded = (float(output.get_attribute(f"data-{name}")) for name in ("product", "recorded"))
        assert product == pytest.approx(recorded, rel=1e-4, abs=1e-9)
    assert page.locator("#graph path.lit").count() == 0  # no gradient has come back yet
    page.locator("#position").fill("7")
    assert page.locator("#graph path.lit").count() > 1
    page.locator("#position").fill("5")
    assert page.locator("#graph path.lit").count() == 10  # from a¹ to each class; z¹ and W¹ are not reached


def test_a_click_on_a_unit_says_where_its_gradient_comes_from(page: Any) -> None:
    page.locator("canvas[aria-label^='a¹']").click(position={"x": 3, "y": 3})
    assert "∂L/∂a¹[0,0] is the sum of 10 products" in page.locator("#path").inner_text()
    page.locator("#example").fill("3")
    page.locator("#example").press("Enter")
    assert "Example 3 (row 2) is of class 2" in page.locator("#summary").inner_text()


def test_the_losses_of_other_learning_rates_are_the_recorded_ones(page: Any, recording: Recording) -> None:
    page.click("#tab-rate")
    for at in (0, 5, len(recording.lrs) - 1):
        page.locator("#rate-slider").fill(str(at))
        said = re.search(r"to (\S+?)\.( |$)", page.locator("#rate-says").inner_text())
        assert said is not None
        assert number(said[1]) == pytest.approx(recording.losses[at], rel=1e-3)
    assert page.locator("#moves tr").count() == 5
    assert {"loss", "learning rate η (logarithmic, but for 0)"} <= set(
        page.locator("#curve text").all_text_contents()
    )


def test_every_position_is_worked_out_in_one_notation(page: Any) -> None:
    for position in range(9):
        page.locator("#position").fill(str(position))
        lines = page.locator("#say .numbers").all_inner_texts()
        assert len(lines) >= (position < 8)
        for line in lines:
            check(line)
        assert not re.search(r"\de[+-]?\d|-\d", page.locator("body").inner_text())
    for line in page.locator("#path li").all_inner_texts():
        check(line)
    for example, due in ((6, "z²[5,"), (1, "z²[0,")):
        page.locator("#example").fill(str(example))
        page.locator("#example").press("Enter")
        page.locator("#position").fill("2")
        assert page.locator("#say .numbers").inner_text().startswith(due)


def test_under_each_formula_stands_its_code(page: Any) -> None:
    due = {
        0: ["z1 = x @ W1.T + b1 (6,128)"],
        2: ["z2 = a1 @ W2.T + b2 (6,10)"],
        4: ["dz2 = (softmax(z2) - one_hot(y)) / 6 (6,10)"],
        5: ["da1 = dz2 @ W2 (6,128)", "dW2 = dz2.T @ a1 (10,128)", "db2 = dz2.sum(0) (10)"],
        8: [],
    }
    for position, lines in due.items():
        page.locator("#position").fill(str(position))
        assert page.locator("#say .code").all_inner_texts() == lines
        assert page.locator("#say .formula + .code").count() == len(lines)
    page.locator("#position").fill("5")
    line = page.locator("#say .code").first
    assert "monospace" in line.evaluate("line => getComputedStyle(line).fontFamily")
    assert line.locator("span").evaluate(CONTRAST)[0] > 4.5


def test_a_number_is_written_as_the_package_writes_it(page: Any) -> None:
    numbers = [0, 1, -1, 0.1, -2.5e-5, 1e-4, 9.9996e-5, 9999.4, 9999.6, 123456, 2 / 3, 1e300, -3.21987e-200]
    written = f"(numbers) => {{ {bundle('writing.js')}; return numbers.map(modules['writing.js'].short); }}"
    assert page.evaluate(written, numbers) == [short(x) for x in numbers]


def test_what_is_not_computed_yet_says_so_and_is_readable(page: Any) -> None:
    waiting = page.locator("#graph .unknown:visible")
    assert waiting.count() == 12  # a¹, z², L and nine gradients
    assert all(text == "not yet" for text in waiting.all_inner_texts())
    assert waiting.first.evaluate(CONTRAST)[0] > 4.5
    assert page.locator("header p").last.evaluate(CONTRAST)[0] > 4.5
    blank = """canvas => {
        const { width, height } = canvas;
        const empty = Object.assign(document.createElement("canvas"), { width, height });
        return canvas.toDataURL() === empty.toDataURL();
    }"""
    assert page.locator("canvas[aria-label^='a¹']").evaluate(blank)
    page.keyboard.press("End")
    assert waiting.count() == 0
    assert not page.locator("canvas[aria-label^='a¹']").evaluate(blank)


def test_a_button_that_does_nothing_looks_so(page: Any) -> None:
    look = "button => ['opacity', 'borderStyle'].map((name) => getComputedStyle(button)[name])"
    assert page.locator("#back").evaluate(look) == ["0.4", "dashed"]
    assert page.locator("#next").evaluate(look) == ["1", "solid"]


class LongNames(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a_feature_extractor_with_a_long_name = torch.nn.LayerNorm(3)
        self.head = torch.nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.a_feature_extractor_with_a_long_name(x))


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_sticks_out_sideways(browser: Any, width: int, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    recording = record(LongNames(), torch.rand(6, 3), torch.arange(6) % 2, loss=F.cross_entropy, lr=100.0)
    page.goto(recording.page(tmp_path / "step.html").as_uri())
    for position in range(2 * len(recording.calls) + 1):
        page.locator("#position").fill(str(position))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = (
        "table => table.getBoundingClientRect().right <= table.parentElement.getBoundingClientRect().right"
    )
    page.click("#tab-rate")
    assert page.locator("#moves").evaluate(inside)
    if width < 500:  # then each parameter is a block, and a number has its title beside it
        titles = "cells => cells.map((cell) => getComputedStyle(cell, '::before').content)"
        assert '"‖w‖"' in page.locator("#moves tbody tr").first.locator("td").evaluate_all(titles)
    page.close()


def test_a_loss_that_explodes_does_not_hide_the_others(browser: Any, tmp_path: Path) -> None:
    page = browser.new_page()
    x = torch.rand(6, 3)
    recording = record(torch.nn.Linear(3, 2), x, torch.rand(6, 2), loss=torch.nn.functional.mse_loss, lr=0.5)
    assert recording.losses[-1] > 100 * recording.loss
    page.goto(recording.page(tmp_path / "step.html").as_uri())
    page.click("#tab-rate")
    points = page.locator("#curve polyline").get_attribute("points").split()
    heights = [float(point.split(",")[1]) for point in points]
    used = recording.lrs.index(recording.lr)
    assert abs(heights[0] - heights[used]) > 30  # of about a hundred
    assert min(heights) >= 0
    assert f"with the last, {short(recording.losses[-1])}." in page.locator("#curve-says").inner_text()
    page.close()


def test_what_the_examples_are_stands_on_the_page_and_above_the_table(browser: Any, tmp_path: Path) -> None:
    about = "The least sure of the first hundred <b>images</b>."
    recording = record(nn.Linear(3, 2), torch.rand(2, 3), torch.arange(2), loss=F.cross_entropy, about=about)
    assert str(recording).startswith(f"{about}\n\nL = ")
    page = browser.new_page()
    page.goto(recording.page(tmp_path / "step.html").as_uri())
    assert page.locator("#about").inner_text() == about
    page.close()


def test_of_a_large_batch_the_first_examples_are_worked_out(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_data, "MOST_WORKED_OUT", 25)
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 2))  # no laboratory
    recording = record(model, torch.rand(7, 3), torch.arange(7) % 2, loss=F.cross_entropy)
    page = browser.new_page()
    page.goto(recording.page(tmp_path / "step.html").as_uri())
    page.locator("#example").fill("7")
    page.locator("#example").press("Enter")
    said = page.locator("#say")
    assert "z¹[1," in said.inner_text()
    assert "Worked out for example 2, the last one that is." in said.inner_text()
    page.locator("#position").fill("5")
    assert "∂L/∂W²[" in said.inner_text()
    assert "Worked out" not in said.locator("p").last.inner_text()  # ∂L/∂b¹ is of all examples
    page.close()


@pytest.mark.parametrize("loss", [F.cross_entropy, F.mse_loss])
def test_an_empty_batch_is_walked_through(browser: Any, tmp_path: Path, loss: Any) -> None:
    y = torch.zeros(0, dtype=torch.int64) if loss is F.cross_entropy else torch.rand(0, 2)
    model = torch.nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    path = record(model, torch.rand(0, 3), y, loss=loss).page(tmp_path / "step.html")
    page, said = new_page(browser, path.as_uri())
    for tab in page.locator("[role=tab]:visible").all():
        tab.click()
    for position in range(9):
        page.locator("#position").fill(str(position))
    assert said == []
    page.close()
