"""The laboratory by keyboard, by screen reader, on a phone, in both themes; its console is silent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop import functional as F
from manual_backprop import nn, record
from tests.record.browsing import CONTRAST, new_page, next_frame
from tests.record.networks import network, networks

TABS = "[role=tab]:visible"
OPEN = "[role=tabpanel]:not([hidden])"
CONTROLS = "button, input, select, textarea, a[href], [tabindex]"
# The controls that can be used now; of radio buttons, the Tab key goes to the one that is checked.
USABLE = f"""() => [...document.querySelectorAll("{CONTROLS}")]
    .filter((each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility())
    .filter((each) => each.type !== "radio" || each.checked)
    .map((each) => each.id || each.outerHTML)"""
FOCUSED = """() => {
    const at = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(at);
    const isSeen = outlineStyle !== "none" && outlineWidth !== "0px";
    return [at === document.body ? null : at.id || at.outerHTML, isSeen];
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of images, so that there is something to draw; with a dead unit, which there is a remark on."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10))
    with torch.no_grad():
        model[0].bias[3] = -100
    classes = [f"the {i}" for i in range(10)]
    recording = record(
        model, torch.rand(5, 64), torch.arange(5), loss=F.cross_entropy, classes=classes, steps=2
    )
    return recording.page(tmp_path_factory.mktemp("page") / "step.html")


@pytest.fixture(scope="module")
def every_page(browser: Any) -> Iterator[tuple[Any, list[str]]]:
    page, said = new_page(browser, viewport={"width": 1280, "height": 1600})
    yield page, said
    page.close()


@pytest.fixture
def page(every_page: tuple[Any, list[str]], path: Path) -> Iterator[Any]:
    page, said = every_page
    page.goto(path.as_uri())
    page.keyboard.press("End")
    yield page
    assert said == []


def panels(page: Any) -> Iterator[str]:
    """Opens each panel in turn."""
    for tab in page.locator(TABS).all():
        tab.click()
        yield tab.inner_text()


def test_every_control_is_reached_by_the_tab_key_and_is_seen_to_be(page: Any) -> None:
    for name in panels(page):
        page.evaluate("document.activeElement.blur()")
        usable, reached = page.evaluate(USABLE), []
        for _ in range(len(usable) + 5):
            page.keyboard.press("Tab")
            focused, is_seen = page.evaluate(FOCUSED)
            if focused is not None:  # at the end the browser's own controls follow
                reached.append(focused)
                assert is_seen, f"{name}: {focused}"
        assert set(usable) <= set(reached), name
        assert len(usable) >= 7, name


def test_the_arrow_keys_open_the_panels_and_turn_the_sliders(page: Any) -> None:
    names = page.locator(TABS).all_inner_texts()
    page.locator(TABS).first.focus()
    for due in (*names[1:], names[0]):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.textContent") == due
        assert page.locator(OPEN).count() == 1
        assert page.locator("[role=tab][aria-selected=true]").inner_text() == due
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.textContent") == names[-1]
    page.keyboard.press("Home")
    for key in ("PageUp", "ArrowLeft", "End"):
        loss = page.evaluate("step.step.loss")
        page.locator("#knob-slider").focus()
        page.keyboard.press(key)
        assert page.evaluate("step.step.loss") != loss
    page.locator(TABS).nth(names.index("Train")).focus()
    page.keyboard.press("Enter")
    page.locator("#train-step").focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    page.locator("#train-at").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#train-at").get_attribute("aria-valuetext") == "step 2 of 3"
    assert page.locator("#restore").is_enabled()
    page.locator("#restore").focus()
    page.keyboard.press("Enter")
    assert page.locator("#restore").is_disabled()


NAMED = (
    "button",
    "slider",
    "spinbutton",
    "combobox",
    "tab",
    "tabpanel",
    "checkbox",
    "radio",
    "image",
    "textbox",
)


def test_a_screen_reader_has_a_name_for_everything(page: Any) -> None:
    session = page.context.new_cdp_session(page)
    for panel in panels(page):
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        kept = [node for node in nodes if not node["ignored"] and node["role"]["value"] in NAMED]
        names = [(node["role"]["value"], node.get("name", {}).get("value", "").strip()) for node in kept]
        assert len(names) > 20
        assert [role for role, name in names if not name] == [], panel


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for name in panels(page):
        for position in ("0", "5"):  # forward, then backward: a column is marked
            page.locator("#position").fill(position)
            contrast, text = page.locator("body").evaluate(CONTRAST)
            assert contrast >= 4.5, f"{name}: {text}"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_panel_sticks_out_sideways(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in panels(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.set_viewport_size({"width": 1280, "height": 1600})


def test_the_pictures_take_the_colours_of_the_theme(page: Any) -> None:
    page.click("#tab-train")
    seen = []
    for scheme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=scheme)
        next_frame(page)
        pictures = [page.locator("#graph canvas").nth(1), page.locator("#train-weights")]
        seen.append([picture.evaluate("canvas => canvas.toDataURL()") for picture in pictures])
    assert seen[0] == seen[2]
    assert all(light != dark for light, dark in zip(seen[0], seen[1], strict=True))


def test_a_number_that_is_clicked_is_explained(page: Any) -> None:
    for panel, opened in (("draw", "knob"), ("rate", "rate"), ("break", "knob")):
        page.click(f"#tab-{panel}")
        page.locator("#graph canvas").first.click(position={"x": 5, "y": 5})
        assert page.locator(OPEN).get_attribute("id") == f"panel-{opened}"


def test_a_panel_is_asked_for_by_the_address(page: Any, path: Path) -> None:
    for panel in ("train", "check", "rate"):
        page.goto(f"{path.as_uri()}#{panel}")
        assert page.locator(OPEN).get_attribute("id") == f"panel-{panel}"
        assert page.locator(f"#{panel}").count() == 0  # which the browser would scroll to
    page.evaluate("location.hash = 'nothing'")
    assert page.locator(OPEN).get_attribute("id") == "panel-rate"


def test_another_model_has_nothing_to_turn(browser: Any, tmp_path: Path) -> None:
    net = network(nn.Linear(4, 5), torch.nn.GELU(), nn.Linear(5, 3))
    page, said = new_page(browser)
    for panel in ("train", "knob"):
        path = record(net.model, net.x, net.y, loss=net.loss, panel=panel).page(tmp_path / f"{panel}.html")
        page.goto(path.as_uri())
        names = page.locator(TABS).all_inner_texts()
        assert names[:2] == ["A gradient", "The step"]
        assert not {"Train", "Draw", "Break it", "Against PyTorch"} & set(names)
        assert page.locator("#knob-slope").is_hidden()
        for _ in panels(page):
            page.keyboard.press("End")
    assert said == []
    page.close()


def test_every_kind_of_network_is_walked_through_in_silence(browser: Any, tmp_path: Path) -> None:
    page, said = new_page(browser)
    every = networks()
    for name in ("deep, squared error", "a frozen weight and a frozen bias", "one example", "no activation"):
        net = every[name]
        page.goto(net.recording().page(tmp_path / "step.html").as_uri())
        for tab in page.locator(TABS).all():
            tab.click()
        for canvas in page.locator("#graph canvas").all():
            canvas.click(position={"x": 2, "y": 2})
        assert said == [], name
    page.close()
