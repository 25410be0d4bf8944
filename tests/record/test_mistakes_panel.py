"""The panel "Break it" by keyboard, in both themes, and what it says of a run."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop import functional as F
from manual_backprop import nn, record
from tests.record.browsing import CONTRAST, new_page, wait_until
from tests.record.mistaken import CASES, STEPS


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_run_by_the_keyboard_leaves_the_page_as_it_was(
    browser: Any, scheme: str, width: int, tmp_path: Path
) -> None:
    uri = CASES["sigmoid, cross-entropy"].page(tmp_path / "step.html")
    page, said = new_page(browser, uri, color_scheme=scheme, viewport={"width": width, "height": 800})
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
    wait_until(page, f"({made})() > 2")
    assert page.locator("#break-run").inner_text() == "pause"
    page.keyboard.press("Enter")
    stopped = page.evaluate(made)
    assert 2 < stopped < STEPS
    assert f"After {stopped} steps" in page.locator("#break-says").inner_text()
    page.wait_for_timeout(100)
    assert page.evaluate(made) == stopped
    assert page.locator("#break-run").inner_text() == "go on"
    page.keyboard.press("Enter")
    wait_until(page, f"({made})() === {STEPS}")
    assert f"After {STEPS} steps" in page.locator("#break-says").inner_text()
    assert "of 8 classified right" in page.locator(".legend").inner_text()
    assert page.locator("#break-curve polyline").count() == 2
    contrast, text = page.locator("#panel-break").evaluate(CONTRAST)
    assert contrast > 4.5, text
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
    page, said = new_page(browser, CASES["relu, cross-entropy"].page(tmp_path / "step.html"))
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
    page, said = new_page(browser, case.page(tmp_path / "step.html"), reduced_motion="reduce")
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
    page, said = new_page(browser, step.page(tmp_path / "step.html").as_uri(), reduced_motion="reduce")
    page.click("#break-run")
    assert page.locator("#break-gradients tbody tr").count() == 3
    assert "100 steps" in page.locator("#break-says").inner_text()
    assert said == []
    page.close()
