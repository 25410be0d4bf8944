"""The built site in a real browser: `MANUAL_BACKPROP_SITE` names its folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from manual_backprop import functional

SITE = Path(os.environ.get("MANUAL_BACKPROP_SITE", "site that is not there")).absolute()
TUTORIALS = sorted(path.stem for path in Path(__file__).parent.parent.parent.glob("tutorials/[0-9]*.py"))
DESK, PHONE = 1280, 390
PAGES = [path for path in sorted(SITE.rglob("*.html")) if "_modules" not in path.parts]

pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="needs a built site")


@pytest.fixture
def visit(browser: Any) -> Any:
    pages = []

    def open_page(path: Path, query: str = "") -> Any:
        page = browser.new_page(viewport={"width": DESK, "height": 800})
        pages.append(page)
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda r: r.url.startswith("http") and page.said.append(r.url))
        page.goto(path.as_uri() + query)
        return page

    yield open_page
    for page in pages:
        page.close()


def test_every_tutorial_and_every_operation_has_its_page() -> None:
    names = {path.relative_to(SITE).with_suffix("").as_posix() for path in PAGES}
    assert {*TUTORIALS, *(f"solutions/{name}" for name in TUTORIALS)} <= names
    modules = {getattr(functional, name).__module__ for name in functional.__all__}
    paths = {module.removeprefix("manual_backprop.").replace(".", "/") for module in modules}
    assert {f"reference/{path}" for path in paths} <= names
    assert "reference/capabilities" in names


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(SITE).as_posix())
def test_a_page_shows_its_formulas_without_a_network(path: Path, visit: Any) -> None:
    page = visit(path)
    formulas = page.locator(".math")
    if formulas.count():
        page.wait_for_function("!document.querySelector('.math:not(:has(mjx-container))')")
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.said == []


def test_the_search_finds_the_transpose(visit: Any) -> None:
    page = visit(SITE / "search.html", "?q=transpose")
    page.wait_for_selector("ul.search li a")
    assert "The chain rule, layer by layer" in page.locator("ul.search").inner_text()


def test_a_recorded_step_is_live(visit: Any) -> None:
    page = visit(SITE / "05_chain_rule.html")
    recorded = page.frame_locator("iframe[title='a recorded training step']")
    assert recorded.locator("svg, canvas").count() > 0


@pytest.mark.parametrize("name", TUTORIALS)
def test_its_notebook_can_be_opened(name: str) -> None:
    notebook = json.loads((SITE / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    first, install = notebook["cells"][:2]
    assert "".join(first["source"]).startswith("# ")
    assert "manual_backprop" in "".join(install["source"])
    assert list((SITE / "notebooks").glob("manual_backprop-*.whl"))
