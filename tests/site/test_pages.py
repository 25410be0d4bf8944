"""The built site in a real browser: `MANUAL_BACKPROP_SITE` names its folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from manual_backprop import functional

SITE = Path(os.environ.get("MANUAL_BACKPROP_SITE", "site that is not there")).absolute()
TUTORIALS = sorted(path.stem for path in Path(__file__).parent.parent.parent.glob("tutorials/[0-9]*.py"))
LABORATORIES = {  # the panel with which each recorded step of a page opens
    "index": ["draw"],
    "02_network": ["draw"],
    "03_graph": ["knob", "break"],
    "05_chain_rule": ["knob"],
    "06_gradient_descent": ["train"],
    "08_activations": ["knob", "break"],
}
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


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("transpose", "The chain rule, layer by layer"),
        ("vanishing", "Activations and vanishing gradients"),
        ("topological", "The computational graph"),
    ],
)
def test_the_search_finds_the_page_about_it(word: str, title: str, visit: Any) -> None:
    page = visit(SITE / "search.html", f"?q={word}")
    page.wait_for_selector("ul.search li a")
    assert title in page.locator("ul.search").inner_text()


@pytest.mark.parametrize("name", TUTORIALS)
def test_what_answers_a_prediction_is_out_of_sight_until_it_is_made(name: str, visit: Any) -> None:
    page = visit(SITE / f"{name}.html")
    forms, answers = page.locator(".mb-prediction"), page.locator("details.answer")
    assert forms.count() == answers.count() > 0
    for form, answer in zip(forms.all(), answers.all(), strict=True):
        inside = answer.locator(":scope > :not(summary)").first
        assert not inside.is_visible()
        if form.locator("input").count():
            form.locator("input").fill("-1e9")
            form.locator("input").press("Enter")
            assert form.locator("output").inner_text().startswith("That is too small.")
        else:
            for option in form.locator("details").all():
                option.locator("summary").press("Enter")
                option.locator("p").wait_for()
                assert option.locator("p").inner_text().startswith(("Right:", "Not so:"))
        inside.wait_for()  # to be visible
    opened = "Object.values(localStorage).filter(kept => kept === 'true').length"
    page.wait_for_function(f"{opened} === {answers.count()}")
    page.reload()
    assert page.locator("details.answer:not([open])").count() == 0


@pytest.mark.parametrize("name", TUTORIALS)
def test_exercises_and_solutions_lead_to_each_other(name: str, visit: Any) -> None:
    page = visit(SITE / f"{name}.html")
    links = page.get_by_role("link", name="Solution", exact=True)
    assert links.count() >= 3
    links.first.click()
    page.get_by_role("link", name="Exercise", exact=True).first.click()
    assert page.url.split("/")[-1].startswith(f"{name}.html#exercise-")


@pytest.mark.parametrize("path", ["activations/gelu", "losses/mse_loss", "arithmetic/exp"])
def test_an_operations_page_shows_what_it_is_and_what_goes_wrong_with_it(path: str, visit: Any) -> None:
    page = visit(SITE / "reference" / "functional" / f"{path}.html")
    assert page.locator("svg[role=img]").first.is_visible()
    for part in ("Derivation", "Code", "Mistakes", "Use"):
        assert page.get_by_role("heading", name=part, exact=False).first.is_visible()
    said = page.locator("details.verify").first
    said.locator("summary").click()
    assert said.locator("pre").is_visible()


def test_the_front_page_leads_everywhere(visit: Any) -> None:
    page = visit(SITE / "index.html")
    for name in TUTORIALS:
        assert page.locator(f"main a[href='{name}.html'], article a[href='{name}.html']").count() > 0
    assert page.locator("article a[href='reference/functional/affine/linear.html']").count() > 0


IS_WHOLE = """async body => {
    for (let tries = 0; tries < 200 && body.offsetHeight > innerHeight; tries++)
        await new Promise((done) => setTimeout(done, 50));
    return body.offsetHeight <= innerHeight;
}"""


@pytest.mark.parametrize("name", LABORATORIES)
def test_a_laboratory_loads_when_it_comes_into_sight(name: str, visit: Any) -> None:
    page = visit(SITE / f"{name}.html")
    assert page.locator("iframe[srcdoc]").count() == 0
    opened = []
    for frame in page.locator(".laboratory iframe").all():
        assert frame.get_attribute("title")
        frame.scroll_into_view_if_needed()
        inside = frame.content_frame
        tab = inside.locator("[role=tab][aria-selected=true]")
        tab.wait_for()
        opened.append(tab.get_attribute("id").removeprefix("tab-"))
        for width in (PHONE, DESK):
            page.set_viewport_size({"width": width, "height": 800})
            frame.scroll_into_view_if_needed()  # a browser lays out no frame that is out of sight
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert inside.locator("html").evaluate("root => root.scrollWidth <= innerWidth")
            if name != "index":
                assert inside.locator("body").evaluate(IS_WHOLE)  # it does not scroll within the page
    assert opened == LABORATORIES[name]
    assert page.said == []


@pytest.mark.parametrize("name", LABORATORIES)
def test_a_laboratory_can_be_opened_in_a_window_of_its_own(name: str, visit: Any) -> None:
    page = visit(SITE / f"{name}.html")
    for shown in page.locator(".laboratory").all():
        link, address = shown.locator("figcaption a"), shown.locator("iframe").get_attribute("src")
        assert link.get_attribute("href") == address
        assert link.get_attribute("target") == "_blank"
        assert (SITE / address).stat().st_size < 3_000_000


@pytest.mark.parametrize("name", TUTORIALS)
def test_its_notebook_can_be_opened(name: str) -> None:
    notebook = json.loads((SITE / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    first, install = notebook["cells"][:2]
    assert "".join(first["source"]).startswith("# ")
    assert "manual_backprop" in "".join(install["source"])
    folded = [
        cell for cell in notebook["cells"] if cell["metadata"].get("jupyter") == {"source_hidden": True}
    ]
    assert folded
    assert list((SITE / "notebooks").glob("manual_backprop-*.whl"))
